"""Keep track of runs: list them, show one, compare several, exchange them with trackers."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from mlgolf.analysis.tracking.comparison import Compared, RunComparison, compared
from mlgolf.analysis.tracking.filters import (
    Selection,
    check_order,
    ordered,
    parse_condition,
    parse_day,
    trials_ordered,
)
from mlgolf.analysis.tracking.rows import OBJECTIVE, RunRow, TrialRow, run_row
from mlgolf.api.frames import column_of
from mlgolf.api.results import AnyPath
from mlgolf.api.shown import Shown, Table
from mlgolf.core.disk import disk_errors_told, naming
from mlgolf.core.errors import RunFolderError, UnknownName
from mlgolf.core.jury_ruling import JuryRuling, rulings_of
from mlgolf.core.quantities import quantities
from mlgolf.core.text import number_of
from mlgolf.plots.saved import without_formulas
from mlgolf.report.html import Html, tag, text
from mlgolf.report.terminal import print_line
from mlgolf.report.tracking import (
    SPARE,
    evaluation_table,
    mixed_lines,
    problem_lines,
    result_tables,
    run_facts,
    run_table,
    trial_facts,
    trial_table,
    verdict_lines,
    what_next,
)
from mlgolf.results.exported_trials import ExportedTrial, to_mlflow, to_tensorboard
from mlgolf.results.found_runs import FoundRun, find_runs, run_of
from mlgolf.results.measurement_table import SUFFIXES
from mlgolf.results.mlflow_files import read_mlflow
from mlgolf.results.places import what_lies_at
from mlgolf.results.run_names import RUNS
from mlgolf.results.tracker_runs import ImportedTable, imported
from mlgolf.results.wandb_files import read_wandb
from mlgolf.scoring.jury import Tombstone

MOST_SHOWN = 200  # rows of a table in a terminal or a notebook


class RunList(Shown):
    """Runs, or their trials. It displays itself, as text or in a notebook."""

    _spare = SPARE

    def __init__(
        self, runs: Sequence[RunRow], *, trials: bool = False, sort: str | None = None,
        reverse: bool = False, tombstones: Sequence[Tombstone] = (),
    ) -> None:
        """Args: tombstones: of what a jury disqualified, which is no row."""
        self.runs, self._by, self._as_trials = runs, sort, trials
        self._reverse, self.tombstones = reverse, tombstones

    @cached_property
    def trials(self) -> list[TrialRow]:
        """Of all runs, sorted as asked for."""
        every = [trial for run in self.runs for trial in run.trials]
        return trials_ordered(every, self._by, reverse=self._reverse)

    @cached_property
    def table(self) -> pl.DataFrame:
        """One row per trial if trials are listed, else one per run.

        Hyperparameters are columns `hyperparameters.NAME`, quantities by their names.
        """
        if not self._as_trials:
            rows = [_flat(row.as_json(self._value_names)) for row in self.runs]
        else:
            rows = [_flat(row.as_json()) for row in self.trials]
        names = dict.fromkeys(name for row in rows for name in row)
        return pl.DataFrame([column_of(name, [row.get(name) for row in rows]) for name in names])

    @property
    def _value_names(self) -> list[str]:
        """Quantities that some trial has."""
        known = {name for run in self.runs for trial in run.trials for name in trial.values}
        return [name for name in (OBJECTIVE, *quantities()) if name in known]

    def as_json(self) -> dict[str, Any]:
        disqualified = [stone.as_json() for stone in self.tombstones]
        if self._as_trials:
            return {
                "trials": [row.as_json() for row in self.trials],
                "problems": [*problem_lines(self.runs)], "disqualified": disqualified,
            }
        return {
            "runs": [row.as_json(self._value_names) for row in self.runs],
            "disqualified": disqualified,
        }

    def save(self, file: AnyPath) -> Path:
        """Write `table` as CSV or Parquet."""
        return save_table(self.table, file)

    def _panels(self) -> Sequence[Any]:
        return ()

    def _tables(self) -> Iterable[Table]:
        if self._as_trials:
            title, heads, rows = trial_table(self.trials[:MOST_SHOWN], self._by)
            more = len(self.trials) - MOST_SHOWN
        else:
            title, heads, rows = run_table(self.runs[:MOST_SHOWN], self._by)
            more = len(self.runs) - MOST_SHOWN
        return [(f"{title}, {more} more with --json" if more > 0 else title, heads, rows)]

    def _lines(self) -> Iterable[str]:
        yield from map(str, self.tombstones)
        yield from problem_lines(self.runs)
        yield from mixed_lines([trial for run in self.runs for trial in run.trials], self._by)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """With what hyperparameters hold in columns of their own, and lists as text."""
    found: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            prefix = "" if name in ("quantities", "values") else f"{name}."
            found |= {f"{prefix}{part}": _cell(inner) for part, inner in value.items()}
        else:
            found[name] = _cell(value)
    return found


def _cell(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


class RunShown(Shown):
    """One run, or one of its trials, in full."""

    def __init__(self, entry: Compared) -> None:
        self.entry = entry

    def as_json(self) -> dict[str, Any]:
        table = trial_facts(self.entry) if self.entry.is_trial else run_facts(self.entry)
        assert self.entry.run.folder is not None
        return {
            "kind": "trial" if self.entry.is_trial else "run", "path": self.entry.name,
            "facts": dict(map(tuple, table[2])),  # type: ignore[arg-type]
            "record": self.entry.run.folder.record.as_json(),
            "trials": [row.as_json() for row in self.entry.row.trials],
            "problems": list(self.entry.row.problems),
            "disqualified": [stone.as_json() for stone in self.entry.row.tombstones],
            "commands": what_next(self.entry),
        }

    def _panels(self) -> Sequence[Any]:
        return ()

    def _tables(self) -> Iterable[Table]:
        if self.entry.is_trial:
            yield trial_facts(self.entry)
            if (table := evaluation_table(self.entry)) is not None:
                yield table
            return
        yield run_facts(self.entry)
        title, heads, rows = trial_table(self.entry.row.trials[:MOST_SHOWN], None)
        more = len(self.entry.row.trials) - MOST_SHOWN
        yield f"{title}, {more} more with --json" if more > 0 else title, heads, rows

    def _lines(self) -> Iterable[str]:
        yield from map(str, self.entry.row.tombstones)
        yield from problem_lines([self.entry.row])
        for name, command in what_next(self.entry).items():
            yield f"{name}: {command}"


class RunsCompared(Shown):
    """Runs or trials side by side: what differs, and whether results can be compared."""

    def __init__(self, comparison: RunComparison) -> None:
        self.comparison = comparison

    def as_json(self) -> dict[str, Any]:
        return self.comparison.as_json()

    def _panels(self) -> Sequence[Any]:
        return ()

    def show(self, console: Console) -> None:
        """Print the verdict first, then what it rests on."""
        for line in verdict_lines(self.comparison):
            print_line(console, line)
        super().show(console)

    def _above(self) -> list[Html]:
        return [tag("p", text(line)) for line in verdict_lines(self.comparison)]

    def _tables(self) -> Iterable[Table]:
        return (table for table in result_tables(self.comparison) if table[-1])

    def _lines(self) -> Iterable[str]:
        return self.comparison.notes


@disk_errors_told()
def list_runs(
    *folders: AnyPath, trials: bool = False, workloads: Sequence[str] = (),
    submissions: Sequence[str] = (), frameworks: Sequence[str] = (),
    competitions: Sequence[str] = (), where: Sequence[str] = (), since: str | None = None,
    until: str | None = None, sort: str | None = None, reverse: bool = False,
    rulings: AnyPath | None = None,
) -> RunList:
    """The runs in folders of runs, or their trials.

    Args:
      folders: none for `runs`; runs themselves may be given, too.
      trials: list trials, one by one.
      workloads, submissions, frameworks, competitions: names; "*" and "?" stand for any letters.
      where: conditions on hyperparameters, quantities, status or seed: "learning_rate>=0.01".
      since, until: days, or moments in ISO 8601, at which runs were begun.
      sort: a quantity, "objective", or for runs "begun", "run", "trials". reverse: the worst first.
      rulings: a folder of rulings of a jury; None for those of each run's competition.
    Returns: also what cannot be read, with the reason.
    Raises: RunFolderError for a folder that is not there; UnknownName, ScoringError for a filter.
    """
    if sort is not None:
        check_order(sort)
    chosen = Selection(
        workloads=workloads, submissions=submissions, frameworks=frameworks,
        competitions=competitions, where=tuple(map(parse_condition, where)),
        since=None if since is None else parse_day(since, "--since"),
        until=None if until is None else parse_day(until, "--until", last=True),
    )
    found = find_runs([Path(folder) for folder in folders] or [RUNS])
    rows = [*map(_rows_under(rulings), found)]
    return RunList(
        ordered(chosen.of(rows), sort, reverse=reverse), trials=trials, sort=sort, reverse=reverse,
        tombstones=tuple(dict.fromkeys(stone for row in rows for stone in row.tombstones)),
    )


@disk_errors_told()
def show_run(path: AnyPath, *, rulings: AnyPath | None = None) -> RunShown:
    """A run, or one of its trials: what it is, its results, and what to do with it.

    Args: rulings: as of `list_runs`. A trial that is asked for is shown whatever was ruled.
    Raises: RunFolderError if it is neither, or cannot be read.
    """
    entry = _entry(Path(path), _rows_under(rulings))
    if entry.row.tombstones and not entry.row.trials and entry.name != str(entry.run.path):
        there = _entry(Path(path), run_row)
        entry = replace(there, row=replace(there.row, tombstones=entry.row.tombstones))
    return RunShown(entry)


@disk_errors_told()
def compare_runs(*paths: AnyPath, rulings: AnyPath | None = None) -> RunsCompared:
    """What differs between runs or trials, their results, and whether these can be compared.

    Args: rulings: as of `list_runs`.
    Raises: RunFolderError for what is neither, for fewer than two, and for one of which a jury left
      nothing.
    """
    if len(paths) < 2:
        raise RunFolderError(f"found {len(paths)} run to compare; give two or more")
    row_of = _rows_under(rulings)
    entries = [_entry(Path(path), row_of) for path in paths]
    for entry in entries:
        if entry.row.tombstones and not entry.row.trials:
            raise RunFolderError(
                f"{entry.name}: nothing is left to compare: {entry.row.tombstones[0]}"
            )
    return RunsCompared(compared(entries))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written for another tracker, and where."""

    tracker: str
    folder: Path
    written: int  # trials
    kept: int  # that were there before
    left_out: tuple[str, ...]  # a sentence each

    def as_json(self) -> dict[str, Any]:
        return {
            "to": self.tracker, "folder": str(self.folder), "written": self.written,
            "kept": self.kept, "left_out": list(self.left_out),
        }


