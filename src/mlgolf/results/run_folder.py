"""A run on disk: what was asked for, and a folder of studies for each submission.

    run.json                                    submissions with hashes, rules, seed, versions
    <submission>/code/                          the frozen copy that was run
    <submission>/study_<k>/<workload>_<framework>/trial_<i>/
"""

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mlgolf.core.competition import Competition
from mlgolf.core.errors import RunFolderError
from mlgolf.core.plan import Ruleset
from mlgolf.core.trial import Trial, TrialKey
from mlgolf.results.differences import named
from mlgolf.results.files import read_json, write_json
from mlgolf.results.places import what_lies_at
from mlgolf.results.trial_folder import read_trial

SCHEMA_VERSION = 2
RULES = ("competition", "ruleset")  # entries of run.json that runs on one board have in common


class RunFolder:
    """One run. It carries its rules with it, so a copy scores like the original."""

    def __init__(self, path: Path) -> None:
        """Raises: RunFolderError if there is no run at `path`."""
        self.path = path
        if not (path / "run.json").is_file():
            raise RunFolderError(
                f"{path} is {what_lies_at(path)}; expected a run, a folder with run.json."
            )
        self.record: dict[str, Any] = read_json(path / "run.json")
        if not isinstance(self.record, dict):
            raise RunFolderError(f"{path / 'run.json'}: not a run as mlgolf writes it")
        if self.record.get("schema_version") != SCHEMA_VERSION:
            raise RunFolderError(
                f"{path / 'run.json'}: schema_version is {self.record.get('schema_version')}, "
                f"this mlgolf reads {SCHEMA_VERSION}"
            )

    @property
    def competition(self) -> Competition:
        try:
            return Competition.model_validate(self.record["competition"])
        except (KeyError, ValidationError) as error:
            raise RunFolderError(f"{self.path / 'run.json'}: its competition: {error}") from None

    @property
    def was_played(self) -> bool:
        """Here or elsewhere, by our referee; otherwise it was imported."""
        return "held_out" in self.record

    def trial_path(self, key: TrialKey) -> Path:
        return self.path / str(key)

    def code_path(self, submission: str) -> Path:
        return self.path / submission / "code"

    def trials(self) -> list[Trial]:
        """Every trial that has begun, in the order of their keys."""
        found = self.path.glob("*/study_*/*/trial_*/trial.json")
        return sorted((read_trial(file.parent) for file in found), key=lambda trial: trial.key)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second referee out; the kernel lets go when the process ends, however it ends."""
        descriptor = os.open(self.path / "run.json", os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunFolderError(
                f"{self.path}: another mlgolf is running there. Wait for it, or give another --out."
            ) from None
        else:
            yield
        finally:
            os.close(descriptor)


def create_run(path: Path, record: Mapping[str, Any]) -> RunFolder:
    """Raises: RunFolderError if something is there already; nothing of it is touched."""
    if path.exists() and not path.is_dir():
        raise RunFolderError(f"{path} is a file; a run needs a folder. Give another --out.")
    if (path / "run.json").exists():
        raise RunFolderError(
            f"{path} holds a run. Continue it with --resume, or give another --out; nothing was "
            "changed."
        )
    if path.exists() and any(path.iterdir()):
        raise RunFolderError(
            f"{path} is not empty and holds no run. Give another --out; nothing was changed."
        )
    path.mkdir(parents=True, exist_ok=True)
    write_json(path / "run.json", {"schema_version": SCHEMA_VERSION, **record})
    return RunFolder(path)


def reopen_run(path: Path, record: Mapping[str, Any]) -> RunFolder:
    """The run at `path`, if it is the one that `record` asks for.

    Raises: RunFolderError naming the keys that differ, what is there and what was asked for.
    """
    run = RunFolder(path)
    for name, asked in record.items():
        there = run.record.get(name)
        if there != asked:
            raise RunFolderError(
                f"{path} was begun with another {name}: "
                f"{named(there, asked, '{key}: there {one}, asked for {other}', key=name)}. "
                "Give the same as before to continue it, or another --out; nothing was changed."
            )
    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What several runs of one competition have to say together."""

    competition: Competition
    ruleset: Ruleset
    trials: tuple[Trial, ...]
    problems: tuple[str, ...] = ()  # what was not read when they were imported, a sentence each


def read_runs(paths: Sequence[Path]) -> Played:
    """Read run folders, each with the rules it was played under.

    Raises: RunFolderError for what is no run, or runs of different rules, naming the difference.
    """
    runs = [RunFolder(path) for path in paths]
    first = runs[0]
    for run in runs[1:]:
        one, other = ({name: r.record[name] for name in RULES} for r in (first, run))
        if one != other:
            form = "{key}: {one} in the first, {other} in the second"
            raise RunFolderError(
                f"{first.path} and {run.path} were played under different rules and have no common "
                "board. Give one of them. These differ:\n" + named(one, other, form, "\n")
            )
    trials = tuple(trial for run in runs for trial in run.trials())
    left_out = (problem for run in runs for problem in run.record.get("left_out", ()))
    in_part = (problem for trial in trials for problem in trial.header.get("problems", ()))
    played = {trial.key.submission for trial in trials}
    waiting = (
        f"{run.path}: {name} was to be played, and has no trial yet"
        for run in runs for name in run.record.get("submissions", ()) if name not in played
    )
    return Played(
        competition=first.competition, ruleset=first.record["ruleset"], trials=trials,
        problems=(*left_out, *in_part, *waiting),
    )
