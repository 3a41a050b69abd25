"""Trials of somebody else's run, drawn at random and repeated: is it what would have come out?"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlgolf.core.errors import BundleError
from mlgolf.core.text import several
from mlgolf.results.run_folder import RunFolder

if TYPE_CHECKING:
    from mlgolf.experiments.replay import Replay

TOLERANCE = 0.05  # relative, where bits are not promised


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