@disk_errors_told()
def export_runs(*folders: AnyPath, to: str, output: AnyPath) -> Exported:
    """Write the trials of runs into a local store of another tracker, by its own library.

    Args:
      folders: of runs, or runs themselves; none for `runs`.
      to: "mlflow", into mlflow.db of the output; or "tensorboard", event files below it.
    Returns: how many trials were written. Those that are there already stay as they are.
    Raises: FrameworkMissing without the library; RunFolderError for a folder that is not there.
    """
    if to not in WRITERS:
        raise UnknownName("tracker", to, known=WRITERS)
    found = [*find_runs([Path(folder) for folder in folders] or [RUNS])]
    runs = [run for run in found if run.folder is not None]
    names = Counter(run.path.name for run in runs)
    trials = [
        ExportedTrial(
            run=run.path.name if names[run.path.name] == 1 else str(run.path).replace("/", "_"),
            trial=one.trial, competition=run.folder.competition,
        )
        for run in runs if run.folder for one in run.read if one.trial
    ]
    ended = [trial for trial in trials if trial.trial.status is not None]
    if not ended:
        raise RunFolderError("found no trial that has ended; mlgolf runs list says what there is")
    with naming(Path(output)):
        written, kept = WRITERS[to](iter(ended), Path(output))
    waiting = len(trials) - len(ended)
    unended = [f"{number_of(waiting, 'trial')} left out: not ended"] if waiting else []
    problems = [*problem_lines([run_row(run) for run in found if run.problem or run.broken])]
    return Exported(
        tracker=to, folder=Path(output), written=written, kept=kept,
        left_out=(*unended, *problems),
    )


