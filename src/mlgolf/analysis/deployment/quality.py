"""Quality of two models on the same examples, and whether they differ beyond chance.

Classes: the share of right decisions, McNemar's exact test, and Tango's score interval, which
holds for small numbers and for none at all. Other targets: mean squared error, by paired bootstrap.
A target of -100 does not count, as in PyTorch's cross-entropy.
Source: Tango (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B.
"""

import math
from bisect import bisect_left
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import binomtest, norm

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.core.arrays import BoolArray, FloatArray
from mlgolf.core.errors import DeploymentError

RESAMPLES = 4000
IGNORED = -100  # what frameworks write for a target that does not count


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Of a model beside another on the same examples. More is better."""

    measure: str  # "accuracy" or "negative squared error"
    reference: float
    model: float
    drop: float  # reference - model: above 0 the model is worse
    interval: Interval  # of the drop
    p_value: float  # of no difference
    test: str
    num_examples: int
    worsened: int  # examples that the reference alone has right, or has with less error
    improved: int
    ignored: int = 0  # targets that do not count
    chance: float | None = None  # the share that guessing has right; None without classes
    above_chance: bool = True  # whether the reference is shown to have more right than that


def quality_of(reference: NDArray, model: NDArray, targets: NDArray) -> Quality:
    """Args: reference, model: outputs, (examples, ...). Raises: as `measure_of`."""
    measure = measure_of(reference, targets)
    if measure != "accuracy":
        return paired(scores(reference, targets), scores(model, targets), measure)
    rows = with_targets(targets)
    of_reference = scores(reference[rows], targets[rows])
    found = paired(of_reference, scores(model[rows], targets[rows]), measure)
    chance = 1 / reference.shape[-1]
    return replace(
        found, ignored=int((targets == IGNORED).sum()), chance=chance,
        above_chance=_lower_end(of_reference) > chance,
    )


def with_targets(targets: NDArray) -> BoolArray:
    """(examples,): where a class is given that counts."""
    return (targets != IGNORED).reshape(len(targets), -1).any(axis=1)


def measure_of(outputs: NDArray, targets: NDArray) -> str:
    """What quality is of these, by their types and shapes.

    Raises: DeploymentError for targets of another shape, or that are none of the classes.
    """
    whole = targets.dtype.kind in "iub" or bool((targets == np.round(targets)).all())
    has_classes = outputs.ndim == targets.ndim + 1 and outputs.shape[-1] > 1
    if whole and has_classes and outputs.shape[:-1] == targets.shape:
        _check_classes(targets, outputs.shape[-1])
        return "accuracy"
    if outputs.size == targets.size:
        return "negative squared error"
    raise DeploymentError(
        f"targets have the shape {targets.shape}, outputs {outputs.shape}: give one class for "
        f"each decision, {outputs.shape[:-1]}, or values {outputs.shape}"
    )


def _check_classes(targets: NDArray, classes: int) -> None:
    wrong = (targets != IGNORED) & ((targets < 0) | (targets >= classes))
    if wrong.any():
        first = tuple(np.argwhere(wrong)[0])
        raise DeploymentError(
            f"targets: example {first[0]}: found {targets[first]:g}; {wrong.sum():,} of "
            f"{targets.size:,} are none of the model's {classes} classes. Allowed are 0 to "
            f"{classes - 1}, and {IGNORED} where nothing counts: number the classes as in training"
        )
    if not with_targets(targets).any():
        raise DeploymentError(
            f"targets: found {IGNORED} alone, which does not count; give the class of 1 example or "
            "more, or leave targets out"
        )


def scores(outputs: NDArray, targets: NDArray) -> FloatArray:
    """(examples,): the share of right decisions of each, or minus its squared error.

    Args: targets: of classes, with one that counts in each example.
    """
    if measure_of(outputs, targets) == "accuracy":
        right = (np.argmax(outputs, axis=-1) == targets).reshape(len(targets), -1)
        return right.sum(axis=1) / (targets != IGNORED).reshape(len(targets), -1).sum(axis=1)
    gap = outputs.reshape(len(targets), -1).astype(np.float64)
    return -np.square(gap - targets.reshape(len(targets), -1)).mean(axis=1)


def paired(
    reference: FloatArray, model: FloatArray, measure: str, confidence: float = CONFIDENCE
) -> Quality:
    """Args: reference, model: (examples,), a score of each."""
    gap = reference - model
    worsened, improved = int((gap > 0).sum()), int((gap < 0).sum())
    if _all_or_nothing(np.concatenate([reference, model])):
        interval = tango(worsened, improved, len(gap), confidence)
        total = worsened + improved
        p_value = binomtest(worsened, total, 0.5).pvalue if total else 1.0
        test = "McNemar's exact test"
    else:
        interval, p_value = _bootstrap(gap, confidence)
        test = "paired bootstrap"
    return Quality(
        measure=measure, reference=float(reference.mean()), model=float(model.mean()),
        drop=float(gap.mean()), interval=interval, p_value=float(p_value), test=test,
        num_examples=len(gap), worsened=worsened, improved=improved,
    )


def tango(worsened: int, improved: int, total: int, confidence: float = CONFIDENCE) -> Interval:
    """Of the difference of two shares of the same examples, by the numbers that changed."""
    z = float(norm.ppf((1 + confidence) / 2))

    def score(difference: float) -> float:
        a = 2 * total
        b = -worsened - improved + (2 * total - worsened + improved) * difference
        c = -improved * difference * (1 - difference)
        share = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)  # of the improved, at most
        variance = total * (2 * share + difference * (1 - difference))
        observed = worsened - improved - total * difference
        if observed == 0 or variance > 0:
            return observed / math.sqrt(variance) if observed else 0.0
        return math.copysign(math.inf, observed)

    point = (worsened - improved) / total
    ends = []
    for edge, bound in ((-1.0, z), (1.0, -z)):
        inside = edge * (1 - 1e-12)
        crosses = (score(inside) - bound) * (score(point) - bound) < 0
        low, high = min(inside, point), max(inside, point)
        ends.append(brentq(lambda d, t=bound: score(d) - t, low, high) if crosses else edge)
    return float(ends[0]), float(ends[1])


def _all_or_nothing(values: FloatArray) -> bool:
    return set(np.unique(values)) <= {0.0, 1.0}


def _lower_end(shares: FloatArray) -> float:
    """Of the mean. Args: shares: (examples,), right decisions of each."""
    if _all_or_nothing(shares):
        return share_interval(int(shares.sum()), len(shares))[0]
    error = shares.std(ddof=1) / math.sqrt(len(shares)) if len(shares) > 1 else math.inf
    return float(shares.mean() - norm.ppf((1 + CONFIDENCE) / 2) * error)


def share_interval(count: int, total: int, confidence: float = CONFIDENCE) -> Interval:
    """Of a share of examples, by the exact test (Clopper and Pearson, 1934)."""
    found = binomtest(count, total).proportion_ci(confidence, method="exact")
    return float(found.low), float(found.high)


def examples_that_show(count: int, total: int, bound: float) -> int | None:
    """The fewest examples with the same share of `count` that show it to be below the bound.

    Returns: None where the share is not below it, or more than 2^40 are needed.
    """

    def shows(examples: int) -> bool:
        alike = math.ceil(count * examples / total)
        return share_interval(alike, examples)[1] <= bound

    enough = next((2**k for k in range(41) if shows(2**k)), None)
    if enough is None or count / total >= bound:
        return None
    return bisect_left(range(enough + 1), True, lo=max(1, enough // 2), key=shows)


def _bootstrap(gap: FloatArray, confidence: float) -> tuple[Interval, float]:
    """Percentiles of the resampled mean; for the p-value, the same of means made zero."""
    rng = np.random.default_rng(0)
    counts = rng.multinomial(len(gap), np.full(len(gap), 1 / len(gap)), size=RESAMPLES)
    means = counts @ gap / len(gap)
    out = (1 - confidence) / 2
    low, high = np.quantile(means, [out, 1 - out])
    extreme = np.abs(means - gap.mean()) >= abs(gap.mean())
    p_value = 1.0 if not gap.any() else (1 + extreme.sum()) / (1 + RESAMPLES)
    return (float(low), float(high)), float(p_value)


def examples_needed(bound: float, confidence: float = CONFIDENCE) -> int:
    """How many, none of them changed, show that the drop is below the bound."""
    z = float(norm.ppf((1 + confidence) / 2))
    return math.ceil(z * z * (1 - bound) / bound) if bound > 0 else 0
