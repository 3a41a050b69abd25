"""Growing: train a small network first, and go on with a larger one that computes the same.

Source: Chen, Goodfellow and Shlens (2016), arXiv:1511.05641 (Net2Net).
Claim: an Inception network of a larger width, or depth, reaches the accuracy of one trained from
scratch in fewer steps, and never falls below the small one's.
Relieves: compute early. Loads: compilation once more; the optimizer starts again with the new
weights.
Ours: the values of all knobs.
Width: units of a hidden layer are copied, and the weights that leave a unit are divided among its
copies; exact whatever elementwise activation stands between. Depth: a layer that is the identity,
behind an activation that leaves its own outputs alone (ReLU).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mlgolf.core.arrays import FloatArray, IntArray
from mlgolf.core.errors import MethodError
from mlgolf.methods.protocol import Method


@dataclass(frozen=True, slots=True, kw_only=True)
class Growing(Method):
    """Small up to `start`, then `factor` times as wide."""

    name = "growing"
    relieves = ("compute",)

    start: float = 0.5
    factor: float = 2.0
    noise: float = 0.01  # standard deviation, as a share of the weights', that parts the copies

    def check(self) -> None:
        self.require("factor", self.factor >= 1, "at least 1")
        self.require("noise", self.noise >= 0, "a share of at least 0; 0 is exact")

    def at(self, progress: float) -> float:
        """What the width is multiplied by. Grown once, it stays so."""
        return self.factor if progress >= self.start else 1.0

    def width(self, width: int, progress: float) -> int:
        return round(width * self.at(progress))


class Copies(NamedTuple):
    sources: IntArray  # (new width,), which old unit each new one is; the old ones come first
    shares: FloatArray  # (new width,), 1 / how many units copy the same one


def copies(width: int, new_width: int, rng: np.random.Generator) -> Copies:
    """Raises: MethodError for a layer that would shrink."""
    if new_width < width:
        raise MethodError(
            f"growing: found a new width of {new_width} for a layer of {width} units; a layer can "
            "only grow. Give at least its own width."
        )
    added = rng.integers(width, size=new_width - width)
    sources = np.concatenate([np.arange(width), added])
    return Copies(sources, 1 / np.bincount(sources, minlength=width)[sources])


def noise_like(
    weights: FloatArray, share: float, first: int, rng: np.random.Generator
) -> FloatArray:
    """Normal noise for the columns from `first` on, the copies; 0 elsewhere.

    Args: weights: (outputs, inputs). share: of their standard deviation.
    """
    noise = rng.normal(scale=share * float(weights.std()), size=weights.shape)
    noise[:, :first] = 0
    return noise
