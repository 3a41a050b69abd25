"""A graph in JAX: a function for each kind of layer, in the order of layers.py, and the losses.

The same network as model_torch.py: a parity test compares the two.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from mlgolf.core.spec import ForwardPassMode
from mlgolf.core.workload import Size
from mlgolf.workloads.graph.graph import INPUTS, Graph, initial_tensors
from mlgolf.workloads.graph.layers import NORM_EPSILON, Attention, Convolution, Layer, Pool
from mlgolf.workloads.parts.losses_jax import masked_losses

Tensors = Mapping[str, Array]  # by name within the layer: "weight", "query.bias"


class Model:
    """Params are a flat dict of the graph's tensors; model_state is None."""

    def __init__(self, size: Size) -> None:
        self.graph: Graph = size.model

    def init(self, rng: Array) -> tuple[dict[str, Array], None]:
        """The same values as in torch for the same two integers.

        Of one seed, the two frameworks make different keys.

        Args: rng: a raw key, (2,) uint32.
        """
        shapes = {
            name: jax.ShapeDtypeStruct(shape, jnp.float32)
            for name, shape in self.graph.tensors.items()
        }
        # numpy draws, also within jit and eval_shape, where the key has no value yet.
        return jax.pure_callback(self._draw, shapes, rng), None

    def _draw(self, rng: Any) -> dict[str, np.ndarray]:
        generator = np.random.default_rng(np.asarray(rng, np.uint32))
        return dict(initial_tensors(self.graph, generator))

    def apply(
        self, params: Mapping[str, Array], batch: Mapping[str, Any], model_state: None,
        mode: ForwardPassMode, rng: Any, update_batch_norm: bool, dropout_rate: float,
    ) -> tuple[Array, None]:
        """Outputs (B, *output_shape) of `inputs` (B, *inputs.shape), the same in both modes.

        There is no dropout, and no batch norm.
        """
        return outputs(self.graph, params, batch["inputs"]), None

    def loss(
        self, label_batch: Array, logits_batch: Array, mask_batch: Array | None = None,
        label_smoothing: float = 0.0,
    ) -> dict[str, Array]:
        """The graph's loss of (B, *target_shape) labels. Only cross_entropy smooths them."""
        per_example = LOSSES[self.graph.loss](label_batch, logits_batch, label_smoothing)
        return masked_losses(per_example, mask_batch)

    def is_output(self, key: str) -> bool:
        return self.graph.is_output(key)


def outputs(graph: Graph, tensors: Tensors, inputs: Array) -> Array:
    """(B, *output_shape) of inputs (B, *inputs.shape), by the layers one after the other."""
    values = {INPUTS: inputs}
    for layer, sources in graph.wiring:
        compute, own = KINDS[layer.kind], _below(layer.name, tensors)
        values[layer.name] = compute(layer, own, *(values[name] for name in sources))
    return values[graph.layers[-1].name]


def _below(prefix: str, tensors: Tensors) -> Tensors:
    """Those whose names begin with "prefix.", by the rest of their names."""
    prefix += "."
    return {
        name.removeprefix(prefix): array
        for name, array in tensors.items()
        if name.startswith(prefix)
    }


# --- layers ---


def dense(layer: Layer, tensors: Tensors, x: Array) -> Array:
    return x @ tensors["weight"].T + tensors.get("bias", 0.0)


def convolution(layer: Convolution, tensors: Tensors, x: Array) -> Array:
    x = lax.conv_general_dilated(
        x, tensors["weight"], layer.stride, layer.pads(x.shape[2:]),
        dimension_numbers=("NCHW", "OIHW", "NCHW"),
    )  # fmt: skip
    return x + tensors["bias"][:, None, None] if "bias" in tensors else x


def embedding(layer: Layer, tensors: Tensors, x: Array) -> Array:
    return tensors["weight"][x]


def positions(layer: Layer, tensors: Tensors, x: Array) -> Array:
    return x + tensors["weight"]


