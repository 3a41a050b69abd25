"""The least loss that any model reaches on examples of which some have the same inputs.

Equal inputs get equal outputs, so where their targets differ no output fits all of them. This is
a bound from below, whatever the network is; it is reached by one that tells all other inputs apart.
A constant is the case in which all inputs are equal.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from mlgolf.core.arrays import FloatArray, IntArray
from mlgolf.core.spec import LossType

FORMS = {  # how targets (examples, ...) are taken: as classes, or as numbers
    LossType.SOFTMAX_CROSS_ENTROPY: "cross_entropy",
    LossType.MEAN_SQUARED_ERROR: "squared_error",
    LossType.SIGMOID_CROSS_ENTROPY: "sigmoid_cross_entropy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastLoss:
    """Losses as workloads/graph defines them: nats, or squared error as the mean over outputs."""

    mean: float  # over examples
    worst: float  # of the worst example; a bound from below where an example has several targets
    disagreeing: tuple[IntArray, ...]  # indices of examples with equal inputs, unequal targets


def least_loss(inputs: NDArray, targets: NDArray, form: str) -> LeastLoss:
    """What no model gets below.

    Args:
      inputs: (examples, ...). targets: (examples, ...), classes for cross_entropy, of which
        negative ones do not count; numbers otherwise, in [0, 1] for sigmoid_cross_entropy.
      form: a value of FORMS.
    """
    rows = targets.reshape(len(targets), -1)
    groups = _numbers_of_rows(inputs.reshape(len(inputs), -1))
    pairs = np.stack([groups, _numbers_of_rows(rows)], axis=1)
    distinct = np.bincount(np.unique(pairs, axis=0)[:, 0])  # targets of each group
    mixed = [np.flatnonzero(groups == group) for group in np.flatnonzero(distinct > 1)]
    return _of_groups(rows, mixed, form)


def least_constant_loss(targets: NDArray, form: str) -> LeastLoss:
    """The same for a model that gives one output, whatever its inputs are. Args: as above."""
    rows = targets.reshape(len(targets), -1)
    return _of_groups(rows, [np.arange(len(rows))], form)


def _of_groups(rows: NDArray, groups: Iterable[NDArray], form: str) -> LeastLoss:
    """Args: groups: indices of the rows that share an output; all others have one of their own."""
    of_each = _alone(rows, form)
    worst, disagreeing = float(of_each.max(initial=0.0)), []
    for group in groups:
        members = rows[group]
        different = np.unique(members, axis=0)
        of_each[group] = _least_mean(members, form)
        worst = max(worst, _least_worst(different, form))
        if len(different) > 1:
            disagreeing.append(group)
    return LeastLoss(mean=float(of_each.mean()), worst=worst, disagreeing=tuple(disagreeing))


def _alone(rows: NDArray, form: str) -> FloatArray:
    """(examples,): the least loss of an example that has its inputs for itself."""
    if form == "sigmoid_cross_entropy":  # a target of 0.3 is a probability
        return _entropy_of_bits(rows).mean(axis=1)
    return np.zeros(len(rows))


def _least_mean(rows: NDArray, form: str) -> float:
    """The least mean loss of examples that share an output. Args: rows: (examples, targets)."""
    match form:
        case "cross_entropy":
            return _conditional_entropy(rows)
        case "squared_error":
            return float(rows.astype(np.float64).var(axis=0).mean())
        case _:
            return float(_entropy_of_bits(rows.astype(np.float64).mean(axis=0)).mean())


def _least_worst(different: NDArray, form: str) -> float:
    """What the worst of these examples costs at least, each of them different.

    No mean of theirs exceeds the worst, which for classes is met: log k for k of them. Of a squared
    error, the middle between the ends of one target is as good as any.
    """
    least = _least_mean(different, form)
    if form != "squared_error":
        return least
    ends = np.ptp(different.astype(np.float64), axis=0)
    return max(least, float(np.square(ends / 2).max()) / different.shape[1])


def _conditional_entropy(rows: NDArray) -> float:
    """Of (examples, positions) classes; an example's loss is the mean over those that count."""
    counted = rows >= 0
    weights = counted / np.maximum(counted.sum(axis=1, keepdims=True), 1)
    total = 0.0
    for classes, of_each in zip(rows.T, weights.T, strict=True):
        mass = np.bincount(np.maximum(classes, 0), of_each)
        mass = mass[mass > 0]
        total -= float((mass * np.log(mass / mass.sum())).sum())
    return total / len(rows)


def _entropy_of_bits(probabilities: NDArray) -> FloatArray:
    """In nats, elementwise; 0 where a probability is 0 or 1."""
    p = np.clip(probabilities.astype(np.float64), 0.0, 1.0)
    return -(xlogy(p, p) + xlogy(1 - p, 1 - p))


def _numbers_of_rows(rows: NDArray) -> NDArray:
    """(rows,): equal numbers for rows that are equal, -0.0 and 0.0 too."""
    plain = np.ascontiguousarray(rows + np.zeros((), rows.dtype))
    as_bytes = plain.view(np.dtype((np.void, plain.dtype.itemsize * plain.shape[1]))).ravel()
    return np.unique(as_bytes, return_inverse=True)[1].ravel()
