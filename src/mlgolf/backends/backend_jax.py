"""JAX behind the seam: raw threefry keys, and trees as named numpy arrays."""

import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from mlgolf.backends.parameter_types import jax_parameter_types
from mlgolf.core.arrays import Batch, map_arrays
from mlgolf.core.errors import SubmissionError
from mlgolf.core.spec import ForwardPassMode, LossType, ShapeTuple
from mlgolf.core.workload import Decodes, Model, Outputs

STATE = "model_state"



def _unpacked_split(key: jax.Array, step: int, count: int) -> tuple[jax.Array, ...]:
    return tuple(jax.random.split(jax.random.fold_in(key, step), count))


# Compiled into one call, a step's keys take 23 µs of the clock on a CPU, not 600.
_split_of_step = jax.jit(_unpacked_split, static_argnums=2)
_split = jax.jit(jax.random.split, static_argnums=1)


class JaxBackend:
    """A model is a nested dict of arrays, never changed; `model_state` is a dict or None."""

    name = "jax"
    params_type = Mapping
    params_noun = "the tree of parameters, a dict with the keys that it was given with"

    def configure(self, threads: int) -> None:
        """Fix the random numbers of this process.

        XLA reads its threads once, from the environment that the hardware class gives; they cannot
        be set from here.
        """
        jax.config.update("jax_default_prng_impl", "threefry2x32")
        jax.config.update("jax_threefry_partitionable", True)

    @contextmanager
    def settings_kept(self) -> Iterator[None]:
        generator = jax.config.jax_default_prng_impl  # type: ignore[attr-defined]
        try:
            yield
        finally:
            jax.config.update("jax_default_prng_impl", generator)

    def count_parameters(self, model: Model) -> int:
        params, _ = jax.eval_shape(model.init, self.key(0))
        return sum(leaf.size for leaf in jax.tree.leaves(params))

    def preload(self) -> None:
        """The import of optax."""
        if find_spec("optax"):
            import_module("optax")

    def key(self, seed: int) -> jax.Array:
        """A raw key: uint32, shape (2,)."""
        return jax.random.PRNGKey(seed)

    def split(self, key: Any, count: int) -> jax.Array:
        """Keys, shape (count, 2)."""
        return _split(key, count)

    def step_keys(
        self, key: Any, count: int, ahead: int
    ) -> Callable[[int], tuple[jax.Array, ...]]:
        """Drawn one step at a time: to take a row of an array would cost more than to draw it."""
        _split_of_step(key, 0, count)  # compiled, off the clock
        return lambda step: _split_of_step(key, step, count)

    def to_device(self, batch: Batch) -> dict[str, Any]:
        """Arrays of 32 bits at most. They may share memory with the batch: leave it as it is."""
        return jax.device_put(dict(batch))

    def to_numpy(self, value: Any) -> NDArray:
        return np.asarray(value)

    def synchronize(self, tree: Any) -> None:
        jax.block_until_ready(tree)

    def named_arrays(self, params: Any, model_state: Any) -> dict[str, NDArray]:
        """Leaves by path, as in "Dense_0/kernel"; those of the state below "model_state/"."""
        return {name: np.asarray(leaf) for name, leaf in _named_leaves(params, model_state)}

    def parameter_arrays(self, params: Any) -> dict[str, NDArray]:
        return self.named_arrays(params, None)

    def load_arrays(
        self, params: Any, model_state: Any, arrays: Mapping[str, NDArray]
    ) -> tuple[Any, Any]:
        """New trees like the ones given, with copies of these values.

        Raises: SubmissionError if names or shapes are not those of the trees.
        """
        names = {name for name, _ in _named_leaves(params, model_state)}
        if names != arrays.keys():
            raise SubmissionError(
                f"the model has {sorted(names)}, but the arrays given are {sorted(arrays)}. "
                "Hand over every leaf of params and model_state, and nothing else."
            )
        state = None if model_state is None else _filled(model_state, arrays, f"{STATE}/")
        return _filled(params, arrays), state

    def evaluate(
        self, model: Model, params: Any, model_state: Any, batch: Batch
    ) -> Outputs:
        """Predictions and losses per example in evaluation mode.

        Compiled once per model and shape.
        """
        outputs = _evaluation(model)(params, model_state, self.to_device(batch))
        return map_arrays(self.to_numpy, outputs)

    def param_shapes(self, params: Any) -> Any:
        return jax.tree.map(lambda leaf: ShapeTuple(tuple(leaf.shape)), params)

    def param_types(self, params: Any) -> dict[str, Any]:
        return jax_parameter_types(params)

    def output_activation(self, logits: Any, loss_type: LossType) -> jax.Array:
        """Probabilities from the logits of a classifier (over the last axis); else the logits."""
        match loss_type:
            case LossType.SOFTMAX_CROSS_ENTROPY | LossType.CTC_LOSS:
                return jax.nn.softmax(logits, axis=-1)
            case LossType.SIGMOID_CROSS_ENTROPY:
                return jax.nn.sigmoid(logits)
            case _:
                return logits

    def versions(self) -> dict[str, str]:
        parts = [part for part in ("jax", "jaxlib", "flax", "optax") if find_spec(part)]
        return {
            **{part: version(part) for part in parts},
            "numpy": np.__version__,
            "python": platform.python_version(),
        }


@lru_cache(maxsize=16)
def _evaluation(model: Model) -> Callable[..., Outputs]:
    def evaluate(params: Any, model_state: Any, batch: dict) -> Any:
        logits, _ = model.apply(
            params, batch, model_state, ForwardPassMode.EVAL, jax.random.PRNGKey(0),
            update_batch_norm=False, dropout_rate=0.0,
        )  # fmt: skip
        losses = model.loss(batch["targets"], logits, batch.get("weights"))
        predictions = logits
        if isinstance(model, Decodes):
            predictions = model.decode(params, batch, model_state, logits)
        return Outputs(predictions, losses["per_example"])

    return jax.jit(evaluate)


def _named_leaves(params: Any, model_state: Any) -> Iterator[tuple[str, Any]]:
    yield from _leaves(params, "")
    if model_state is not None:
        yield from _leaves(model_state, f"{STATE}/")


def _leaves(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    # Sorted, as JAX sorts: a tree that went through jit comes back with its keys in that order.
    for name, value in sorted(tree.items()):
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}/")
        else:
            yield prefix + name, value


def _filled(tree: Mapping[str, Any], arrays: Mapping[str, NDArray], prefix: str = "") -> Any:
    def fill(name: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return _filled(value, arrays, f"{prefix}{name}/")
        array = arrays[prefix + name]
        if array.shape != value.shape:
            raise SubmissionError(
                f"array {prefix + name!r} has shape {array.shape}, but the model has "
                f"{value.shape} there."
            )
        return jnp.array(array, dtype=value.dtype)  # a copy: the array may lie in shared memory

    return {name: fill(name, value) for name, value in tree.items()}
