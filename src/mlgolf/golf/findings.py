"""What a check says: a fault with its place, something that holds, or something not looked at."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a host has to change."""

    file: str  # below the game's folder
    line: int | None  # from 1; None where no line can be said
    what: str  # what was found, and what is allowed

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.what}"


@dataclass(frozen=True, slots=True)
class Passed:
    """Something that was looked at and holds, with the number that shows it."""

    what: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was not looked at, and why."""

    what: str


Said = Finding | Passed | Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """All that a check of a game said, in order."""

    game: str
    findings: tuple[Finding, ...]
    passed: tuple[str, ...]
    skipped: tuple[str, ...]

    @property
    def is_fine(self) -> bool:
        """Whether everything was looked at, and nothing was found."""
        return not self.findings and not self.skipped

    def as_json(self) -> Mapping[str, Any]:
        return {
            "game": self.game, "ok": self.is_fine,
            "findings": [{"file": f.file, "line": f.line, "what": f.what} for f in self.findings],
            "checked": list(self.passed), "skipped": list(self.skipped),
        }  # fmt: skip


def gathered(game: str, said: Iterable[Said]) -> Checked:
    """Sorted by kind; what is found twice is said once."""
    unique = list(dict.fromkeys(said))
    return Checked(
        game=game,
        findings=tuple(one for one in unique if isinstance(one, Finding)),
        passed=tuple(one.what for one in unique if isinstance(one, Passed)),
        skipped=tuple(one.what for one in unique if isinstance(one, Skipped)),
    )
