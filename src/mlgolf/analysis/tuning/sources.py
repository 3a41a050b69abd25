"""Opens what tuning is judged from: anybody's table, or what `mlgolf score` reads too."""

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlgolf.analysis.tuning.results import CHOICES, RESULTS, Metric, TuningResults, read_results
from mlgolf.core.arrays import FloatArray
from mlgolf.core.competition import Competition, competition_names, load_competition
from mlgolf.core.errors import RunFolderError, UnknownName
from mlgolf.core.jury_ruling import check_rulings_are_of_runs
from mlgolf.core.rules import WorkloadRules
from mlgolf.core.target import Goal
from mlgolf.core.text import enumerated
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey
from mlgolf.results import curve_table, trial_table
from mlgolf.results.measurement_table import columns_of
from mlgolf.scoring.admission import Admission
from mlgolf.scoring.kept_trials import UNEVALUATED
from mlgolf.scoring.objective import objective_goal
from mlgolf.scoring.sources import TABLES, Source, as_ruleset, open_source

SHARES = (0.125, 0.25, 0.5, 1.0)  # of the budget, at which a trial may be chosen by its quality


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How results are to be read. None: as they are, or as the rules of their competition say."""

    goal: Goal | None = None
    quality: str | None = None  # column of a table
    metric: Metric | None = None
    competition: str | None = None
    tuning: str | None = None
    methods: Sequence[str] = ()  # none: all
    workloads: Sequence[str] = ()
    transfers: Sequence[tuple[str, str]] = ()
    rulings: Path | None = None  # a folder of a jury's; None: that of the competition


def open_results(paths: Sequence[Path], asked: Asked) -> TuningResults:
    """Raises: MLGolfError for what is missing, of another kind, or does not go together."""
    if len(paths) == 1 and paths[0].suffix in TABLES and not _is_published(paths[0]):
        check_rulings_are_of_runs(asked.rulings, paths[0])
        found = read_results(
            paths[0], goal=asked.goal, quality=asked.quality, metric=asked.metric,
            transfers=asked.transfers, methods=asked.methods, only=asked.workloads,
        )
        return _selected(found, asked)
    if asked.goal or asked.quality:
        given = "--goal" if asked.goal else "--quality"
        raise RunFolderError(f"{paths[0]}: {given} is for tables of your own; rules have theirs")
    if asked.transfers:
        raise RunFolderError(f"{paths[0]}: --transfer is for tables; rules name their variants")
    board, notes = asked, ()
    if paths[0].suffix in TABLES and asked.competition is None:
        board, notes = _largest_board(paths[0], asked)
    source = open_source(
        paths, board.competition, board.tuning, submissions=asked.methods or None, command="tuning",
        rulings=asked.rulings,
    )
    for stone in source.jury.tombstones:
        if stone.submission in asked.methods and stone.submission in source.jury.excluded:
            raise RunFolderError(f"--method {stone.submission}: {stone}")
    return _selected(_of_source(paths[0], source, asked.metric, notes), asked)


def _is_published(path: Path) -> bool:
    """Whether it is a table of AlgoPerf's results, of trials or of evaluations."""
    known = trial_table.COLUMNS if path.suffix == ".csv" else curve_table.COLUMNS
    return {"version", "ruleset", "submission"} <= set(columns_of(path)) & set(known)


def _largest_board(path: Path, asked: Asked) -> tuple[Asked, tuple[str, ...]]:
    """The board with most trials of a table that has several."""
    columns = ["version", "ruleset", "submission", "workload", "study", "trial"]
    read = pl.read_csv if path.suffix == ".csv" else pl.read_parquet
    wanted = as_ruleset(asked.tuning) or pl.col("ruleset")
    try:
        table = read(path, columns=columns).cast(pl.String).unique().filter(
            pl.col("ruleset") == wanted
        )
    except pl.exceptions.PolarsError as error:
        if path.suffix == ".csv":
            trial_table.read_trial_table(path)  # which says by line and column what is wrong
        raise RunFolderError(f"{path}: {str(error).splitlines()[0]}") from None
    boards = table.group_by("version", "ruleset").len().sort("len", "version", descending=True)
    names = {load_competition(n).published_as: n for n in reversed(competition_names())}
    for version, ruleset, _ in boards.iter_rows():
        if version in names:
            name = names[version]
            said = (
                f"read as {name}, {ruleset} tuning: the largest part of the table. Another: "
                "--competition and --tuning"
            )
            return Asked(competition=name, tuning=ruleset), (said,) if len(boards) > 1 else ()
    raise RunFolderError(
        f"{path}: found no trials of a known competition. Known: {', '.join(filter(None, names))}"
    )


