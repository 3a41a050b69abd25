"""A run on disk: what was asked for, and a folder of studies for each submission.

    run.json                                    submissions with hashes, rules, seed, versions
    <submission>/code/                          the frozen copy that was run
    <submission>/study_<k>/<workload>_<framework>/trial_<i>/
    held_out.json                               after the end: the draw of the held-out data
"""

import fcntl
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel

from mlgolf.core.competition import Competition
from mlgolf.core.errors import DifferentRules, RunFolderError
from mlgolf.core.plan import TrialPlan
from mlgolf.core.records import Disclosure, RunRecord
from mlgolf.core.rules import Ruleset
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey
from mlgolf.results.differences import named
from mlgolf.results.files import unfinished
from mlgolf.results.places import what_lies_at
from mlgolf.results.record_files import read_record, write_record
from mlgolf.results.trial_folder import HEADER, read_trial

FILE, SHOWN = "run.json", "held_out.json"
_BEGUN_WITH = "{key}: there {one}, asked for {other}"
RULES = ("competition", "ruleset")  # entries of run.json that runs on one board have in common


class RunFolder:
    """One run. It carries its rules with it, so a copy scores like the original."""

    def __init__(self, path: Path) -> None:
        """Raises: RunFolderError if there is no run at `path`."""
        self.path = path
        if not (path / FILE).is_file():
            raise RunFolderError(
                f"{path} is {what_lies_at(path)}; expected a run, a folder with run.json."
            )
        self.record = read_record(path / FILE, RunRecord)

    @property
    def competition(self) -> Competition:
        return self.record.competition

    @property
    def was_played(self) -> bool:
        """Here or elsewhere, by our referee; otherwise it was imported."""
        return self.record.held_out is not None

    def trial_path(self, key: TrialKey) -> Path:
        return self.path / str(key)

    def code_path(self, submission: str) -> Path:
        return self.path / submission / "code"

    def module_path(self, submission: str) -> Path:
        """The module that is played, in the frozen copy."""
        return self.code_path(submission) / self.record.submissions[submission].module

    def trial_folders(self) -> list[Path]:
        """Where its trials lie, begun or not, in the order of their names and numbers."""
        found = self.path.glob("*/study_*/*/trial_*")
        return sorted(found, key=lambda path: _with_numbers(path.relative_to(self.path)))

    def trial_at(self, folder: Path) -> Trial:
        """Raises: RunFolderError for one that cannot be read."""
        return read_trial(folder, received=self.record.begun)

    def trials(self) -> list[Trial]:
        """Every trial that has begun, in the order of their keys."""
        begun = (folder for folder in self.trial_folders() if (folder / HEADER).exists())
        return sorted(map(self.trial_at, begun), key=lambda trial: trial.key)

    def lock(self) -> "RunLock":
        """Keep a second referee out until it is released, or this process ends, however it ends.

        Raises: RunFolderError if another process has it.
        """
        return RunLock(self.path)

    def plan(self, key: TrialKey, **settled: Any) -> TrialPlan:
        """The plan of one of its trials.

        Args: settled: the fields of a plan that the run itself does not settle.
        """
        workload, size = self.competition.played_as(key.workload)
        return TrialPlan(
            key=key,
            submission_file=self.module_path(key.submission).resolve(),
            rules=self.competition.rules,
            workload_rules=self.competition.workloads[key.workload],
            workload=workload,
            size=size,
            ruleset=self.record.ruleset,
            contract=self.record.submissions[key.submission].contract,
            run_folder=self.path.resolve(),
            **{"folder": self.trial_path(key).resolve(), **settled},
        )


def _with_numbers(path: Path) -> list[tuple[int, str]]:
    """So that trial_10 comes after trial_9."""
    parts = re.split(r"(\d+)", str(path))
    return [(int(part) if part.isdecimal() else 0, part) for part in parts]


class RunLock:
    """Held by the one process that plays a run, until it is released or garbage-collected."""

    def __init__(self, folder: Path) -> None:
        """Raises: RunFolderError if another process has it."""
        self._descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise RunFolderError(
                f"{folder}: another mlgolf is running there. Wait for it, or give another --out."
            ) from None

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __del__(self) -> None:
        self.release()


