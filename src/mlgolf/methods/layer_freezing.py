"""Layer freezing: the first layers stop training, so that gradients end behind them.

Source: Brock et al. (2017), arXiv:1706.04983 (FreezeOut); MosaicML Composer, method card "Layer
Freezing", whose linear schedule this is.
Claim: up to 20% less time on CIFAR, without loss for ResNets, at 3% of accuracy for DenseNets, and
nothing for VGG (the paper). Composer finds 5% more throughput of ResNet-50 for 0.5 to 1%
of accuracy, which is no gain on the curve of time and quality.
Relieves: compute of the backward pass, the optimizer, and the exchange of gradients. Loads:
compilation, once for each number of frozen layers.
Ours: layers freeze in `levels` steps, and the last layer never does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from mlgolf.methods.protocol import Method
from mlgolf.methods.schedules import in_steps, ramp

Layer = TypeVar("Layer")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFreezing(Method):
    """The share of frozen layers grows from 0 at `start` to `fraction` at `end`."""

    name = "layer_freezing"
    relieves = ("compute", "optimizer", "interconnect")

    start: float = 0.5
    fraction: float = 1.0
    levels: int = 8

    def check(self) -> None:
        self.require("fraction", 0 <= self.fraction <= 1, "a share of the layers")
        self.require("levels", self.levels >= 1, "at least 1")

    def at(self, progress: float) -> float:
        """The share of layers that are frozen. Frozen once, frozen for good."""
        return self.fraction * in_steps(ramp(progress, self.start, self.end), self.levels)

    def frozen(self, layers: Sequence[Layer], progress: float) -> tuple[Layer, ...]:
        """Args: layers: all of them, in the order of the forward pass."""
        count = int(self.at(progress) * len(layers) + 1e-9)
        return tuple(layers[: min(count, len(layers) - 1)]) if layers else ()
