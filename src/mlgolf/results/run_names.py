"""Where a run goes that was given no folder, and which run is the latest.

    runs/2026-11-25-nadamw-my_adamw       the day, and who was played; then -2, -3, ...
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from itertools import count
from pathlib import Path

from mlgolf.core.errors import RunFolderError
from mlgolf.results.places import runs_below

RUNS = Path("runs")
MOST_NAMES = 3
LONGEST_NAME = 30  # characters of one submission's name


@contextmanager
def new_run_folder(
    submissions: Sequence[str], runs: Path = RUNS, day: date | None = None
) -> Iterator[Path]:
    """An empty folder for a run of these submissions, which nobody else is given.

    Removed again if nothing was written to it.

    Args: day: of its name; None for today.
    """
    name = run_name(submissions, day or date.today())
    path = next(path for path in _candidates(runs / name) if _claim(path))
    try:
        yield path
    finally:
        with suppress(OSError):  # not empty
            path.rmdir()
            runs.rmdir()


def run_name(submissions: Sequence[str], day: date) -> str:
    """The day and the names of at most three submissions, in characters that suit every shell."""
    names = [_plain(name) for name in submissions[:MOST_NAMES]]
    more = len(submissions) - len(names)
    return "-".join([day.isoformat(), *names, *([f"and-{more}-more"] * (more > 0))])


def _plain(name: str) -> str:
    return re.sub(r"[^\w.+]+", "-", name).strip("-.")[:LONGEST_NAME] or "submission"


def _candidates(path: Path) -> Iterator[Path]:
    yield path
    yield from (path.with_name(f"{path.name}-{number}") for number in count(2))


def _claim(path: Path) -> bool:
    try:
        path.mkdir(parents=True)
    except FileExistsError:
        return False
    return True


def latest_run(runs: Path = RUNS) -> Path:
    """The run in `runs` that was written to last: at its start, or by one of its trials.

    Raises: RunFolderError if there is none.
    """
    found = runs_below(runs)
    if not found:
        raise RunFolderError(
            f"no run in {runs.absolute()}. Make one with: mlgolf run nadamw, "
            "or give the folder of a run."
        )
    return max(found, key=lambda run: (last_written(run), run.name))


def last_written(run: Path) -> float:
    """When a run was started, or when its latest trial began or ended; seconds since 1970."""
    files = [run / "run.json", *run.glob("*/study_*/*/trial_*/*.json")]
    return max(file.stat().st_mtime for file in files)
