"""The Transformer in JAX, and its loss: the network of model_torch.py, which a test compares."""

from collections.abc import Mapping
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax import Array

from mlgolf.core.spec import ForwardPassMode
from mlgolf.core.workload import Size
from mlgolf.workloads.finewebedu_lm.spec import Network
from mlgolf.workloads.parts.initial_jax import compiled_init, normal
from mlgolf.workloads.parts.losses_jax import masked_losses, softmax_cross_entropy


class Model:
    """Params are a nested dict; model_state is None."""

    def __init__(self, size: Size) -> None:
        self.module = Transformer(size.model)

    def init(self, rng: Array) -> tuple[dict[str, Any], None]:
        """Args: rng: a raw key, (2,) uint32."""
        tokens = jax.ShapeDtypeStruct((1, 2), jnp.int32)
        start = compiled_init(Transformer, self.module.network, tokens)
        return dict(start(rng)["params"]), None

    def apply(
        self, params: Any, batch: Mapping[str, Any], model_state: None, mode: ForwardPassMode,
        rng: Array | None, update_batch_norm: bool, dropout_rate: float,
    ) -> tuple[Array, None]:
        """Logits (B, L, vocabulary) of `inputs` (B, L). There is no dropout and no batch norm."""
        return cast(Array, self.module.apply({"params": params}, batch["inputs"])), None

    def loss(
        self, label_batch: Array, logits_batch: Array, mask_batch: Array | None = None,
        label_smoothing: float = 0.0,
    ) -> dict[str, Array]:
        """Softmax cross-entropy of (B, L) labels, summed over each row; what counts are tokens.

        Args:
          mask_batch: (B,), of rows, or (B, L), of tokens.
        """
        losses = softmax_cross_entropy(label_batch, logits_batch, label_smoothing)
        return masked_losses(losses, mask_batch)

    def decode(
        self, params: Any, batch: Mapping[str, Any], model_state: None, logits: Array
    ) -> tuple[()]:
        """Nothing: metrics are of the losses alone, and the logits of a vocabulary are large."""
        return ()

    def is_output(self, key: str) -> bool:
        """The table of tokens, which the logits are read from."""
        return key == "embed"


class Transformer(nn.Module):
    """`embed`, the blocks `blocks_0`, `blocks_1` …, `out_ln`."""

    network: Network

    @nn.compact
    def __call__(self, inputs: Array) -> Array:
        network = self.network
        embed = nn.Embed(
            network.vocabulary, network.width, name="embed",
            embedding_init=normal(network.initial_stddev),
        )
        x = embed(inputs) * network.multiplier
        for layer in range(network.layers):
            x = Block(network, name=f"blocks_{layer}")(x)
        x = nn.RMSNorm(epsilon=network.norm_epsilon, name="out_ln")(x)
        return embed.attend(x * network.multiplier)


class Block(nn.Module):
    """x + attention(norm(x)), then x + feed-forward(norm(x))."""

    network: Network

    @nn.compact
    def __call__(self, x: Array) -> Array:
        epsilon = self.network.norm_epsilon
        x = x + CausalAttn(self.network)(nn.RMSNorm(epsilon=epsilon)(x))
        return x + Mlp(self.network)(nn.RMSNorm(epsilon=epsilon)(x))


class CausalAttn(nn.Module):
    """Causal, over unit queries and keys, whose products a learned scalar multiplies."""

    network: Network

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Args: x: (B, L, width)."""
        network = self.network
        queries, keys, values = (self._heads(name, x) for name in ("query", "key", "value"))
        scale = self.param("attn_scale", nn.initializers.constant(network.initial_scale), ())
        turns = rotary_turns(network)[:, : x.shape[1]]
        queries = unit(rotated(queries, turns), network.unit_epsilon) * scale
        keys = unit(rotated(keys, turns), network.unit_epsilon)
        attended = jax.nn.dot_product_attention(queries, keys, values, is_causal=True, scale=1.0)
        return nn.Dense(
            network.width, use_bias=False, name="attn_out_proj",
            kernel_init=normal(network.residual_stddev),
        )(attended.reshape(x.shape) * network.multiplier)

    def _heads(self, name: str, x: Array) -> Array:
        """(B, L, heads, head_width)."""
        network = self.network
        return nn.DenseGeneral(
            (network.heads, network.head_width), use_bias=False, name=name,
            kernel_init=normal(network.initial_stddev),
        )(x * network.multiplier)


class Mlp(nn.Module):
    """A linear layer whose first half is gated by the sigmoid of the second, and one back."""

    network: Network

    @nn.compact
    def __call__(self, x: Array) -> Array:
        network = self.network
        first = normal(network.initial_stddev)
        last = normal(network.residual_stddev)
        x = nn.Dense(2 * network.hidden, use_bias=False, kernel_init=first)(x * network.multiplier)
        x = nn.glu(x) * network.multiplier
        return nn.Dense(network.width, use_bias=False, kernel_init=last)(x)


def rotary_turns(network: Network) -> Array:
    """Cosines and sines by position and pair: (2, length, 1, head_width / 2)."""
    speeds = network.rotary_base ** -(np.arange(0, network.head_width, 2) / network.head_width)
    angles = np.outer(np.arange(network.length), speeds)
    return jnp.asarray(np.stack([np.cos(angles), np.sin(angles)])[:, :, None], jnp.float32)


def rotated(x: Array, turns: Array) -> Array:
    """Neighbouring entries 2i and 2i + 1 of x (B, L, heads, head_width), turned as a pair."""
    even, odd = x[..., ::2], x[..., 1::2]
    cosine, sine = turns.astype(x.dtype)
    turned = jnp.stack([even * cosine - odd * sine, odd * cosine + even * sine], axis=-1)
    return turned.reshape(x.shape)


def unit(x: Array, epsilon: float) -> Array:
    """x / sqrt(|x|^2 + epsilon^2) over the last axis."""
    return x * jax.lax.rsqrt((x * x).sum(axis=-1, keepdims=True) + epsilon**2)
