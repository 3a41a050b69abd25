"""Torch behind the seam: random keys, devices, and models as named numpy arrays."""

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlgolf.backends import numpy_random
from mlgolf.backends.parameter_types import torch_parameter_types
from mlgolf.core.arrays import Batch, map_arrays
from mlgolf.core.errors import SubmissionError
from mlgolf.core.spec import ForwardPassMode, LossType, ParameterType, ShapeTuple
from mlgolf.core.workload import Decodes, Model, Outputs

PARALLEL = (nn.DataParallel, nn.parallel.DistributedDataParallel)


class TorchBackend:
    """A model is an nn.Module, changed in place. Its buffers are in it: `model_state` is None."""

    name = "torch"
    params_type = nn.Module
    params_noun = "the model, a torch.nn.Module"

    @cached_property
    def device(self) -> torch.device:
        """Asked for when it is first needed: CUDA, once asked, does not survive a fork."""
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES") == ""
        return torch.device("cpu" if hidden or not torch.cuda.is_available() else "cuda")

    @cached_property
    def _no_chance(self) -> numpy_random.Key:
        """The key of evaluations, in which nothing is drawn."""
        return self.key(0)

    def configure(self, threads: int) -> None:
        """Fix threads and determinism of this process, once, before anything is built."""
        if threads:
            torch.set_num_threads(threads)
        with suppress(RuntimeError):  # torch refuses to set it twice, even to the same number
            torch.set_num_interop_threads(1)
        # use_deterministic_algorithms(True, warn_only=True) without its import of a compiler (2 s).
        torch.set_deterministic_debug_mode("warn")
        # Filling fresh memory with NaN would cost time, and numbers do not depend on it.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[assignment]

    @contextmanager
    def settings_kept(self) -> Iterator[None]:
        """Models are built and evaluated in float32, with gradients allowed, within the block."""
        threads, mode = torch.get_num_threads(), torch.get_deterministic_debug_mode()
        dtype = torch.get_default_dtype()
        filling = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
        torch.set_default_dtype(torch.float32)
        try:
            with torch.enable_grad():
                yield
        finally:
            torch.set_default_dtype(dtype)
            torch.set_num_threads(threads)
            torch.set_deterministic_debug_mode(mode)
            torch.utils.deterministic.fill_uninitialized_memory = filling  # type: ignore[assignment]

    def count_parameters(self, model: Model) -> int:
        with torch.device("meta"):
            module, _ = model.init(self.key(0))
        return sum(parameter.numel() for parameter in module.parameters())

    def preload(self) -> None:
        """What making the first optimizer imports: 1.5 s that are not the contestant's."""
        import_module("torch._dynamo")

    def key(self, seed: int) -> numpy_random.Key:
        return numpy_random.PRNGKey(seed)

    def split(self, key: Any, count: int) -> numpy_random.Key:
        return numpy_random.split(key, count)

    def step_keys(self, key: Any, count: int, ahead: int) -> numpy_random.StepKeys:
        return numpy_random.StepKeys(key, count, ahead)

    def to_device(self, batch: Batch) -> dict[str, Any]:
        """Tensors that share memory with the batch where they can; integer targets as int64."""
        return {
            name: map_arrays(self._target if name == "targets" else self._on_device, part)
            for name, part in batch.items()
        }

    def _on_device(self, array: NDArray) -> Tensor:
        return _tensor(array).to(self.device)

    def _target(self, array: NDArray) -> Tensor:
        tensor = self._on_device(array)
        return tensor.long() if array.dtype.kind in "iu" else tensor

    def to_numpy(self, value: Any) -> NDArray:
        """On the CPU a view of the tensor's memory, but for bfloat16, which numpy lacks."""
        if not isinstance(value, Tensor):
            return np.asarray(value)
        tensor = value.detach().cpu()
        return (tensor.float() if tensor.dtype is torch.bfloat16 else tensor).numpy()

    def synchronize(self, tree: Any) -> None:
        """Return once the device has computed everything it was asked to, `tree` among it."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def named_arrays(self, params: nn.Module, model_state: Any) -> dict[str, NDArray]:
        """Parameters and buffers by name, names in order; views of host memory on the CPU."""
        return self._arrays(_named_state(params))

    def parameter_arrays(self, params: nn.Module) -> dict[str, NDArray]:
        return self._arrays(_named_parameters(params))

    def _arrays(self, tensors: Mapping[str, Tensor]) -> dict[str, NDArray]:
        return {name: self.to_numpy(tensors[name]) for name in sorted(tensors)}

    def load_arrays(
        self, params: nn.Module, model_state: Any, arrays: Mapping[str, NDArray]
    ) -> tuple[nn.Module, Any]:
        """The same module, its parameters and buffers overwritten in place.

        Raises: SubmissionError if names or shapes are not those of the module.
        """
        state = _named_state(params)
        if state.keys() != arrays.keys():
            raise SubmissionError(
                f"the model has {sorted(state)}, but the arrays given are {sorted(arrays)}. "
                "Hand over every parameter and buffer, and nothing else."
            )
        for name, tensor in state.items():
            if arrays[name].shape != tuple(tensor.shape):
                raise SubmissionError(
                    f"array {name!r} has shape {arrays[name].shape}, but the model has "
                    f"{tuple(tensor.shape)} there."
                )
            tensor.copy_(_tensor(arrays[name]))  # detached: autograd does not see it
        return params, model_state

    @torch.no_grad()  # not inference mode: what a model keeps could then never be trained
    def evaluate(
        self, model: Model, params: nn.Module, model_state: Any, batch: Batch
    ) -> Outputs:
        """Predictions and losses per example in evaluation mode, without gradients."""
        tensors = self.to_device(batch)
        logits, _ = model.apply(
            params, tensors, model_state, ForwardPassMode.EVAL, self._no_chance,
            update_batch_norm=False, dropout_rate=0.0,
        )  # fmt: skip
        losses = model.loss(tensors["targets"], logits, tensors.get("weights"))
        predictions = logits
        if isinstance(model, Decodes):
            predictions = model.decode(params, tensors, model_state, logits)
        return map_arrays(self.to_numpy, Outputs(predictions, losses["per_example"]))

    def param_shapes(self, params: nn.Module) -> dict[str, ShapeTuple]:
        return {name: ShapeTuple(tuple(p.shape)) for name, p in _named_parameters(params).items()}

    def param_types(self, params: nn.Module) -> dict[str, ParameterType]:
        return torch_parameter_types(_named_parameters(params))

    def output_activation(self, logits: Tensor, loss_type: LossType) -> Tensor:
        """Probabilities from the logits of a classifier (over the last axis); else the logits."""
        match loss_type:
            case LossType.SOFTMAX_CROSS_ENTROPY | LossType.CTC_LOSS:
                return logits.softmax(dim=-1)
            case LossType.SIGMOID_CROSS_ENTROPY:
                return logits.sigmoid()
            case _:
                return logits

    def versions(self) -> dict[str, str]:
        return {
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "python": platform.python_version(),
        }


def _tensor(array: NDArray) -> Tensor:
    # What cannot be written to (a file mapped in memory) is copied: a tensor can be.
    return torch.from_numpy(array) if array.flags.writeable else torch.tensor(array)


def _named_state(module: nn.Module) -> dict[str, Tensor]:
    state = _unwrapped(module).state_dict().items()
    return {_plain(name): value for name, value in state if isinstance(value, Tensor)}


def _named_parameters(module: nn.Module) -> dict[str, nn.Parameter]:
    return {_plain(name): p for name, p in _unwrapped(module).named_parameters()}


def _unwrapped(module: Any) -> nn.Module:
    """The module inside torch.compile and inside data parallelism."""
    while True:
        if hasattr(module, "_orig_mod"):
            module = module._orig_mod
        elif isinstance(module, PARALLEL):
            module = module.module
        else:
            return module


def _plain(name: str) -> str:
    return name.replace("_orig_mod.", "")  # parts of a model may be compiled on their own
