"""Quality of two models on the same examples, and whether they differ beyond chance.

Classes: the share of right decisions, McNemar's exact test, and Tango's score interval, which
holds for small numbers and for none at all. Other targets: mean squared error, by paired bootstrap.
Source: Tango (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import binomtest, norm

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import DeploymentError

RESAMPLES = 4000


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


def measure_of(outputs: NDArray, targets: NDArray) -> str:
    """What quality is of these, by their types and shapes."""
    whole = targets.dtype.kind in "iub" or bool((targets == np.round(targets)).all())
    has_classes = outputs.ndim == targets.ndim + 1 and outputs.shape[-1] > 1
    if whole and has_classes and outputs.shape[:-1] == targets.shape:
        return "accuracy"
    if outputs.size == targets.size:
        return "negative squared error"
    raise DeploymentError(
        f"targets have the shape {targets.shape}, outputs {outputs.shape}: give one class for "
        f"each decision, {outputs.shape[:-1]}, or values {outputs.shape}"
    )


def scores(outputs: NDArray, targets: NDArray) -> FloatArray:
    """(examples,): the share of right decisions of each, or minus its squared error."""
    if measure_of(outputs, targets) == "accuracy":
        right = np.argmax(outputs, axis=-1) == targets
        return right.reshape(len(targets), -1).mean(axis=1)
    gap = outputs.reshape(len(targets), -1).astype(np.float64)
    return -np.square(gap - targets.reshape(len(targets), -1)).mean(axis=1)


def paired(
    reference: FloatArray, model: FloatArray, measure: str, confidence: float = CONFIDENCE
) -> Quality:
    """Args: reference, model: (examples,), a score of each."""
    gap = reference - model
    worsened, improved = int((gap > 0).sum()), int((gap < 0).sum())
    if set(np.unique(np.concatenate([reference, model]))) <= {0.0, 1.0}:
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
