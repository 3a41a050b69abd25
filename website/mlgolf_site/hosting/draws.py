"""Commitments of the site's ledger, from which runs under `draws = "fresh"` are drawn.

A line fixes a secret value before code is taken in. The worker on the site's own machine draws
seed and data of a run from all frozen code and the first value that no run has used.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from mlgolf.api.bundles import commit_draws, open_ledger
from mlgolf.core.competition import Competition
from mlgolf.core.errors import RulesError

MOST = 50  # commitments at a time
SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    line: int  # of the ledger
    time: str
    value_sha256: str
    line_sha256: str
    is_used: bool


def draws_fresh(rules: Competition) -> bool:
    return rules.rules.draws == "fresh"


def is_blind(rules: Competition) -> bool:
    """Whether a run has examples, or names of classes, of its own."""
    return any(
        data.get("blind") or data.get("permute_labels")
        for row in rules.workloads.values()
        if isinstance(data := (row.definition or {}).get("data"), dict)
    )


def commit(count: int) -> list[Commitment]:
    """Add lines for so many runs to come. Raises: RulesError, BundleError."""
    if not 1 <= count <= MOST:
        raise RulesError(f"runs: found {count}; allowed are 1 to {MOST} at a time")
    lines = {commit_draws(settings.SITE.ledger).number for _ in range(count)}
    return [one for one in commitments() if one.line in lines]


def commitments() -> list[Commitment]:
    """The newest first. Raises: BundleError for a ledger that was damaged."""
    file = settings.SITE.ledger / "heads.jsonl"
    try:
        state = file.stat()
    except OSError:
        return []
    return _read(file, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4)
def _read(file: Path, size: int, changed: int) -> list[Commitment]:
    lines = open_ledger(file).lines
    used = {line.body.get("committed") for line in lines if line.kind == "started"}
    return [
        Commitment(
            line=line.number, time=line.time, line_sha256=line.hash,
            value_sha256=str(line.body.get("value_sha256", "")), is_used=line.number in used,
        )
        for line in reversed(lines) if line.kind == "committed"
    ]
