"""Which quantity of a model predicts its error on data that no score has seen: the twin set.

The rank correlation of each quantity that was measured of models with their error and loss on the
twin set. Where there are many submissions each run gives one model, the one that counts; with few,
all valid models of all runs are taken, and models of one run are not independent: the interval
resamples whole runs.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from mlgolf.core.arrays import FloatArray, IntArray
from mlgolf.core.competition import Competition
from mlgolf.core.quantities import quantities, quantity
from mlgolf.core.trial import Trial
from mlgolf.scoring.objective import feasible_rows, row_that_counts

TWIN = "test"  # the split
ENOUGH_SUBMISSIONS = 5  # for one model of each run
FEWEST_RUNS = 3  # for an interval
RESAMPLES, LEVEL = 1000, 0.95
MOST_MODELS = 50  # of a run: evenly spread over it


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """How a quantity of models goes with their error on the twin set."""

    quantity: str  # "l2"
    error: str  # "loss", or the workload's metric
    correlation: float  # Spearman's, in [-1, 1]
    interval: tuple[float, float] | None  # 95%, over resampled runs; None with too few


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """Models with what was measured of each, and the associations. One entry a model each."""

    workload: str
    submissions: tuple[str, ...]
    runs: IntArray  # (models,): which run each is of, from 0
    columns: dict[str, FloatArray]  # "l2", "loss", "error_rate" -> (models,)
    quantities: tuple[str, ...]
    errors: tuple[str, ...]
    one_of_each_run: bool  # or all valid models of all runs
    associations: tuple[Association, ...]
    left_out: tuple[tuple[str, str], ...]  # other quantities that rules ask for, and why

    @property
    def num_runs(self) -> int:
        return len(set(self.runs.tolist()))


def twin(competition: Competition, trials: Sequence[Trial], ruleset: str) -> Twin | None:
    """The models of the one scored workload; None without a twin set, or with nothing to compare.

    A split that the rules minimise or bound something on is no twin set. Of quantities those are
    compared on which models differ.

    Args: trials: those that count.
    """
    scored, rules = competition.scored_workloads, competition.rules
    if len(scored) != 1 or not rules.tuning.stands_alone(ruleset):
        return None
    row = competition.workloads[scored[0]]
    used = {quantity(name).column_for(row.metric) for name in rules.used_quantities}
    errors = [f"{TWIN}/{name}" for name in dict.fromkeys([row.metric, "loss"])]
    trials = [trial for trial in trials if trial.key.workload == scored[0]]
    names = {name for trial in trials for name in trial.metrics}
    measured = _measured(competition, row.metric, names)
    errors = [name for name in errors if name in names]
    if any(name.startswith(f"{TWIN}/") for name in used) or not measured or not errors:
        return None
    one_each = len({trial.key.submission for trial in trials}) >= ENOUGH_SUBMISSIONS
    return _twin(competition, trials, ruleset, measured, errors, one_each=one_each)


def _measured(competition: Competition, metric: str, names: Collection[str]) -> dict[str, str]:
    """Quantities of models themselves that have a column: its name -> theirs. And what is scored.

    What rose with the clock, or was measured by the loss alone, says nothing of a model.
    """
    objective = competition.rules.objective_quantity
    found = {
        measured.column_for(metric): name for name, measured in sorted(quantities().items())
        if measured.measure or (name == objective.name and not measured.accumulates)
    }
    return {column: name for column, name in found.items() if column in names}


def _twin(
    competition: Competition, trials: Sequence[Trial], ruleset: str, measured: Mapping[str, str],
    errors: list[str], *, one_each: bool,
) -> Twin | None:
    columns: dict[str, list[FloatArray]] = {name: [] for name in (*measured, *errors)}
    submissions: list[str] = []
    runs: list[int] = []
    for run, trial in enumerate(trials):
        found = {name: trial.metrics.get(name) for name in columns}
        empty = np.full(len(trial.steps), np.nan)
        found = {name: empty if values is None else values for name, values in found.items()}
        rows = _rows(competition, trial, ruleset, one_each=one_each)
        rows = rows[np.all([np.isfinite(values[rows]) for values in found.values()], axis=0)]
        for name, values in found.items():
            columns[name].append(values[rows])
        submissions += [trial.key.submission] * len(rows)
        runs += [run] * len(rows)
    if len(runs) < FEWEST_RUNS:
        return None
    called = {**measured, **{name: name.partition("/")[2] for name in errors}}
    joined = {called[name]: np.concatenate(parts) for name, parts in columns.items()}
    of_runs, of_twin = np.array(runs), [called[name] for name in errors]
    equal = [name for name in measured.values() if len(np.unique(joined[name])) < 2]
    never = [name for name in competition.rules.recorded if name not in measured.values()]
    compared = [name for name in measured.values() if name not in equal]
    if not compared:
        return None
    return Twin(
        workload=competition.scored_workloads[0], submissions=tuple(submissions), runs=of_runs,
        columns=joined, quantities=tuple(compared), errors=tuple(of_twin),
        one_of_each_run=one_each,
        associations=tuple(
            association(name, error, joined[name], joined[error], of_runs)
            for name in compared for error in of_twin
        ),
        left_out=(
            *((name, "which is the same in all models") for name in equal),
            *((name, "which was not measured") for name in never),
        ),
    )


def _rows(
    competition: Competition, trial: Trial, ruleset: str, *, one_each: bool
) -> IntArray:
    """The evaluations of a trial whose models are taken."""
    rules, workload_rules = competition.rules, competition.workloads[trial.key.workload]
    targets = rules.targets(
        workload_rules, budget_factor=rules.tuning.under(ruleset).budget_factor, speed=trial.speed
    )
    if one_each:
        row = row_that_counts(trial, targets, rules, workload_rules)
        return np.array([] if row is None else [row], dtype=int)
    valid = np.flatnonzero(feasible_rows(trial, targets, workload_rules.metric))
    if len(valid) <= MOST_MODELS:
        return valid
    return valid[np.linspace(0, len(valid) - 1, MOST_MODELS).round().astype(int)]


def association(
    name: str, error: str, values: FloatArray, errors: FloatArray, runs: IntArray
) -> Association:
    """Args: values, errors, runs: (models,), all finite; `runs` says which run each model is of."""
    of_run = [np.flatnonzero(runs == run) for run in np.unique(runs)]
    drawn: list[float] = []
    if len(of_run) >= FEWEST_RUNS:
        random = np.random.default_rng(0)
        for picked in random.integers(len(of_run), size=(RESAMPLES, len(of_run))):
            rows = np.concatenate([of_run[run] for run in picked])
            drawn.append(spearman(values[rows], errors[rows]))
    finite = [value for value in drawn if math.isfinite(value)]
    tail = (1 - LEVEL) / 2
    low_high = np.quantile(finite, [tail, 1 - tail]).tolist() if finite else None
    return Association(
        quantity=name, error=error, correlation=spearman(values, errors),
        interval=(low_high[0], low_high[1]) if low_high else None,
    )


def spearman(a: FloatArray, b: FloatArray) -> float:
    """Spearman's rank correlation; NaN where either is constant."""
    ranks = [rankdata(values) for values in (a, b)]
    centred = [rank - rank.mean() for rank in ranks]
    size = math.sqrt(float((centred[0] ** 2).sum() * (centred[1] ** 2).sum()))
    return float((centred[0] * centred[1]).sum() / size) if size else math.nan