WRITERS = {"mlflow": to_mlflow, "tensorboard": to_tensorboard}
READERS = ("mlflow", "wandb")


@disk_errors_told()
def import_runs(
    *paths: AnyPath, tracker: str, columns: Mapping[str, str] | None = None,
    keep_failed: bool = False,
) -> ImportedTable:
    """Runs of another tracker as a table that `curve`, `tuning_curves` and `fit` read.

    Args:
      paths: of MLflow mlflow.db, a folder mlruns, or a CSV; of W&B a CSV or Parquet of runs, or
        files of one run each: a history, wandb-summary.json, or the folder wandb.
      tracker: "mlflow" or "wandb".
      columns: {"quality": "metrics.accuracy"}: which of their columns is which of ours; what is
        left out is chosen by name.
      keep_failed: also runs that did not finish, without quality.
    Returns: the table, the mapping, and sentences that say both.
    Raises: RunFolderError for what is no such file; UnknownName for a column that is not there.
    """
    if tracker not in READERS:
        raise UnknownName("tracker", tracker, known=READERS)
    places = [Path(path) for path in paths]
    if tracker == "mlflow" and len(places) != 1:
        raise RunFolderError(f"found {len(places)} paths; a store of MLflow is read alone")
    runs = read_mlflow(places[0]) if tracker == "mlflow" else read_wandb(places)
    return imported(runs, columns or {}, keep_failed=keep_failed)