def attention(layer: Attention, tensors: Tensors, x: Array) -> Array:
    batch, length, width = x.shape
    heads = (batch, length, layer.heads, -1)
    query, key, value = (
        dense(layer, _below(part, tensors), x).reshape(heads).swapaxes(1, 2)
        for part in ("query", "key", "value")
    )
    scores = query @ key.swapaxes(2, 3) / math.sqrt(width / layer.heads)
    if layer.causal:
        is_later = jnp.triu(jnp.ones((length, length), bool), 1)
        scores = jnp.where(is_later, -jnp.inf, scores)
    mixed = (jax.nn.softmax(scores, axis=-1) @ value).swapaxes(1, 2).reshape(batch, length, width)
    return dense(layer, _below("output", tensors), mixed)


def layer_norm(layer: Layer, tensors: Tensors, x: Array) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = jnp.square(centred).mean(axis=-1, keepdims=True)
    return centred * lax.rsqrt(variance + NORM_EPSILON) * tensors["weight"] + tensors["bias"]


def activation(function: Callable[[Array], Array], layer: Layer, _: Tensors, x: Array) -> Array:
    return function(x)


def sum_(layer: Layer, _: Tensors, x: Array, *others: Array) -> Array:
    for other in others:
        x = x + other
    return x


def flatten(layer: Layer, _: Tensors, x: Array) -> Array:
    return x.reshape(len(x), -1)


def mean_pool(layer: Pool, _: Tensors, x: Array) -> Array:
    return _over_windows(layer, x, 0.0, lax.add) / math.prod(layer.size)


def max_pool(layer: Pool, _: Tensors, x: Array) -> Array:
    return _over_windows(layer, x, -jnp.inf, lax.max)


def _over_windows(layer: Pool, x: Array, start: float, combine: Callable) -> Array:
    return lax.reduce_window(x, start, combine, (1, 1, *layer.size), (1, 1, *layer.steps), "VALID")


def mean(layer: Layer, _: Tensors, x: Array) -> Array:
    return x.mean(axis=1)


KINDS: dict[str, Callable[..., Array]] = {
    "dense": dense,
    "convolution": convolution,
    "embedding": embedding,
    "positions": positions,
    "attention": attention,
    "layer_norm": layer_norm,
    "relu": partial(activation, jax.nn.relu),
    "gelu": partial(activation, partial(jax.nn.gelu, approximate=False)),
    "tanh": partial(activation, jnp.tanh),
    "sigmoid": partial(activation, jax.nn.sigmoid),
    "sum": sum_,
    "flatten": flatten,
    "mean_pool": mean_pool,
    "max_pool": max_pool,
    "mean": mean,
}


# --- losses: (B,) of labels and logits ---


def cross_entropy(labels: Array, logits: Array, smoothing: float) -> Array:
    log_shares = jax.nn.log_softmax(logits.reshape(len(logits), -1, logits.shape[-1]))
    labels = labels.reshape(log_shares.shape[:2])
    is_given = labels >= 0
    chosen = jnp.take_along_axis(log_shares, jnp.maximum(labels, 0)[..., None], axis=-1)[..., 0]
    losses = -(1 - smoothing) * chosen - smoothing * log_shares.mean(axis=-1)
    return (losses * is_given).sum(axis=1) / jnp.maximum(is_given.sum(axis=1), 1)


def squared_error(labels: Array, logits: Array, _: float) -> Array:
    return _mean_of_outputs(jnp.square(logits - labels.reshape(logits.shape)))


def sigmoid_cross_entropy(labels: Array, logits: Array, _: float) -> Array:
    labels = labels.reshape(logits.shape)
    log_sigmoid = jax.nn.log_sigmoid
    losses = -labels * log_sigmoid(logits) - (1 - labels) * log_sigmoid(-logits)
    return _mean_of_outputs(losses)


def _mean_of_outputs(losses: Array) -> Array:
    return losses.reshape(len(losses), -1).mean(axis=1)


LOSSES: dict[str, Callable[[Array, Array, float], Array]] = {
    "cross_entropy": cross_entropy,
    "squared_error": squared_error,
    "sigmoid_cross_entropy": sigmoid_cross_entropy,
}
