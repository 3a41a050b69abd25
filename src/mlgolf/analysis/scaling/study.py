"""A table of runs taken through a whole fit: the law, how it moves with choices, what budgets buy.

Runs with repeated data are fitted in two stages, as published: the law of data seen once, from the
runs that saw no token twice (or given in full), then R_D and R_N on all runs with that law held.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.analysis.scaling.fitting import DRAWS, ScalingFit, fit_scaling_law
from mlgolf.analysis.scaling.form import BASE, ScalingRuns
from mlgolf.analysis.scaling.law import TRAINING_FLOP, ScalingLaw, Sizes
from mlgolf.analysis.scaling.minimise import DELTA
from mlgolf.analysis.scaling.saved_fit import SavedFit
from mlgolf.core.errors import ScoringError

ONCE = 1.001  # tokens per unique token: up to it, data count as seen once
SHARE_OF_OUTLIERS = 0.02  # of the runs: those of the highest loss are left out, to see what moves
FURTHER = (1, 10, 100)  # times the most compute of a run: budgets that are shown unless asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The same fit under another choice."""

    change: str
    values: Mapping[str, float]
    params_exponent: float


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
    extrapolation_decades: float  # of compute, beyond the largest run; 0 within the data


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
    budgets: tuple[Spent, ...]
    single_epoch_runs: int = 0  # from which the first stage comes; 0 without one

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
    given, base, once = _first_stage(runs, given or {}, delta)

    def fitted(to: ScalingRuns, *, within: float = delta, of: int = 0) -> ScalingFit:
        return fit_scaling_law(
            to, given=given, single_epoch=base, delta=within, draws=of, confidence=confidence
        )

    fit = fitted(runs, of=draws)
    if left_out is not None:
        beside = [_variant(f"with the {len(left_out) - len(runs)} runs left out", fitted(left_out))]
    else:
        count = math.ceil(SHARE_OF_OUTLIERS * len(runs))
        kept = np.sort(np.argsort(runs.loss)[: len(runs) - count])
        beside = [] if len(kept) <= fit.free.sum() else [
            _variant(f"without the {count} highest losses", fitted(runs.of(kept)))
        ]  # fmt: skip
    beside.append(_variant(f"delta {10 * delta:g}", fitted(runs, within=10 * delta)))
    most = float((runs.params * runs.tokens).max()) * TRAINING_FLOP
    asked = budgets or [factor * most for factor in FURTHER]
    return ScalingStudy(
        fit=fit, variants=tuple(beside), single_epoch_runs=once,
        predictions=tuple(predicted(fit, size) for size in sizes),
        budgets=tuple(spent(fit, flop) for flop in asked),
    )


def spent(fit: ScalingFit, flop: float) -> Spent:
    runs = fit.form.runs
    params, params_interval = fit.estimate(lambda law: law.best_for(flop).params)
    tokens, tokens_interval = fit.estimate(lambda law: law.best_for(flop).tokens)
    loss, loss_interval = fit.estimate(lambda law: law.loss(*law.best_for(flop)))
    most = TRAINING_FLOP * float((runs.params * runs.tokens).max())
    return Spent(
        flop=flop, params=params, params_interval=params_interval, tokens=tokens,
        tokens_interval=tokens_interval, loss=loss, loss_interval=loss_interval,
        extrapolation_decades=max(0.0, math.log10(flop / most)),
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
    )  # fmt: skip


def _variant(change: str, fit: ScalingFit) -> Variant:
    return Variant(
        change=change, values=fit.values, params_exponent=float(fit.law.params_exponent)
    )


def _first_stage(
    runs: ScalingRuns, given: Mapping[str, float], delta: float
) -> tuple[Mapping[str, float], ScalingLaw | None, int]:
    """What the second stage holds, the law of data seen once, and the runs that it is from."""
    if runs.unique_tokens is None:
        return given, None, 0
    held = {name: value for name, value in given.items() if name in BASE}
    if len(held) == len(BASE):
        return given, ScalingLaw(**held), 0
    once = runs.tokens <= ONCE * runs.unique_tokens
    try:
        first = fit_scaling_law(
            replace(runs.of(once), unique_tokens=None), given=given, delta=delta, draws=0
        )
    except ScoringError as error:
        raise ScoringError(
            f"the law of data seen once, from the {once.sum()} runs that saw no token twice: "
            f"{error}. Or give it in full: E, A, B, alpha and beta"
        ) from None
    values = {name: first.values[name] for name in BASE}
    return {**given, **values}, ScalingLaw(**values), int(once.sum())
