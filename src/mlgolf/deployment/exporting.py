"""A trained model as ONNX, with its inputs and what its own framework makes of them.

What is exported is the host's network with a contestant's parameters, which are arrays. A model
that an entry brought as ONNX stays as it is; its reference is how the referee read it.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from mlgolf.analysis.deployment.quality import measure_of
from mlgolf.backends import load_backend
from mlgolf.core.arrays import Batch, map_arrays
from mlgolf.core.errors import DeploymentError, FrameworkMissing, MLGolfError
from mlgolf.core.registry import played_workload
from mlgolf.core.spec import ForwardPassMode, LossType
from mlgolf.core.workload import Size, Workload
from mlgolf.data.batches import is_counted
from mlgolf.deployment.arrays import TARGETS
from mlgolf.measures.onnx_models import Input, OnnxModel, read_model
from mlgolf.measures.onnx_models.running import runtime_said
from mlgolf.player.handover import MODEL_FILE
from mlgolf.referee.splits import Splits

MODEL, REFERENCE, DATA = "model.onnx", "reference.npz", "data.npz"
NEEDED = {  # framework -> what writes ONNX, and the extra that brings it
    "torch": (("onnx", "golf"), ("onnxscript", "golf")),
    "jax": (("jax2onnx", "jax-export"),),
}
AT_ONCE = 32  # examples
MOST_BYTES = 1 << 26  # of inputs and outputs
Arrays = dict[str, NDArray]
Compute = Callable[[Arrays], NDArray]


class Exporter(Protocol):
    """exporting_torch.py or exporting_jax.py."""

    def outputs(self, network: "Network", inputs: Arrays) -> NDArray: ...

    def write(self, network: "Network", inputs: Arrays, file: Path, batch_size: int) -> bool:
        """Write the file, for any batch size if it can be. Returns: whether it can.

        Args: inputs: two examples. batch_size: the only one of the file where it cannot.
        """
        ...


class Network:
    """A workload's network with its parameters: arrays of its framework in and out."""

    def __init__(self, workload: Workload, size: Size, framework: str, threads: int) -> None:
        self.backend = load_backend(framework)
        self.backend.configure(threads)
        self._model = workload.model(framework, size)
        self.params, self._state = self._model.init(self.backend.key(0))
        self._key = self.backend.key(0)
        self._loss_type = workload.loss_type

    @property
    def output(self) -> str:
        return "probabilities" if self._gives_probabilities else "logits"

    @property
    def _gives_probabilities(self) -> bool:
        # Whoever ships such a network wants them, and quality is measured of them.
        return self._loss_type is LossType.SIGMOID_CROSS_ENTROPY

    def load(self, arrays: Mapping[str, NDArray]) -> None:
        self.params, self._state = self.backend.load_arrays(self.params, self._state, arrays)

    def __call__(self, inputs: Mapping[str, Any]) -> Any:
        """In evaluation mode."""
        found, _ = self._model.apply(
            self.params, inputs, self._state, ForwardPassMode.EVAL, self._key,
            update_batch_norm=False, dropout_rate=0.0,
        )  # fmt: skip
        if self._gives_probabilities:
            return self.backend.output_activation(found, self._loss_type)
        return found


def check_exporter(framework: str, find: Callable[[str], object] = find_spec) -> None:
    """Raises: FrameworkMissing without what writes ONNX. Imports none of it."""
    for part, extra in NEEDED[framework]:
        if find(part) is None:
            raise FrameworkMissing(extra, part)


