"""All that lies in folders of runs, also what is no run, or one that cannot be read.

Nothing here ends at the first fault: each has its place and its reason, and the rest goes on.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlgolf.core.errors import MLGolfError, RunFolderError
from mlgolf.core.text import in_words, number_of
from mlgolf.core.trial import Trial
from mlgolf.results.places import run_above, what_lies_at
from mlgolf.results.run_folder import FILE, RunFolder
from mlgolf.results.trial_folder import HEADER, PLAN
from mlgolf.results.trial_lock import holder

DEEPEST = 3  # folders below the one that was given, in which runs are looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTrial:
    path: Path
    trial: Trial | None = None
    problem: str = ""  # why it cannot be read; empty if it can, or has not begun


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRun:
    path: Path
    folder: RunFolder | None = None  # None: it is no run, or cannot be read
    problem: str = ""
    trials: tuple[FoundTrial, ...] = ()
    is_played: bool = False  # by some process, now

    @property
    def read(self) -> list[FoundTrial]:
        """Its trials that have begun and can be read."""
        return [found for found in self.trials if found.trial is not None]

    @property
    def broken(self) -> list[FoundTrial]:
        return [found for found in self.trials if found.problem]

    @property
    def expected(self) -> int | None:
        """How many trials the run has when it is over; None for one that was imported."""
        if self.folder is None or not self.folder.was_played:
            return None
        asked = self.folder.record
        each = len(asked.submissions) * len(self.folder.competition.workloads)
        return each * asked.trials * asked.studies


def find_runs(paths: Sequence[Path]) -> Iterator[FoundRun]:
    """The runs below these folders, each read; runs themselves may be given, too.

    Raises: RunFolderError for a path that is not there, or is no folder.
    """
    for path in paths:
        if not path.is_dir():
            raise RunFolderError(
                f"{path} is {what_lies_at(path)}; expected a folder of runs, or a run. A run "
                "without --out goes to runs/."
            )
        yield from _below(path, DEEPEST)


def _below(folder: Path, depth: int) -> Iterator[FoundRun]:
    if (folder / FILE).is_file():
        yield open_found(folder)
        return
    try:
        inside = sorted(
            entry for entry in folder.iterdir()
            if entry.is_dir() and not entry.name.startswith(".")
        )
    except OSError as error:
        yield FoundRun(path=folder, problem=_said(error))
        return
    for entry in inside:
        found = [*_below(entry, depth - 1)] if depth > 0 else []
        if any(run.folder or not run.problem.startswith(_FOREIGN) for run in found):
            yield from found
        else:
            yield FoundRun(path=entry, problem=f"{_FOREIGN}: {what_lies_at(entry)}")


_FOREIGN = "not a run"


def open_found(path: Path) -> FoundRun:
    """One run with all of its trials, as far as they can be read."""
    try:
        folder = RunFolder(path)
        found = [*_trials(folder)]
        return FoundRun(
            path=path, folder=folder, trials=tuple(found),
            is_played=any(map(_is_held, (trial.path for trial in found))),
        )
    except (MLGolfError, OSError) as error:
        return FoundRun(path=path, problem=_said(error))


def _is_held(trial: Path) -> bool:
    try:
        return bool(holder(trial))
    except (MLGolfError, KeyError, TypeError):
        return False  # whoever left such a claim does not play it


def _trials(run: RunFolder) -> Iterator[FoundTrial]:
    for path in run.trial_folders():
        if not path.is_dir():
            continue
        if not (path / HEADER).exists():
            left = {name for name in os.listdir(path) if not name.startswith(".")}
            lost = left - {PLAN, "claim.json"}
            missing = f"{path / HEADER} is missing, and {sorted(lost)[0]} is there" if lost else ""
            yield FoundTrial(path=path, problem=missing)
            continue
        yield read_found(run, path)


def read_found(run: RunFolder, path: Path) -> FoundTrial:
    """One trial of a run, or why it cannot be read."""
    try:
        trial = run.trial_at(path)
    except (MLGolfError, OSError) as error:
        return FoundTrial(path=path, problem=_said(error))
    if trial.key.workload not in run.competition.workloads:
        known = number_of(len(run.competition.workloads), "workload")
        return FoundTrial(
            path=path, problem=f"{path / HEADER}: its workload {trial.key.workload!r} is none of "
            f"the {known} of the run"
        )
    return FoundTrial(path=path, trial=trial)


def _said(error: MLGolfError | OSError) -> str:
    text = (in_words(error) or repr(error)) if isinstance(error, OSError) else str(error)
    return text.splitlines()[0]


def run_of(path: Path) -> FoundRun:
    """The run that a path is, or is a part of, with all of its trials.

    Raises: RunFolderError if it is in none, or the run cannot be read.
    """
    above = path if (path / FILE).is_file() else run_above(path)
    if above is None:
        raise RunFolderError(
            f"{path} is {what_lies_at(path)}; expected a run, a folder with {FILE}, or one of its "
            "trials. mlgolf runs list has them."
        )
    found = open_found(above)
    if found.folder is None:
        raise RunFolderError(found.problem)
    return found
