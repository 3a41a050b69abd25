"""Effects of methods, alone and together, from what each cell of a design reached.

All are weighted sums of the cells' means. A main effect is the mean with a method less the mean
without it. An interaction is how much more one method gives where the other is on. The attribution
shares out the gain of all methods together (Shapley values): a method's gain on joining, averaged
over all orders in which methods may be switched on. Source: Shapley (1953), A value for n-person
games.

Values are such that more is better. The error is pooled over cells: how studies of a cell differ,
without what a study does to all cells alike. A value that is a bound (the target was not reached)
enters as that bound. Its cell tells nothing of the error, and effects that depend on it are bounds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import factorial, inf, isnan, nan, sqrt

import numpy as np
from scipy import special

from mlgolf.analysis.ablation.designs import Design, Term
from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.core.arrays import BoolArray, FloatArray

ROUNDING = 1e-12  # of the largest value: less is 0



@dataclass(frozen=True)
class Responses:
    """What was reached on one workload, in the order of the design's cells.

    Args:
      values: (cells, studies), more is better; NaN where a cell has fewer studies.
      censored: (cells, studies), where the value is the most that it can be.
      matched: whether column j is the same study, with the same seeds, in all cells.
    """

    workload: str
    values: FloatArray
    censored: BoolArray
    matched: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """NaN where one study in each cell tells no error.

    `bound`: "", or what the estimate is: "at least", "at most", or "either" where unknown.
    """

    methods: Term
    estimate: float
    interval: Interval
    p: float  # two-sided, of no effect
    adjusted_p: float = nan  # Holm's, over all effects that are shown
    bound: str = ""
    variance: float = nan
    degrees: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """Of one workload. `workload` is None for the mean over several."""

    workload: str | None
    mains: tuple[Effect, ...]
    interactions: tuple[Effect, ...]
    attribution: tuple[Effect, ...]
    total: Effect  # of all methods together
    stddev: float  # between studies of a cell
    degrees: float


def effects_of(design: Design, found: Responses, confidence: float = CONFIDENCE) -> Effects:
    """Args: confidence: of each interval by itself."""
    error = variance, degrees = pooled_error(found)
    weights = {term: _weights(design, term) for term in design.terms}

    def effect(methods: Term, of_cells: FloatArray) -> Effect:
        return contrast(methods, found, of_cells, error, confidence)

    shares = shapley_weights(design)
    total = np.sum([*shares.values()], axis=0)
    total[np.abs(total) < ROUNDING] = 0.0  # cells whose parts cancel
    return Effects(
        workload=found.workload,
        mains=tuple(effect(term, w) for term, w in weights.items() if len(term) == 1),
        interactions=tuple(effect(term, w) for term, w in weights.items() if len(term) == 2),
        attribution=tuple(effect((name,), w) for name, w in shares.items()),
        total=effect(design.factors, total), stddev=sqrt(variance),
        degrees=degrees,
    )


def contrast(
    methods: Term, found: Responses, of_cells: FloatArray, error: tuple[float, float],
    confidence: float = CONFIDENCE,
) -> Effect:
    """A weighted sum of the cells' means. Args: of_cells: (cells,); error: see `pooled_error`."""
    variance, degrees = error
    counts = (~np.isnan(found.values)).sum(axis=1)
    means = np.nansum(found.values, axis=1) / counts
    scale = ROUNDING * np.abs(means).max()
    estimate = float(of_cells @ means)
    return judged(
        methods, 0.0 if abs(estimate) <= scale else estimate,
        variance * float((of_cells**2 / counts).sum()), degrees, confidence,
        _bound(of_cells, np.logical_or.reduce(found.censored, axis=1)),
    )


def mean_over_workloads(
    all_effects: Sequence[Effects], confidence: float = CONFIDENCE
) -> Effects:
    """Each effect averaged over these workloads; it says nothing of others.

    Errors are of each workload's own size (Welch and Satterthwaite's degrees of freedom).
    """
    def mean(effects: Sequence[Effect]) -> Effect:
        parts = np.array([e.variance for e in effects]) / len(effects) ** 2
        degrees = np.array([e.degrees for e in effects], dtype=float)
        variance = float(parts.sum())
        known = variance > 0 and (degrees > 0).all()
        combined = variance**2 / (parts**2 / degrees).sum() if known else degrees.sum()
        bounds = {e.bound for e in effects} - {""}
        return judged(
            effects[0].methods, float(np.mean([e.estimate for e in effects])), variance,
            float(combined), confidence, bounds.pop() if len(bounds) == 1 else
            "either" if bounds else "",
        )

    def means(name: str) -> tuple[Effect, ...]:
        columns = zip(*(getattr(found, name) for found in all_effects), strict=True)
        return tuple(mean(column) for column in columns)

    return Effects(
        workload=None, mains=means("mains"), interactions=means("interactions"),
        attribution=means("attribution"), total=mean([found.total for found in all_effects]),
        stddev=nan, degrees=nan,
    )


