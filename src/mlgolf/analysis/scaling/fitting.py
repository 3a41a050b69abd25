"""A scaling law fitted to runs, with intervals, and with what the runs do not tell.

Runs with repeated data are fitted in two stages, as published: the law of data seen once, from the
runs that saw no token twice (or given in full), then R_D and R_N on all runs with that law held.
Each draw of the bootstrap weighs the runs of both stages alike, so what the first stage does not
know is in the intervals of the second.

The optimum is the best of many starts (`starts.py`). Intervals come from a bootstrap that weighs
each run by an exponential variable (Rubin 1981, doi:10.1214/aos/1176345338) rather than by how
often it is drawn: with counts, the objective, nearly a sum of absolute values, makes intervals too
wide. What they hold of the truth is simulated in `benchmarks/scaling_coverage.py`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.analysis.scaling.form import BASE, Form, ScalingRuns
from mlgolf.analysis.scaling.identified import EXPONENTS, ran_away, why_no_sizes
from mlgolf.analysis.scaling.law import Numbers, ScalingLaw
from mlgolf.analysis.scaling.minimise import DELTA, minimise, objective
from mlgolf.analysis.scaling.profiles import Profile, profiles
from mlgolf.analysis.scaling.starts import starts_of
from mlgolf.core.arrays import BoolArray, FloatArray
from mlgolf.core.errors import ScoringError

DRAWS = 4000  # of the bootstrap
SAME = 1e-9  # objectives that differ by less, relatively, are one minimum
TOGETHER = 0.99  # correlation of log params and log tokens from which they are one quantity


@dataclass(frozen=True, kw_only=True, eq=False)
class ScalingFit:
    form: Form
    theta: FloatArray  # (parameters,), see Form
    objective: float  # the sum of Huber losses at theta
    free: BoolArray  # (parameters,), which were fitted; the others were given
    starts: int
    starts_at_best: int  # how many of them ended in the same minimum
    draws: FloatArray  # (draws, parameters), of the bootstrap
    profiles: Mapping[str, Profile]
    delta: float
    confidence: float
    first_stage: "ScalingFit | None" = None  # of data seen once, if it was fitted: see above

    @cached_property
    def law(self) -> ScalingLaw:
        return self.form.law(self.theta)

    @property
    def values(self) -> dict[str, float]:
        """E, A, B, alpha, beta, and what else the form has."""
        return {name: float(value) for name, value in self.form.values(self.theta).items()}

    @property
    def intervals(self) -> dict[str, Interval]:
        """Of what was fitted, in either stage, by the bootstrap."""
        drawn = self.form.values(self.draws)
        free = self.free if self.first_stage is None else self.free | self._of_first_stage
        fitted = [name for name, is_free in zip(self.form.names, free, strict=True) if is_free]
        return {name: self._between(drawn[name]) for name in fitted}

    @property
    def _of_first_stage(self) -> BoolArray:
        assert self.first_stage is not None
        first = dict(zip(self.first_stage.form.names, self.first_stage.free, strict=True))
        return np.array([bool(first.get(name, False)) for name in self.form.names])

    @property
    def all_profiles(self) -> Mapping[str, Profile]:
        """Of both stages; those of the second hold the law of the first."""
        first = {} if self.first_stage is None else self.first_stage.profiles
        return {**first, **self.profiles}

    @cached_property
    def not_identified(self) -> list[str]:
        """Parameters that could be as large, or as small, as one likes without a worse fit."""
        return [name for name, profile in self.all_profiles.items() if profile.is_open]

    @property
    def ran_away(self) -> list[str]:
        """Of those, the ones whose value is only where the optimiser stops. E at 0 is none."""
        return [
            name for name in self.not_identified if name != "E" and ran_away(self.values[name])
        ]

    @property
    def why_no_sizes(self) -> str:
        """What keeps its best sizes from meaning anything, and what to do; empty if nothing."""
        return why_no_sizes(self.law, self.not_identified)

    @property
    def residuals(self) -> FloatArray:
        """(runs,), of log loss: predicted less measured."""
        return self.form.predicted(self.theta[None])[0][0] - self.form.log_loss

    def estimate(self, function: Callable[[ScalingLaw], Numbers]) -> tuple[float, Interval]:
        """A number that follows from the law, and its interval: a loss, a best size …"""
        drawn = np.asarray(function(self.form.law(self.draws)))
        return float(function(self.law)), self._between(np.broadcast_to(drawn, len(self.draws)))

    def _between(self, drawn: FloatArray) -> Interval:
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(drawn, [tail, 1 - tail])
        return float(low), float(high)


def fit_scaling_law(
    runs: ScalingRuns, *, given: Mapping[str, float] | None = None, delta: float = DELTA,
    draws: int = DRAWS, confidence: float = CONFIDENCE, seed: int = 0,
) -> ScalingFit:
    """Args:
      given: parameters that are not fitted, by name: {"E": 1.7}.
      delta: residuals of log loss beyond it count linearly.
    Raises: ScoringError if no fit of these runs can tell the parameters.
    """
    weights = np.random.default_rng(seed).exponential(size=(draws, len(runs)))
    return _fitted(runs, dict(given or {}), weights, delta=delta, confidence=confidence)


def _fitted(
    runs: ScalingRuns, given: Mapping[str, float], weights: FloatArray, *, delta: float,
    confidence: float,
) -> ScalingFit:
    """Args: weights: (draws, runs)."""
    form = Form(runs=runs)
    _check_given(form, given)
    first = _first_stage(runs, given, weights, delta=delta, confidence=confidence)
    held = given if first is None else {**given, **{name: first.values[name] for name in BASE}}
    free = np.array([name not in held for name in form.names])
    _check_enough(form, free)
    with np.errstate(divide="ignore"):  # E may be given as 0
        fixed = form.theta_of(held)
    starts = starts_of(form)
    starts[:, ~free] = fixed[~free]
    starts = starts if free.all() else np.unique(starts, axis=0)
    found = minimise(form, starts, free=free, delta=delta)
    best = int(found.objective.argmin())
    theta, least = found.theta[best], float(found.objective[best])
    begin = [np.tile(start, (len(weights), 1)) for start in (theta, starts[best])]
    if first is not None:
        for start in begin:
            start[:, : len(BASE)] = first.draws[:, : len(BASE)]
    drawn = _lower_of(form, weights, begin, free=free, delta=delta)
    return ScalingFit(
        form=form, theta=theta, objective=float(objective(form, theta[None], delta=delta)[0]),
        free=free, starts=len(starts),
        starts_at_best=int((found.objective <= least * (1 + SAME)).sum()), draws=drawn,
        profiles=profiles(
            form, theta, drawn, free=free, delta=delta, confidence=confidence
        ) if len(weights) else {},
        delta=delta, confidence=confidence, first_stage=first,
    )  # fmt: skip


def _first_stage(
    runs: ScalingRuns, given: Mapping[str, float], weights: FloatArray, *, delta: float,
    confidence: float,
) -> ScalingFit | None:
    """The law of data seen once; none if no data are repeated, or if it is given in full."""
    if runs.unique_tokens is None or all(name in given for name in BASE):
        return None
    once = runs.seen_once
    known = {name: value for name, value in given.items() if name not in ("R_D", "R_N")}
    try:
        return _fitted(
            replace(runs.of(once), unique_tokens=None), known, weights[:, once], delta=delta,
            confidence=confidence,
        )
    except ScoringError as error:
        raise ScoringError(
            f"the law of data seen once, from the {once.sum()} runs that saw no token twice: "
            f"{error}. Or give it in full: E, A, B, alpha and beta"
        ) from None


def _lower_of(
    form: Form, weights: FloatArray, starts: Sequence[FloatArray], *, free: BoolArray, delta: float
) -> FloatArray:
    """The refits under each draw of weights, from each of several starts. Returns: (draws, …)."""
    if not len(weights):
        return np.empty((0, len(form.names)))
    tried = [
        minimise(form, start, weights=weights, free=free, delta=delta) for start in starts
    ]
    lowest = np.stack([minima.objective for minima in tried]).argmin(axis=0)
    return np.stack([minima.theta for minima in tried])[lowest, np.arange(len(weights))]


def _check_given(form: Form, given: Mapping[str, float]) -> None:
    for name, value in given.items():
        if name not in form.names:
            raise ScoringError(
                f"{name}: found a value for it, but it is no parameter of this fit. "
                f"It has {', '.join(form.names)}"
            )
        if not (0 < value < math.inf or (name == "E" and value == 0)):
            allowed = "0 or more" if name == "E" else "a number above 0"
            raise ScoringError(f"{name}: found {value:g}, allowed is {allowed}")


def _check_enough(form: Form, free: BoolArray) -> None:
    """Raises: ScoringError where counting alone shows that parameters cannot be told."""
    runs, fitted = form.runs, int(free.sum())
    if len(runs) <= fitted:
        raise ScoringError(
            f"found {len(runs)} runs, and {fitted} parameters to fit. Give more runs than "
            "parameters, or give some of the parameters"
        )
    columns = {"params": (runs.params, ("A", "alpha")), "tokens": (runs.tokens, ("B", "beta"))}
    for column, (values, names) in columns.items():
        wanted = [name for name in names if free[form.names.index(name)]]
        needed = len(wanted) + 1
        if wanted and len(np.unique(values)) < needed:
            raise ScoringError(
                f"{column}: found {len(np.unique(values))} different values, "
                f"{' and '.join(wanted)} need {needed} at least. Run other sizes, or give "
                f"{' and '.join(wanted)}"
            )
    if all(free[form.names.index(name)] for name in EXPONENTS):
        together = float(np.corrcoef(np.log(runs.params), np.log(runs.tokens))[0, 1])
        if abs(together) > TOGETHER:
            raise ScoringError(
                f"params and tokens: found that they change together (the correlation of their "
                f"logarithms is {together:.3f}), so alpha and beta cannot be told apart. Give runs "
                "of one size with other token counts, or give one of them: --given alpha=VALUE"
            )
    for lever, setting in runs.levers.items():
        if free[form.names.index(lever)] and len(np.unique(setting)) == 1:
            raise ScoringError(
                f"{lever}: found {setting[0]:g} in all runs. What a lever gives is told by runs "
                "with it and without it"
            )
