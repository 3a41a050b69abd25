"""How many bits the labels of a data set take, given what a model says of each."""

import math

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.errors import ModelError


def log_softmax(logits: NDArray) -> NDArray[np.float64]:
    """Log probabilities of each row, in nats, computed in double precision.

    Args:
      logits: (examples, classes); -inf is a class of probability 0.
    Returns: (examples, classes), at most 0; NaN in a row that has NaN, inf, or nothing but -inf.
    """
    with np.errstate(invalid="ignore"):  # inf - inf: such a row is NaN
        shifted = logits.astype(np.float64)
        shifted -= shifted.max(axis=1, keepdims=True)
        # The largest term is exp(0), so the sum is at least 1 and its log is finite.
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def example_bits(log_probabilities: NDArray, targets: NDArray) -> NDArray[np.float64]:
    """Bits of each label: -log2 of the probability that the model gives it.

    Args:
      log_probabilities: (examples, classes), natural logarithms.
      targets: (examples,), integers in [0, classes).
    Returns: (examples,), at least 0; inf where the label has probability 0 or NaN. Nothing is
      clipped: with a least probability p for every class, the probabilities would not sum to 1.
    Raises: ModelError if there is not one label for each row, or no such class.
    """
    examples, classes = log_probabilities.shape
    if targets.shape != (examples,) or not np.issubdtype(targets.dtype, np.integer):
        raise ModelError(
            f"targets are {targets.dtype} {targets.shape}; give one integer for each of the "
            f"{examples} rows of log probabilities"
        )
    if not ((targets >= 0) & (targets < classes)).all():
        raise ModelError(
            f"targets go from {targets.min()} to {targets.max()}; classes are 0 to {classes - 1}"
        )
    nats = -log_probabilities[np.arange(examples), targets].astype(np.float64)
    return np.where(np.isnan(nats), np.inf, nats) / math.log(2) + 0.0  # no -0.0


def label_bits(log_probabilities: NDArray, targets: NDArray) -> float:
    """Sum of example_bits: the second part of a two-part code.

    Source: Rissanen (1978), doi:10.1016/0005-1098(78)90005-5.
    """
    return math.fsum(example_bits(log_probabilities, targets))