def pooled_error(found: Responses) -> tuple[float, int]:
    """The variance of one value around the mean of its cell, and its degrees of freedom.

    NaN and 0 if no cell has two studies. Cells with a bound are left out.
    """
    values = found.values[~found.censored.any(axis=1)]
    known = ~np.isnan(values)
    counts = known.sum(axis=1)
    late = values - (np.nansum(values, axis=1) / np.maximum(counts, 1))[:, None]
    degrees = int(np.maximum(counts - 1, 0).sum())
    if found.matched and known.all() and values.size:
        late = late - late.mean(axis=0)
        degrees -= values.shape[1] - 1
    if degrees <= 0:
        return nan, 0
    return float(np.nansum(late**2)) / degrees, degrees


def judged(
    methods: Term, estimate: float, variance: float, degrees: float, confidence: float, bound: str
) -> Effect:
    """An estimate with its interval, which is open where the estimate is a bound."""
    low, high, p = nan, nan, nan
    if degrees > 0 and not isnan(variance):
        error = sqrt(variance)
        half = float(special.stdtrit(degrees, (1 + confidence) / 2)) * error
        low, high = estimate - half, estimate + half
        p = float(estimate == 0) if error == 0 else (
            2 * float(special.stdtr(degrees, -abs(estimate) / error))
        )
        low = -inf if bound in ("at most", "either") else low
        high = inf if bound in ("at least", "either") else high
        if bound == "either" or (bound == "at least" and estimate <= 0) or (
            bound == "at most" and estimate >= 0
        ):
            p = 1.0
    return Effect(
        methods=methods, estimate=estimate, interval=(low, high), p=p, bound=bound,
        variance=variance, degrees=degrees,
    )


def shapley_weights(design: Design) -> Mapping[str, FloatArray]:
    """By method (cells,): what to weight the cells' values by.

    Exact in a full design. In a fraction they are those of main effects, which are the Shapley
    values if no three methods interact.
    """
    if not design.is_full:
        return {name: _weights(design, (name,)) for name in design.factors}
    count = len(design.factors)
    place = {frozenset(cell): number for number, cell in enumerate(design.cells)}
    found = {name: np.zeros(len(place)) for name in design.factors}
    for name, weights in found.items():
        for cell, number in place.items():
            if name not in cell:
                size = len(cell)
                share = factorial(size) * factorial(count - size - 1) / factorial(count)
                weights[place[cell | {name}]] += share
                weights[number] -= share
    return found


def with_holm(
    all_effects: Sequence[Effects], aliases: Mapping[Term, Sequence[tuple[Term, int]]]
) -> list[Effects]:
    """With p-values adjusted over all main effects and interactions, aliases counted once."""
    rows = [
        (number, effect) for number, found in enumerate(all_effects)
        for effect in (*found.mains, *found.interactions)
    ]

    def test(number: int, effect: Effect) -> tuple[int, Term]:
        return number, min([effect.methods, *(term for term, _ in aliases.get(effect.methods, ()))])

    tests = {test(*row): row[1].p for row in rows if not isnan(row[1].p)}
    adjusted = dict(zip(tests, holm([*tests.values()]), strict=True))

    def told(number: int, effects: Sequence[Effect]) -> tuple[Effect, ...]:
        return tuple(
            replace(effect, adjusted_p=adjusted.get(test(number, effect), nan))
            for effect in effects
        )

    return [
        replace(found, mains=told(number, found.mains),
                interactions=told(number, found.interactions))
        for number, found in enumerate(all_effects)
    ]  # fmt: skip


def holm(ps: Sequence[float]) -> list[float]:
    """Adjusted p-values: who rejects those below 0.05 errs in any with probability 0.05 at most.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    order = np.argsort(ps, kind="stable")
    scaled = np.asarray(ps, dtype=float)[order] * np.arange(len(ps), 0, -1)
    adjusted = np.empty(len(ps))
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted.tolist()


def _weights(design: Design, term: Term) -> FloatArray:
    return design.column(term) * 2.0 ** len(term) / len(design.levels)


def _bound(weights: FloatArray, censored: BoolArray) -> str:
    """What is censored can only be worse, so an effect moves against the sign of its weight."""
    signs = set(np.sign(weights[censored & (weights != 0)]))
    if not signs:
        return ""
    return "either" if len(signs) == 2 else "at most" if 1.0 in signs else "at least"
