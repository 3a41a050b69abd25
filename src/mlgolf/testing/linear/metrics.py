"""Mean squared error of a split."""

from collections.abc import Mapping

from numpy.typing import NDArray

from mlgolf.core.arrays import Batch


def batch_sums(batch: Batch, logits: NDArray, per_example: NDArray) -> dict[str, float]:
    return {"loss": float(per_example.sum(dtype="float64")), "examples": float(len(per_example))}


def from_sums(sums: Mapping[str, float]) -> dict[str, float]:
    return {"loss": sums["loss"] / sums["examples"]}
