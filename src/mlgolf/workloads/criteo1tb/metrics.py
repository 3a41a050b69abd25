"""Mean loss of a split."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.arrays import Batch


def batch_sums(batch: Batch, logits: NDArray, per_example: NDArray) -> dict[str, float]:
    """Args: per_example: (B,), losses, 0 where weights are 0."""
    weights = batch.get("weights", np.ones(len(per_example), np.float32))
    return {
        "loss": float(per_example.sum(dtype=np.float64)),
        "examples": float(weights.sum(dtype=np.float64)),
    }


def from_sums(sums: Mapping[str, float]) -> dict[str, float]:
    """`loss` in nats."""
    return {"loss": sums["loss"] / sums["examples"]}
