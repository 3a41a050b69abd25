"""A scaling law fitted to runs, with intervals, and with what the runs do not tell.

The optimum is the best of many starts (`starts.py`). Intervals come from a bootstrap that weighs
each run by an exponential variable (Rubin 1981, doi:10.1214/aos/1176345338) rather than by how
often it is drawn: with counts, the objective, nearly a sum of absolute values, makes intervals too
wide. What they hold of the truth is simulated in `benchmarks/scaling_coverage.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.analysis.scaling.form import Form, ScalingRuns
from mlgolf.analysis.scaling.law import Numbers, ScalingLaw
from mlgolf.analysis.scaling.minimise import DELTA, minimise, objective
from mlgolf.analysis.scaling.profiles import Profile, profiles
from mlgolf.analysis.scaling.starts import starts_of
from mlgolf.core.arrays import BoolArray, FloatArray
from mlgolf.core.errors import ScoringError

DRAWS = 4000  # of the bootstrap
SAME = 1e-9  # objectives that differ by less, relatively, are one minimum


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

    @cached_property
    def law(self) -> ScalingLaw:
        return self.form.law(self.theta)

    @property
    def values(self) -> dict[str, float]:
        """E, A, B, alpha, beta, and what else the form has."""
        return {name: float(value) for name, value in self.form.values(self.theta).items()}

    @property
    def intervals(self) -> dict[str, Interval]:
        """Of what was fitted, by the bootstrap."""
        drawn = self.form.values(self.draws)
        fitted = [name for name, is_free in zip(self.form.names, self.free, strict=True) if is_free]
        return {name: self._between(drawn[name]) for name in fitted}

    @property
    def not_identified(self) -> list[str]:
        """Parameters that could be as large, or as small, as one likes without a worse fit."""
        return [name for name, profile in self.profiles.items() if profile.is_open]

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
    runs: ScalingRuns, *, given: Mapping[str, float] | None = None,
    single_epoch: ScalingLaw | None = None, delta: float = DELTA, draws: int = DRAWS,
    confidence: float = CONFIDENCE, seed: int = 0,
) -> ScalingFit:
    """Args:
      given: parameters that are not fitted, by name: {"E": 1.7}.
      single_epoch: see Form.
      delta: residuals of log loss beyond it count linearly.
    Raises: ScoringError if no fit of these runs can tell the parameters.
    """
    form = Form(runs=runs, single_epoch=single_epoch)
    free = _free(form, given or {})
    _check_enough(form, free)
    starts = starts_of(form)
    starts[:, ~free] = form.theta_of(given or {})[~free]
    found = minimise(form, starts, free=free, delta=delta)
    best = int(found.objective.argmin())
    theta, least = found.theta[best], float(found.objective[best])
    weights = np.random.default_rng(seed).exponential(size=(draws, len(runs)))
    drawn = _lower_of(
        form, weights, (theta, starts[best]), free=free, delta=delta
    )
    return ScalingFit(
        form=form, theta=theta, objective=float(objective(form, theta[None], delta=delta)[0]),
        free=free, starts=len(starts),
        starts_at_best=int((found.objective <= least * (1 + SAME)).sum()), draws=drawn,
        profiles=profiles(
            form, theta, drawn, free=free, delta=delta, confidence=confidence
        ) if draws else {},
        delta=delta, confidence=confidence,
    )  # fmt: skip


def _lower_of(
    form: Form, weights: FloatArray, starts: tuple[FloatArray, ...], *, free: BoolArray,
    delta: float,
) -> FloatArray:
    """The refits under each draw of weights, each from several starts. Returns: (draws, …)."""
    if not len(weights):
        return np.empty((0, len(form.names)))
    tried = [
        minimise(form, np.tile(start, (len(weights), 1)), weights=weights, free=free, delta=delta)
        for start in starts
    ]
    lowest = np.stack([minima.objective for minima in tried]).argmin(axis=0)
    return np.stack([minima.theta for minima in tried])[lowest, np.arange(len(weights))]


def _free(form: Form, given: Mapping[str, float]) -> BoolArray:
    if unknown := [name for name in given if name not in form.names]:
        raise ScoringError(
            f"{unknown[0]}: found a value for it, but it is no parameter of this fit. "
            f"It has {', '.join(form.names)}"
        )
    return np.array([name not in given for name in form.names])


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
    for lever, setting in runs.levers.items():
        if free[form.names.index(lever)] and len(np.unique(setting)) == 1:
            raise ScoringError(
                f"{lever}: found {setting[0]:g} in all runs. What a lever gives is told by runs "
                "with it and without it"
            )
