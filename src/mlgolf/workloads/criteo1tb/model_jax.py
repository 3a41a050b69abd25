"""DLRM in JAX, and its loss. The same network as model_torch.py: a parity test compares the two."""

from collections.abc import Mapping
from typing import Any, cast

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import Array

from mlgolf.core.spec import ForwardPassMode
from mlgolf.core.workload import Size
from mlgolf.data.click_format import NUM_DENSE, NUM_INPUTS
from mlgolf.workloads.criteo1tb.spec import Network
from mlgolf.workloads.parts import initial_jax as initial
from mlgolf.workloads.parts.losses_jax import masked_losses

NORM_EPSILON = 1e-6


class Model:
    """Params are a nested dict; model_state is None."""

    def __init__(self, size: Size) -> None:
        self.module = DLRM(size.model)

    def init(self, rng: Array) -> tuple[dict[str, Any], None]:
        """Args: rng: a raw key, (2,) uint32."""
        start = initial.compiled_init(DLRM, self.module.network, (1, NUM_INPUTS))
        return dict(start(rng)["params"]), None

    def apply(
        self, params: Any, batch: Mapping[str, Any], model_state: None, mode: ForwardPassMode,
        rng: Array | None, update_batch_norm: bool, dropout_rate: float,
    ) -> tuple[Array, None]:
        """Logits (B, 1) of `inputs` (B, 39). There is no batch norm.

        Args:
          rng: key of the dropout; None will do outside of training.
        """
        rate = dropout_rate if mode is ForwardPassMode.TRAIN else 0.0
        logits = self.module.apply({"params": params}, batch["inputs"], rate, rng)
        return cast(Array, logits), None

    def loss(
        self, label_batch: Array, logits_batch: Array, mask_batch: Array | None = None,
        label_smoothing: float = 0.0,
    ) -> dict[str, Array]:
        """Sigmoid cross-entropy of (B, 1) or (B,) labels and logits; smoothing is ignored."""
        labels, logits = label_batch.reshape(-1), logits_batch.reshape(-1)
        per_example = -labels * nn.log_sigmoid(logits) - (1 - labels) * nn.log_sigmoid(-logits)
        return masked_losses(per_example, mask_batch)

    def is_output(self, key: str) -> bool:
        network = self.module.network
        return key == f"Dense_{len(network.bottom) + len(network.top)}"


class DLRM(nn.Module):
    """Two perceptrons; between them inner products of embeddings, or the embeddings themselves."""

    network: Network

    @nn.compact
    def __call__(
        self, inputs: Array, dropout_rate: float = 0.0, dropout_key: Array | None = None
    ) -> Array:
        network, init_top = self.network, initial.glorot_normal()
        bottom = inputs[:, :NUM_DENSE]
        for number, width in enumerate(network.bottom):
            hidden = self._hidden(bottom, width, initial.glorot_uniform())
            bottom = self._joined(number, bottom, hidden)
        x = jnp.concatenate([bottom, self._between(bottom, inputs[:, NUM_DENSE:])], axis=1)
        for number, width in enumerate(network.top):
            hidden = self._hidden(x, width, init_top)
            if number == len(network.top) - 1:
                hidden = dropout(hidden, dropout_rate, dropout_key)
            x = self._joined(number, x, hidden)
        return self._dense(1, init_top)(x)

    def _between(self, bottom: Array, ids: Array) -> Array:
        """What the second perceptron reads besides the output of the first.

        (B, 378) inner products, or in a residual network (B, 26 * embedding) embeddings.
        """
        embedded = self._embed(ids)
        if self.network.residual:
            return embedded.reshape(len(ids), -1)
        vectors = jnp.concatenate([bottom[:, None], embedded], axis=1)
        products = vectors @ vectors.swapaxes(1, 2)
        # The upper triangle with the diagonal, row by row.
        return products[:, *jnp.triu_indices(vectors.shape[1])]

    def _joined(self, number: int, x: Array, hidden: Array) -> Array:
        """What follows a hidden layer; in a residual network all but the first add to their x."""
        return x + hidden if self.network.residual and number > 0 else hidden

    def _embed(self, ids: Array) -> Array:
        """(B, 26) ids to (B, 26, embedding)."""
        rows, length = self.network.table_rows, self.network.embedding
        uniform = initial.uniform(self.network.initial_scale)
        table = self.param("embedding_table", uniform, (rows, length), jnp.float32)
        vectors = table[ids.astype(jnp.int32) % rows]
        return nn.LayerNorm(epsilon=NORM_EPSILON)(vectors) if self.network.layer_norm else vectors

    def _hidden(self, x: Array, width: int, init_kernel: initial.Initializer) -> Array:
        """Linear and ReLU, and a layer norm where the variant has them."""
        x = nn.relu(self._dense(width, init_kernel)(x))
        return nn.LayerNorm(epsilon=NORM_EPSILON)(x) if self.network.layer_norm else x

    def _dense(self, width: int, init_kernel: initial.Initializer) -> nn.Dense:
        bias = initial.normal(self.network.bias_stddev(width))
        return nn.Dense(width, kernel_init=init_kernel, bias_init=bias)


def dropout(x: Array, rate: Any, key: Array | None) -> Array:
    """Zero each entry with probability `rate`, scale up the others.

    A rate that is traced needs no new compilation when it changes. One that is known to be 0 costs
    nothing and needs no key.
    """
    if isinstance(rate, int | float) and rate == 0:
        return x
    if key is None:
        raise ValueError("dropout needs a key: give model_fn an rng when training")
    kept = jax.random.bernoulli(key, 1 - rate, x.shape)
    return jnp.where(kept, x / (1 - rate), 0)
