"""What lies at a path: a trial, a run, a part of a run, a folder of runs.

For errors that say what somebody gave, and what to type instead.
"""

from collections.abc import Iterator
from pathlib import Path

from mlgolf.core.errors import RunFolderError
from mlgolf.core.text import quoted


def runs_below(folder: Path) -> list[Path]:
    """The runs that a folder holds, in the order of their names."""
    return sorted(file.parent for file in folder.glob("*/run.json"))


def run_above(path: Path) -> Path | None:
    """The run that a path is a part of; None if it is in none."""
    parents = (*path.parents, *path.absolute().parents)  # as it was given, if that reaches far
    return next((folder for folder in parents if (folder / "run.json").is_file()), None)


def trials_in(folder: Path) -> Iterator[Path]:
    """The trials in a run, in a part of one, or in a folder of runs; no attempts cut short."""
    found = sorted(file.parent for file in folder.rglob("trial.json"))
    return (trial for trial in found if not trial.name.startswith("attempt_"))


def what_lies_at(path: Path) -> str:
    """A noun for what is there: "a run", "a file", ..."""
    if not path.exists():
        return "not there"
    if not path.is_dir():
        return "a file"
    if (path / "trial.json").is_file():
        return "a trial"
    if (path / "run.json").is_file():
        return "a run"
    if run_above(path):
        return "part of a run"
    if runs_below(path):
        return "a folder of runs"
    return "a folder without runs" if any(path.iterdir()) else "an empty folder"


def check_that_it_is_a_trial(path: Path, command: str = "replay") -> None:
    """Raises: RunFolderError saying what is there, and the command with one of its trials."""
    what = what_lies_at(path)
    if what == "a trial":
        return
    if what == "not there":
        raise RunFolderError(f"{path}: there is no such folder. Give the folder of a trial.")
    if what != "a file" and (trial := next(trials_in(path), None)):
        raise RunFolderError(
            f"try: mlgolf {command} {quoted(trial)}\n"
            f"{path} is {what}; {command} takes one trial."
        )
    raise RunFolderError(
        f"{path} is {what}; {command} takes a trial, a folder with trial.json such as "
        "runs/a/nadamw/study_0/criteo1tb_torch/trial_1."
    )
