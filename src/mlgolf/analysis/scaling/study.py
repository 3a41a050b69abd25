"""A table of runs taken through a whole fit: the law, other choices, what budgets buy."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.analysis.scaling.fitting import DRAWS, ScalingFit, fit_scaling_law
from mlgolf.analysis.scaling.form import ScalingRuns
from mlgolf.analysis.scaling.law import TRAINING_FLOP, Sizes
from mlgolf.analysis.scaling.minimise import DELTA
from mlgolf.analysis.scaling.saved_fit import SavedFit
from mlgolf.core.errors import ScoringError
from mlgolf.core.text import number_of

SHARE_OF_OUTLIERS = 0.02  # of the runs: those of the highest loss are left out, to see what moves
FURTHER = (1, 10, 100)  # times the most compute of a run: budgets that are shown unless asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The same fit under another choice."""

    change: str
    values: Mapping[str, float]  # empty if these runs do not allow the fit
    params_exponent: float  # NaN then
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a budget buys if it is spent on the best size."""

    flop: float
    params: float
    params_interval: Interval
    tokens: float
    tokens_interval: Interval
    loss: float
    loss_interval: Interval
    extrapolation_decades: float  # see `Prediction`


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What one run of a size would end at, before it is made."""

    params: float
    tokens: float
    loss: float
    interval: Interval  # of one run: the doubt of the law, and how far runs lie from it
    extrapolation_decades: float  # the farthest of N, D and C from the runs; 0 among them


@dataclass(frozen=True, kw_only=True, eq=False)
class ScalingStudy:
    fit: ScalingFit
    predictions: tuple[Prediction, ...]
    variants: tuple[Variant, ...]
    budgets: tuple[Spent, ...]  # none if the runs do not tell best sizes

    @property
    def runs(self) -> ScalingRuns:
        return self.fit.form.runs


def study(
    runs: ScalingRuns, *, given: Mapping[str, float] | None = None,
    left_out: ScalingRuns | None = None, budgets: Sequence[float] = (),
    sizes: Sequence[Sizes] = (), delta: float = DELTA,
    draws: int = DRAWS, confidence: float = CONFIDENCE,
) -> ScalingStudy:
    """Args:
      given: parameters that are not fitted.
      left_out: the runs with those that were left out as outliers, to be fitted beside.
      budgets: FLOP to be spent.
      sizes: runs to be predicted.
    Raises: ScoringError for runs that cannot tell the parameters.
    """

    def fitted(to: ScalingRuns, *, within: float = delta, of: int = 0) -> ScalingFit:
        return fit_scaling_law(to, given=given, delta=within, draws=of, confidence=confidence)

    fit = fitted(runs, of=draws)
    beside = [
        _variant(change, partial(fitted, to, within=within), fit)
        for change, to, within in _choices(runs, left_out, delta)
    ]
    most = float((runs.params * runs.tokens).max()) * TRAINING_FLOP
    asked = budgets or [factor * most for factor in FURTHER]
    return ScalingStudy(
        fit=fit, variants=tuple(beside),
        predictions=tuple(predicted(fit, size) for size in sizes),
        budgets=() if fit.why_no_sizes else tuple(spent(fit, flop) for flop in asked),
    )


def spent(fit: ScalingFit, flop: float) -> Spent:
    params, params_interval = fit.estimate(lambda law: law.best_for(flop).params)
    tokens, tokens_interval = fit.estimate(lambda law: law.best_for(flop).tokens)
    loss, loss_interval = fit.estimate(lambda law: law.loss(*law.best_for(flop)))
    return Spent(
        flop=flop, params=params, params_interval=params_interval, tokens=tokens,
        tokens_interval=tokens_interval, loss=loss, loss_interval=loss_interval,
        extrapolation_decades=runs_known(fit).decades_beyond(params, tokens),
    )


def predicted(fit: ScalingFit, size: Sizes) -> Prediction:
    params, tokens = float(size.params), float(size.tokens)
    known = runs_known(fit)
    return Prediction(
        params=params, tokens=tokens, loss=float(fit.law.loss(params, tokens)),
        interval=known.run_interval(lambda law: law.loss(params, tokens), fit.confidence),
        extrapolation_decades=known.decades_beyond(params, tokens),
    )


def runs_known(fit: ScalingFit) -> SavedFit:
    """The fit as plans know it."""
    runs = fit.form.runs
    flop = TRAINING_FLOP * runs.params * runs.tokens
    ends = [
        (float(values.min()), float(values.max())) for values in (runs.params, runs.tokens, flop)
    ]
    return SavedFit(
        law=fit.law, draws=fit.form.law(fit.draws), extra={}, residuals=fit.residuals,
        params=ends[0], tokens=ends[1], flop=ends[2], source="",
        not_identified=tuple(fit.not_identified),
    )  # fmt: skip


def _choices(
    runs: ScalingRuns, left_out: ScalingRuns | None, delta: float
) -> list[tuple[str, ScalingRuns, float]]:
    """Other runs, or another delta, under which the same is fitted."""
    if left_out is not None:
        outliers = (f"with the {len(left_out) - len(runs)} runs left out", left_out, delta)
    else:
        count = math.ceil(SHARE_OF_OUTLIERS * len(runs))
        kept = np.sort(np.argsort(runs.loss)[: len(runs) - count])
        outliers = (f"without the {number_of(count, 'run')} of highest loss", runs.of(kept), delta)
    return [outliers, (f"delta {10 * delta:g}", runs, 10 * delta)]


def _variant(change: str, refit: Callable[[], ScalingFit], fit: ScalingFit) -> Variant:
    try:
        found = refit()
    except ScoringError as error:  # fewer runs may not tell what all of them do
        return Variant(change=change, values={}, params_exponent=math.nan, why_not=str(error))
    exponent = math.nan if fit.why_no_sizes else float(found.law.params_exponent)
    return Variant(change=change, values=found.values, params_exponent=exponent)
