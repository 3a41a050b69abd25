"""Error rate, accuracy and mean loss of a split."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.arrays import Batch


def batch_sums(batch: Batch, logits: NDArray, per_example: NDArray) -> dict[str, float]:
    """Sums over one batch.

    Args:
      logits: (B, classes). The largest decides; the first of equals.
      per_example: (B,), losses, 0 where weights are 0.
    """
    weights = batch.get("weights", np.ones(len(logits), np.float32))
    wrong = logits.argmax(axis=1) != batch["targets"]
    return {
        "loss": float(per_example.sum(dtype=np.float64)),
        "wrong": float((wrong * weights).sum(dtype=np.float64)),
        "examples": float(weights.sum(dtype=np.float64)),
    }


def from_sums(sums: Mapping[str, float]) -> dict[str, float]:
    """`error_rate` and `accuracy` in [0, 1], `loss` in nats."""
    error_rate = sums["wrong"] / sums["examples"]
    return {
        "error_rate": error_rate,
        "accuracy": 1 - error_rate,
        "loss": sums["loss"] / sums["examples"],
    }
