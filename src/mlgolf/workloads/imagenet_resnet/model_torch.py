"""ResNet with bottleneck blocks in PyTorch, and its loss.

Source: He et al. (2016), arXiv:1512.03385, with the stride in the 3 x 3 convolution; names,
initial values and batch norm as in mlcommons/algorithmic-efficiency.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlgolf.core.spec import ForwardPassMode
from mlgolf.core.workload import Size
from mlgolf.workloads.imagenet_resnet.spec import Network
from mlgolf.workloads.parts.losses_torch import masked_losses

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "silu": F.silu,
    "gelu": partial(F.gelu, approximate="tanh"),
}
# A normal distribution cut off at two standard deviations keeps this much of its own.
TRUNCATED_STDDEV = 0.87962566


class Model:
    """Params are the module, which holds its batch statistics; model_state is None."""

    def __init__(self, size: Size) -> None:
        self.network: Network = size.model

    def init(self, rng: Any) -> tuple[nn.Module, None]:
        """Args: rng: (2,) integers, of which the first is the seed."""
        torch.random.manual_seed(int(rng[0]))
        return ResNet(self.network), None

    def apply(
        self, params: nn.Module, batch: Mapping[str, Any], model_state: None,
        mode: ForwardPassMode, rng: Any, update_batch_norm: bool, dropout_rate: float,
    ) -> tuple[Tensor, None]:
        """Logits (B, classes) of `inputs` (B, 3, H, W).

        Training normalises by the batch's own statistics, whether or not `update_batch_norm` lets
        it move the running ones. The network has no dropout.
        """
        params.train(mode is ForwardPassMode.TRAIN)
        for module in params.modules():
            if isinstance(module, BatchNorm):
                module.moves_statistics = update_batch_norm
        # Channels last in memory: a step on a CPU takes a quarter less time.
        return params(batch["inputs"].contiguous(memory_format=torch.channels_last)), None

    def loss(
        self, label_batch: Tensor, logits_batch: Tensor, mask_batch: Tensor | None = None,
        label_smoothing: float = 0.0,
    ) -> dict[str, Tensor]:
        """Softmax cross-entropy; labels are (B,) integers or (B, classes) probabilities."""
        if label_batch.dim() == 2:
            label_batch = label_batch.to(logits_batch.dtype)
        per_example = F.cross_entropy(
            logits_batch, label_batch, reduction="none", label_smoothing=label_smoothing
        )
        return masked_losses(per_example, mask_batch)

    def is_output(self, key: str) -> bool:
        return key.startswith("fc.")


class BatchNorm(nn.BatchNorm2d):
    """Batch norm that can train without moving its running statistics."""

    moves_statistics = True

    def forward(self, input: Tensor) -> Tensor:
        if self.training and not self.moves_statistics:
            return F.batch_norm(
                input, None, None, self.weight, self.bias, training=True, eps=self.eps
            )
        return super().forward(input)


class Bottleneck(nn.Module):
    """x + f(x), where f is 1 x 1, 3 x 3 (with the stride), 1 x 1 convolutions; or f(x) alone."""

    def __init__(self, channels: int, width: int, stride: int, network: Network) -> None:
        super().__init__()
        channels_out = width * network.expansion
        self.activation = ACTIVATIONS[network.activation]
        self.residual = network.residual
        self.conv1, self.bn1 = conv_and_norm(network, channels, width, 1)
        self.conv2, self.bn2 = conv_and_norm(network, width, width, 3, stride)
        scale = network.last_norm_scale
        self.conv3, self.bn3 = conv_and_norm(network, width, channels_out, 1, scale=scale)
        self.downsample = None
        if network.residual and (stride != 1 or channels != channels_out):
            layer, norm = conv_and_norm(network, channels, channels_out, 1, stride)
            self.downsample = nn.Sequential(OrderedDict(conv=layer, bn=norm))

    def forward(self, x: Tensor) -> Tensor:
        y = self.activation(self.bn1(self.conv1(x)))
        y = self.activation(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        if not self.residual:
            return self.activation(y)
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.activation(y + shortcut)


class ResNet(nn.Module):
    """Stem, stages `layer1`, `layer2` …, global mean, `fc`."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.activation = ACTIVATIONS[network.activation]
        self.conv1, self.bn1 = conv_and_norm(
            network, 3, network.width, network.stem_kernel, network.stem_stride
        )
        channels = network.width
        for stage, blocks in enumerate(network.blocks):
            layer, channels = self._stage(stage, blocks, channels)
            self.add_module(f"layer{stage + 1}", layer)
        self.fc = nn.Linear(channels, network.classes)
        nn.init.normal_(self.fc.weight, std=0.01)
        nn.init.zeros_(self.fc.bias)

    def _stage(self, stage: int, blocks: int, channels: int) -> tuple[nn.Module, int]:
        """The blocks of a stage, and how many channels come out of them."""
        width = self.network.width * 2**stage
        layer = nn.Sequential()
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            layer.append(Bottleneck(channels, width, stride, self.network))
            channels = width * self.network.expansion
        return layer, channels

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.bn1(self.conv1(x)))
        if self.network.stem_pool:
            x = F.max_pool2d(x, 3, stride=2, padding=1)
        for stage in range(len(self.network.blocks)):
            x = self.get_submodule(f"layer{stage + 1}")(x)
        return self.fc(x.mean(dim=(2, 3)))


def conv_and_norm(
    network: Network, channels: int, channels_out: int, kernel: int, stride: int = 1,
    scale: float = 1.0,
) -> tuple[nn.Conv2d, nn.Module]:
    """A convolution and its batch norm; without batch norm one with biases, and nothing.

    Padded to keep the size at stride 1. Weights start as LeCun's truncated normal; without batch
    norm with twice its variance (He et al., 2015, arXiv:1502.01852).
    Args: scale: of what comes out at the start.
    """
    normed = network.batch_norm
    layer = nn.Conv2d(
        channels, channels_out, kernel, stride, padding=kernel // 2, bias=not normed
    )
    gain = 1 if normed else 2
    stddev = math.sqrt(gain) / math.sqrt(channels * kernel**2) / TRUNCATED_STDDEV
    nn.init.trunc_normal_(layer.weight, std=stddev, a=-2 * stddev, b=2 * stddev)
    if normed:
        norm = BatchNorm(channels_out)
        nn.init.constant_(norm.weight, scale)
        return layer, norm
    with torch.no_grad():
        layer.weight.mul_(scale)
        nn.init.zeros_(layer.get_parameter("bias"))
    return layer, nn.Identity()