def export(
    workload: str, size: str, definition: Mapping[str, Any] | None, framework: str,
    data_folder: str, split: str, model: str, to: str, examples: int, batch_size: int,
    threads: int,
) -> dict[str, Any]:
    """Write MODEL, REFERENCE and DATA into a folder.

    Args:
      model: its arrays, .safetensors. examples: at most so many, and MOST_BYTES.
      batch_size: of the file where it can have one only.
    Raises: DeploymentError for a network that cannot be exported.
    """
    played, folder = played_workload(workload, size, definition), Path(to)
    row = played.size(size)
    batches = Splits(played, row, Path(data_folder)).batches(split)
    if played.brings_model:
        file = load_file(model)[MODEL_FILE].tobytes()
        read_as_it_is_written = _reader(file, row)  # refuses what no game allows
        (folder / MODEL).write_bytes(file)
        inputs, outputs, targets = computed(read_as_it_is_written, batches, examples)
        told = _written(folder, inputs, {"logits": outputs}, targets)
        return {**told, "any_batch": True}
    exporter = cast(Exporter, import_module(f"{__package__}.exporting_{framework}"))
    network = Network(played, row, framework, threads)
    network.load(load_file(model))
    compute = partial(exporter.outputs, network)
    inputs, outputs, targets = computed(compute, batches, examples)
    told = _written(folder, inputs, {network.output: outputs}, targets)
    two = {name: np.resize(array[:2], (2, *array.shape[1:])) for name, array in inputs.items()}
    try:
        any_batch = exporter.write(network, two, folder / MODEL, batch_size)
    except MLGolfError:
        raise
    except Exception as error:  # an exporter raises what it likes
        raise DeploymentError(
            f"{workload} in {framework} cannot be exported as ONNX: {_cause(error)}. Export it "
            "yourself, and give the file with --reference and --data. With -o, its parameters "
            f"(model.safetensors), {REFERENCE} and {DATA} are in that folder"
        ) from None
    return {**told, "any_batch": any_batch}


def computed(
    compute: Compute, batches: Iterable[Batch], examples: int
) -> tuple[Arrays, NDArray, NDArray]:
    """Inputs by name, outputs and targets of the first examples."""
    inputs: list[Arrays] = []
    outputs: list[NDArray] = []
    targets: list[NDArray] = []
    left = examples
    for batch in batches:
        given, wanted = _plain(batch)
        for at in range(0, min(left, len(wanted)), AT_ONCE):
            rows = slice(at, min(at + AT_ONCE, left))
            inputs.append({name: array[rows] for name, array in given.items()})
            outputs.append(np.asarray(compute(inputs[-1])))
            targets.append(wanted[rows])
            each = outputs[0].nbytes + sum(array.nbytes for array in inputs[0].values())
            if len(outputs) * each >= MOST_BYTES:
                left = 0
                break
        left -= len(wanted)
        if left <= 0:
            break
    if not outputs:
        raise DeploymentError("its data have no example")
    joined = {name: np.concatenate([part[name] for part in inputs]) for name in inputs[0]}
    return joined, np.concatenate(outputs), np.concatenate(targets)


def _plain(batch: Batch) -> tuple[Arrays, NDArray]:
    """Inputs and targets of what is no padding. Raises: DeploymentError for nested arrays."""
    counted = is_counted(batch)
    rows = map_arrays(lambda array: array[counted], dict(batch))
    targets = rows.pop(TARGETS)
    rows.pop("weights", None)
    nested = [name for name, part in {**rows, TARGETS: targets}.items()
              if not isinstance(part, np.ndarray)]  # fmt: skip
    if nested:
        raise DeploymentError(
            f"its batches have no plain array for {nested[0]!r}; a file of ONNX takes arrays alone"
        )
    return rows, targets


def _reader(file: bytes, size: Size) -> Compute:
    """A model that was brought, run as the referee does: as it is written, without optimisation."""
    task = size.model
    taken = Input(task.inputs.dtype, tuple(task.inputs.shape))
    found = OnnxModel(read_model(file, max_bytes=task.max_bytes), [taken], task.num_classes)
    return lambda inputs: found.logits([*inputs.values()])


def _written(folder: Path, inputs: Arrays, outputs: Arrays, targets: NDArray) -> dict[str, Any]:
    np.savez(folder / REFERENCE, **outputs)  # type: ignore[arg-type]
    found = next(iter(outputs.values()))
    try:
        measure_of(found, targets)
        with_targets = {TARGETS: targets}
    except DeploymentError:
        with_targets = {}
    np.savez(folder / DATA, **inputs, **with_targets)  # type: ignore[arg-type]
    return {"examples": len(found), "has_targets": bool(with_targets)}


def _cause(error: Exception) -> str:
    """What an exporter says, in one line: of the error behind its own where there is one."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    return f"{type(error).__name__}: {runtime_said(error).strip('.')}"