def _selected(found: TuningResults, asked: Asked) -> TuningResults:
    """Some of the methods and workloads."""
    for kind, names, known in (
        ("method", asked.methods, found.methods), ("workload", asked.workloads, found.workloads),
    ):  # fmt: skip
        for name in names:
            if name not in known:
                raise UnknownName(kind, name, known=known)
    methods, workloads = asked.methods or found.methods, asked.workloads or found.workloads
    kept = pl.col("method").is_in(list(methods)) & pl.col("workload").is_in(list(workloads))
    return TuningResults(
        path=found.path, table=found.table.filter(kept), goals=found.goals, measured=found.measured,
        scale=found.scale, points=found.points, notes=found.notes, unfair=found.unfair,
        shared=tuple(name for name in found.shared if name in workloads),
        variants=tuple(pair for pair in found.variants if set(pair) <= set(workloads)),
        choices=None if found.choices is None else found.choices.filter(kept),
    )


def _of_source(
    path: Path, source: Source, metric: Metric | None, notes: tuple[str, ...]
) -> TuningResults:
    competition, rules = source.competition, source.competition.rules
    admission = source.admitted(competition)
    grows = rules.objective_quantity.accumulates
    if metric == "time" and not grows:
        raise RunFolderError(
            f"--metric time: the rules of {competition.name} minimise {rules.objective}, and no "
            "time to a target"
        )
    if metric == "validation" and not source.has_evaluations:
        raise RunFolderError(
            "--metric validation: the table has times to the targets only. Give a table of "
            "evaluations (.parquet), the runs or the logs."
        )
    timed = grows and metric != "validation"
    by_key = {trial.key: trial for trial in admission.trials}
    labels = _Points(source, by_key)
    rows = [
        (key.submission, key.workload, str(key.study), labels.of(key),
         value if metric != "validation" else _best(by_key.get(key), source))
        for key, value in _objectives(admission, competition)
        if competition.workloads[key.workload].tuned_at is None
    ]  # fmt: skip
    table = pl.DataFrame(rows, schema=RESULTS, orient="row")
    there = [name for name in competition.workloads if name in set(table["workload"])]
    return TuningResults(
        path=path,
        table=table.with_columns(value=pl.when(pl.col("value").is_finite()).then("value")),
        goals={name: _goal(competition, name, metric) for name in there},
        measured={name: _measured(competition, name, metric) for name in there},
        scale="ratio" if timed else "share_of_spread", points=labels.hyperparameters,
        shared=tuple(name for name in there if name in competition.scored_workloads),
        variants=tuple(
            (base, name) for name in there
            if (base := competition.workloads[name].held_out_of) in there and base
        ),
        choices=_choices(source, admission) if grows and source.has_evaluations else None,
        notes=(
            *notes, *map(_as_counted, admission.all_notes), *labels.notes,
            *_without_search(competition),
        ),
    )


def _without_search(competition: Competition) -> Iterator[str]:
    """One trial of a point that was chosen is no draw from the search space."""
    names = [name for name, row in competition.workloads.items() if row.tuned_at is not None]
    if names:
        yield (
            f"{enumerated(names)} left out: nothing was tuned there, the points were chosen at "
            f"{enumerated(competition.tuned_at)}"
        )


def _as_counted(note: str) -> str:
    """Scores may leave out what ended without an evaluation; here such a trial was spent."""
    trials = note.partition(" left out")[0]
    if not note.endswith(UNEVALUATED):
        return note
    return f"{trials} {UNEVALUATED}: they count as trials without a result"


def _objectives(admission: Admission, competition: Competition) -> Iterator[tuple[TrialKey, float]]:
    """Every trial that ended, with the value of the objective; infinite if it reached none."""
    pool = admission.pool
    goals = [_goal(competition, name, None) for name in pool.workloads]
    for place in np.argwhere(pool.played | pool.ended):
        row, column, study, trial = place.tolist()
        key = TrialKey(
            submission=pool.submissions[row], workload=pool.workloads[column], study=study,
            trial=trial + 1, framework=admission.framework or "",
        )
        yield key, goals[column].sign * float(pool.objective[tuple(place)])


def _goal(competition: Competition, workload: str, metric: Metric | None) -> Goal:
    row = competition.workloads[workload]
    return row.goal if metric == "validation" else objective_goal(competition.rules, row)


