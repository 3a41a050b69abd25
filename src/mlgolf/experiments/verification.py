"""Trials of somebody else's run, drawn at random and repeated: is it what would have come out?"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlgolf.core.errors import BundleError, MLGolfError
from mlgolf.core.text import several
from mlgolf.experiments.points import Point, Points
from mlgolf.referee.freeze import Source
from mlgolf.results.run_folder import RunFolder
from mlgolf.tuning.space import SearchSpace, read_search_space

if TYPE_CHECKING:
    from mlgolf.experiments.replay import Replay

TOLERANCE = 0.05  # relative, where bits are not promised
MOST_TRIALS, LARGEST_SPACE = 100_000, 1_000_000  # a study; bytes: what others say is bounded


def drawn_trials(run: RunFolder, count: int, seed: int) -> list[Path]:
    """Folders of so many trials with an evaluation and an end, or of all that there are.

    They are those with the smallest SHA-256 of "SEED TRIAL", so anybody draws the same ones, and
    a host cannot know them before the seed.
    Raises: BundleError if there is none.
    """
    keys = [
        str(trial.key) for trial in run.trials()
        if len(trial.steps) and trial.status is not None and trial.status.is_final
    ]
    if not keys:
        raise BundleError(f"{run.path.name} has no trial with an evaluation that could be repeated")
    drawn = sorted(keys, key=lambda key: sha256(f"{seed} {key}".encode()).digest())
    return [run.path / key for key in drawn[:count]]


def other_points(run: RunFolder) -> list[str]:
    """Trials with other hyperparameters than their search space has there, in sentences.

    Looked at are spaces in files: one that a module declares is known to who runs the module.
    """
    try:
        return [*_other_points(run)]
    except MLGolfError as error:
        return [str(error)]


def _other_points(run: RunFolder) -> Iterator[str]:
    if run.record.ruleset != "external":
        return
    files = {
        name: Source(name=name, file=run.module_path(name)).search_space
        for name in run.record.submissions
    }
    spaces = {name: _space(file) for name, file in files.items() if file}
    if spaces and run.record.trials > MOST_TRIALS:
        yield f"run.json asks for {run.record.trials:,} trials a study; allowed are {MOST_TRIALS:,}"
        return

    @cache
    def points(name: str, workload: str, study: int) -> list[Point]:
        return Points(run, spaces).of(name, workload, study)

    for trial in run.trials():
        key = trial.key
        if key.submission in spaces:
            expected = points(key.submission, key.workload, key.study)[key.trial - 1 : key.trial]
            if expected != [dict(trial.hyperparameters)]:
                yield f"{key}: its hyperparameters are not those that follow from the seed"


def _space(file: Path) -> SearchSpace:
    if file.stat().st_size > LARGEST_SPACE:
        raise BundleError(f"{file.name} has more than {LARGEST_SPACE:,} bytes")
    return read_search_space(file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """A replay, and what it is taken for here."""

    replay: "Replay"
    tolerance: float

    @property
    def is_exact(self) -> bool:
        """Whether every bit is promised, or was found equal though nobody promised it."""
        return not self.replay.differences or not self.replay.elsewhere

    @property
    def confirmed(self) -> bool:
        found = self.replay
        if self.is_exact:
            return found.confirmed
        return found.rows > 0 and found.deviation <= self.tolerance and found.seconds.agree

    def text(self) -> str:
        found = self.replay
        if self.is_exact:
            return found.text()
        verdict = "confirmed" if self.confirmed else "NOT confirmed"
        return (
            f"{found.trial}: {verdict} within {self.tolerance:.1%}, not bit for bit: values differ "
            f"by {found.deviation:.2%} at most. Bits may differ here: "
            f"{several(found.elsewhere)}. The first: {found.differences[0]}. {found.seconds.text()}"
        )

    def as_json(self) -> dict[str, Any]:
        found = self.replay
        return {
            **found.as_json(), "confirmed": self.confirmed,
            "compared": "bit for bit" if self.is_exact else "within tolerance",
            "tolerance": self.tolerance, "deviation": found.deviation,
            "elsewhere": list(found.elsewhere),
        }