def save_table(table: pl.DataFrame, file: AnyPath) -> Path:
    """Write a table as CSV, in which no cell is a formula, or as Parquet."""
    path = Path(file)
    if path.suffix not in SUFFIXES:
        raise RunFolderError(
            f"{path}: found {path.suffix or 'no suffix'}, allowed: {', '.join(SUFFIXES)}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with naming(path):
        if path.suffix == ".csv":
            table.with_columns(without_formulas(pl.col(pl.String))).write_csv(path)
        else:
            table.write_parquet(path)
    return path


def _rows_under(folder: AnyPath | None) -> Callable[[FoundRun], RunRow]:
    """Rows without what a jury disqualified, by rulings in a folder or of a run's competition."""
    known: dict[str, Sequence[JuryRuling]] = {}

    def row(found: FoundRun) -> RunRow:
        if found.folder is None:
            return run_row(found)
        competition = found.folder.competition
        if competition.name not in known:
            given = None if folder is None else Path(folder)
            known[competition.name] = rulings_of(competition, given)
        return run_row(found, known[competition.name])

    return row


def _entry(path: Path, row_of: Callable[[FoundRun], RunRow]) -> Compared:
    place = path if path.exists() or not (RUNS / path).exists() else RUNS / path
    found, here = run_of(place), place.resolve()
    asked, name = found, found.path
    if here != found.path.resolve():
        chosen = [one for one in found.trials if one.path.resolve() == here]
        if not chosen:
            raise RunFolderError(
                f"{path} is {what_lies_at(place)}; expected a run, or one of its trials. Its run "
                f"is {found.path}"
            )
        asked, name = replace(found, trials=tuple(chosen)), chosen[0].path
    row = row_of(asked)
    kept = {trial.trial for trial in row.trials}
    trials = tuple(one.trial for one in asked.read if one.trial and str(one.path) in kept)
    return Compared(name=str(name), run=found, trials=trials, row=replace(row, found=found))