def create_run(path: Path, record: RunRecord) -> tuple[RunFolder, RunLock]:
    """A new run, locked before anything is written.

    Raises: RunFolderError if something is there already, or somebody else is making a run there;
      nothing of it is touched.
    """
    if path.exists() and not path.is_dir():
        raise RunFolderError(f"{path} is a file; a run needs a folder. Give another --out.")
    path.mkdir(parents=True, exist_ok=True)
    lock = RunLock(path)
    try:
        _check_that_it_is_empty(path)
        write_record(path / FILE, record)
        return RunFolder(path), lock
    except BaseException:
        lock.release()
        raise


def check_that_it_is_free(path: Path) -> None:
    """Raises: RunFolderError for a folder that holds anything; one that is not there is free."""
    if path.is_dir():
        _check_that_it_is_empty(path)


def _check_that_it_is_empty(path: Path) -> None:
    if (path / FILE).exists():
        raise RunFolderError(
            f"{path} holds a run. Continue it with --resume, or give another --out; nothing was "
            "changed."
        )
    begun = unfinished(path / FILE)  # by who was killed before there was a run
    if any(entry != begun for entry in path.iterdir()):
        raise RunFolderError(
            f"{path} is not empty and holds no run. Give another --out; nothing was changed."
        )


def reopen_run(path: Path, asked: Mapping[str, Any]) -> RunFolder:
    """The run at `path`, if it is the one that was `asked` for: fields of its record, by name.

    Raises: RunFolderError naming the keys that differ, what is there and what was asked for.
    """
    run = RunFolder(path)
    for name, wanted in asked.items():
        there, now = _plain(getattr(run.record, name)), _plain(wanted)
        if there != now:
            raise RunFolderError(
                f"{path} was begun with another {name}: "
                f"{named(there, now, _BEGUN_WITH, key=name)}. "
                "Give the same as before to continue it, or another --out; nothing was changed."
            )
    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What several runs of one competition have to say together."""

    competition: Competition
    ruleset: Ruleset
    trials: tuple[Trial, ...]
    names: tuple[str, ...] = ()  # of submissions, in the order in which they were given
    problems: tuple[str, ...] = ()  # what was not read when they were imported, a sentence each
    disclosures: Mapping[str, Disclosure] = field(default_factory=dict)  # by submissions
    run_of: Mapping[TrialKey, str] = field(default_factory=dict)  # the name of its run's folder


def read_runs(paths: Sequence[Path]) -> Played:
    """Read run folders, each with the rules it was played under.

    Raises: RunFolderError for what is no run; DifferentRules, which names the difference.
    """
    runs = [RunFolder(path) for path in paths]
    first = runs[0]
    for run in runs[1:]:
        one, other = ({name: getattr(r.record, name) for name in RULES} for r in (first, run))
        if one != other:
            form = "{key}: {one} in the first, {other} in the second"
            raise DifferentRules(
                f"{first.path} and {run.path} were played under different rules and have no common "
                "board. Give one of them. These differ:\n"
                + named(_plain(one), _plain(other), form, "\n")
            )
    by_run = [(run.path.resolve().name, run.trials()) for run in runs]
    trials = tuple(trial for _, own in by_run for trial in own)
    left_out = (problem for run in runs for problem in run.record.left_out)
    ends = (trial.verdict for trial in trials)
    in_part = (problem for verdict in ends if verdict for problem in verdict.problems)
    played = {trial.key.submission for trial in trials}
    waiting = (
        f"{run.path}: {name} was to be played, and has no trial yet"
        for run in runs for name in run.record.submissions if name not in played
    )
    return Played(
        competition=first.competition, ruleset=first.record.ruleset, trials=trials,
        names=tuple(dict.fromkeys(name for run in runs for name in run.record.submissions)),
        problems=(*left_out, *in_part, *waiting),
        disclosures={
            name: submission.disclosure for run in runs
            for name, submission in run.record.submissions.items() if submission.disclosure
        },
        run_of={trial.key: name for name, own in by_run for trial in own},
    )


def _plain(value: Any) -> Any:
    """Records as dictionaries with every default spelt out, to compare them key by key."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    return value