def _measured(competition: Competition, workload: str, metric: Metric | None) -> str:
    if metric == "validation":
        return f"best validation {competition.workloads[workload].metric}"
    objective = competition.rules.objective_quantity
    noun = "time to target" if objective.name == "time" else objective.noun
    unit = competition.workloads[workload].unit(objective.name)
    return noun if unit in ("", "1") else f"{noun}, {unit}"


def _best(trial: Trial | None, source: Source) -> float | None:
    """The best validation result within the budget; None if there is none."""
    if trial is None:
        return None
    row = source.competition.workloads[trial.key.workload]
    cost = _costs(trial, row, _allowed(trial, source), (1.0,))[0]
    return row.goal.sign * cost


def _allowed(trial: Trial, source: Source) -> float:
    rules = source.competition.rules
    factor = rules.tuning.under(source.ruleset).budget_factor
    row = source.competition.workloads[trial.key.workload]
    return rules.seconds_allowed(row, budget_factor=factor, speed=trial.speed)


def _costs(
    trial: Trial, row: WorkloadRules, allowed: float, shares: Sequence[float]
) -> FloatArray:
    """The best validation result so far at each share of the budget, smaller is better."""
    values = row.goal.sign * trial.values("validation_metric", row.metric)
    best = np.minimum.accumulate(np.where(np.isfinite(values), values, np.inf))
    times = [allowed * share for share in shares]
    return np.append(np.inf, best)[np.searchsorted(trial.seconds, times, side="right")]


def _choices(source: Source, admission: Admission) -> pl.DataFrame | None:
    """Quality at shares of the budget, and time to target, of every trial with evaluations."""
    rows = []
    for trial in admission.trials:
        place, allowed = admission.pool.place(trial.key), _allowed(trial, source)
        row = source.competition.workloads[trial.key.workload]
        if place is None or math.isinf(allowed) or row.tuned_at is not None:
            continue
        costs = _costs(trial, row, allowed, SHARES)
        time = float(admission.pool.objective[place])
        rows += [
            (trial.key.submission, trial.key.workload, str(trial.key.study), share, cost, time)
            for share, cost in zip(SHARES, costs.tolist(), strict=True)
        ]
    return pl.DataFrame(rows, schema=CHOICES, orient="row") if rows else None


class _Points:
    """What the points of a source are called: "trial 2", or "point 7" where studies draw their own.

    A submission that tunes itself has none.
    """

    def __init__(self, source: Source, trials: dict[TrialKey, Trial]) -> None:
        self._trials = trials
        self._external = source.ruleset == "external"
        self._same = source.competition.rules.tuning.same_points
        self._numbers: dict[str, dict[str, str]] = {}  # of a method, hyperparameters -> name
        self.hyperparameters: dict[tuple[str, str], dict[str, Any]] = {}
        self.notes: tuple[str, ...] = ()
        if self._external and self._same and source.table is not None and source.path is not None:
            self._read(source)

    def of(self, key: TrialKey) -> str | None:
        if not self._external:
            return None
        trial = self._trials.get(key)
        point = dict(trial.hyperparameters) if trial else {}
        if self._same:
            name = f"trial {key.trial}"
        elif point:
            known = self._numbers.setdefault(key.submission, {})
            text = json.dumps(point, sort_keys=True, default=str)
            name = known.setdefault(text, f"point {len(known) + 1}")
        else:
            return None
        if point:
            self.hyperparameters.setdefault((key.submission, name), point)
        return name

    def _read(self, source: Source) -> None:
        """The points of a table of trials, if it has them."""
        path, version, table = source.path, source.competition.published_as, source.table
        assert path is not None
        assert table is not None
        known = source.submissions or {*table["submission"]}
        columns = ["submission", "trial", "hparams", "version", "ruleset"]
        if "hparams" not in columns_of(path):
            return
        table = pl.read_csv(path, columns=columns, infer_schema=False).filter(
            ruleset="external", version=version
        )
        found = table.drop_nulls("hparams").group_by("submission", "trial").agg(
            pl.col("hparams").mode().sort().first(), pl.col("hparams").n_unique().alias("count")
        ).sort("submission", "trial")
        for submission, trial, text, count in found.iter_rows():
            with suppress(ValueError):
                self.hyperparameters[submission, f"trial {trial}"] = json.loads(text)
            if count > 1 and submission in known:
                said = f"trial {trial} of {submission} has {count} different points"
                self.notes = (*self.notes, f"{said}; they are taken as one")
