"""ResNet with bottleneck blocks in JAX, and its loss. The same network as model_torch.py.

A parity test compares the two. Names of parameters are those of mlcommons/algorithmic-efficiency.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

import jax.numpy as jnp
from flax import linen as nn
from jax import Array, lax

from mlgolf.core.spec import ForwardPassMode
from mlgolf.core.workload import Size
from mlgolf.workloads.imagenet_resnet.spec import Network
from mlgolf.workloads.parts import initial_jax as initial
from mlgolf.workloads.parts.losses_jax import masked_losses, softmax_cross_entropy

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": nn.relu,
    "silu": nn.silu,
    "gelu": partial(nn.gelu, approximate=True),
}
# As PyTorch's batch norm has them.
NORM_EPSILON = 1e-5
MOMENTUM = 0.1  # the weight of a batch in the running statistics
ANY_IMAGES = (1, 3, 32, 32)  # no parameter depends on their number or size


class Model:
    """Params are a nested dict; model_state is {"batch_stats": …}, the running statistics."""

    def __init__(self, size: Size) -> None:
        self.network: Network = size.model
        self.module = ResNet(self.network)

    def init(self, rng: Array) -> tuple[dict[str, Any], dict[str, Any]]:
        """Args: rng: a raw key, (2,) uint32."""
        variables = dict(initial.compiled_init(ResNet, self.network, ANY_IMAGES)(rng))
        return variables.pop("params"), variables

    def apply(
        self, params: Any, batch: Mapping[str, Any], model_state: Any, mode: ForwardPassMode,
        rng: Any, update_batch_norm: bool, dropout_rate: float,
    ) -> tuple[Array, Any]:
        """Logits (B, classes) of `inputs` (B, 3, H, W), and the running statistics.

        Training normalises by the batch's own statistics, whether or not `update_batch_norm` lets
        it move the running ones. The network has no dropout.
        """
        variables = {"params": params, **model_state}
        trains = mode is ForwardPassMode.TRAIN
        logits, moved = cast(
            tuple[Array, Any],
            self.module.apply(variables, batch["inputs"], trains, mutable=["batch_stats"]),
        )
        return logits, moved if trains and update_batch_norm else model_state

    def loss(
        self, label_batch: Array, logits_batch: Array, mask_batch: Array | None = None,
        label_smoothing: float = 0.0,
    ) -> dict[str, Array]:
        """Softmax cross-entropy; labels are (B,) integers or (B, classes) probabilities."""
        per_example = softmax_cross_entropy(label_batch, logits_batch, label_smoothing)
        return masked_losses(per_example, mask_batch)

    def is_output(self, key: str) -> bool:
        return key == "Dense_0"


class ResNet(nn.Module):
    """Stem, blocks one after the other through all stages, global mean, readout."""

    network: Network

    @nn.compact
    def __call__(self, x: Array, trains: bool = False) -> Array:
        """Args: x: (B, 3, H, W). trains: whether to normalise by the batch's own statistics."""
        network = self.network
        x = jnp.moveaxis(x, 1, -1)  # channels last, all the way through: the fastest on a CPU
        stem = network.width, network.stem_kernel, network.stem_stride
        x = conv_and_norm(network.batch_norm, "init", x, trains, *stem)
        x = ACTIVATIONS[network.activation](x)
        if network.stem_pool:
            x = max_pool(x)
        number = 0
        for stage, blocks in enumerate(network.blocks):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                name = f"BottleneckResNetBlock_{number}"
                x = Bottleneck(network.width * 2**stage, stride, network, name=name)(x, trains)
                number += 1
        start = initial.normal(0.01)
        return nn.Dense(network.classes, kernel_init=start, name="Dense_0")(x.mean(axis=(1, 2)))


class Bottleneck(nn.Module):
    """x + f(x), where f is 1 x 1, 3 x 3 (with the stride), 1 x 1 convolutions; or f(x) alone."""

    width: int
    stride: int
    network: Network

    @nn.compact
    def __call__(self, x: Array, trains: bool) -> Array:
        network = self.network
        activation, norm = ACTIVATIONS[network.activation], network.batch_norm
        channels = self.width * network.expansion
        y = activation(conv_and_norm(norm, "0", x, trains, self.width, 1))
        y = activation(conv_and_norm(norm, "1", y, trains, self.width, 3, self.stride))
        y = conv_and_norm(norm, "2", y, trains, channels, 1, scale=network.last_norm_scale)
        if not network.residual:
            return activation(y)
        if self.stride != 1 or x.shape[-1] != channels:
            x = conv_and_norm(norm, "proj", x, trains, channels, 1, self.stride)
        return activation(y + x)


def conv_and_norm(
    norm: bool, place: str, x: Array, trains: bool, channels: int, side: int, stride: int = 1,
    scale: float = 1.0,
) -> Array:
    """A convolution and its batch norm; without batch norm a convolution with biases.

    Args: scale: of what comes out at the start.
    """
    if not norm:
        return Conv(channels, side, stride, bias=True, scale=scale, name=f"Conv_{place}")(x)
    y = Conv(channels, side, stride, name=f"Conv_{place}")(x)
    return BatchNorm(scale, name=f"BatchNorm_{place}")(y, trains)


def max_pool(x: Array) -> Array:
    """Over 3 x 3 windows, with a stride of 2."""
    padding = ((0, 0), (1, 1), (1, 1), (0, 0))
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), padding)


class Conv(nn.Module):
    """Padded to keep the size at stride 1.

    Kernels start as LeCun's truncated normal; with biases with twice its variance (He et al., 2015,
    arXiv:1502.01852), times the square of `scale`.
    """

    channels: int
    side: int
    stride: int = 1
    bias: bool = False
    scale: float = 1.0

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (self.side, self.side, x.shape[-1], self.channels)
        start = initial.he_normal(self.scale) if self.bias else initial.lecun_normal()
        kernel = self.param("kernel", start, shape)
        if self.side == 1:  # a product of matrices takes half the time on a CPU
            y = x[:, :: self.stride, :: self.stride] @ kernel[0, 0]
        else:
            y = lax.conv_general_dilated(
                x, kernel, (self.stride, self.stride), [(self.side // 2, self.side // 2)] * 2,
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
            )  # fmt: skip
        if not self.bias:
            return y
        return y + self.param("bias", nn.initializers.zeros, (self.channels,))


class BatchNorm(nn.Module):
    """Over all axes but the last. Running variances are of the unbiased kind, as in PyTorch."""

    initial_scale: float = 1.0

    @nn.compact
    def __call__(self, x: Array, trains: bool) -> Array:
        channels = x.shape[-1:]
        scale = self.param("scale", nn.initializers.constant(self.initial_scale), channels)
        bias = self.param("bias", nn.initializers.zeros, channels)
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, channels)
        running_variance = self.variable("batch_stats", "var", jnp.ones, channels)
        if trains:
            axes, count = (0, 1, 2), x.size // x.shape[-1]
            # In one pass over x, as flax does: a step takes a sixth less time.
            mean = x.mean(axes)
            variance = jnp.maximum(jnp.square(x).mean(axes) - jnp.square(mean), 0)
            unbiased = variance * (count / max(count - 1, 1))
            running_mean.value += MOMENTUM * (mean - running_mean.value)
            running_variance.value += MOMENTUM * (unbiased - running_variance.value)
        else:
            mean, variance = running_mean.value, running_variance.value
        factor = scale * lax.rsqrt(variance + NORM_EPSILON)
        return x * factor + (bias - mean * factor)
