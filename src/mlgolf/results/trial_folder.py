"""One trial on disk: trial.json, evals.jsonl, log.txt, verdict.json.

    trial.json     before it starts: who, what, hashes, seed, hyperparameters, class, machine
    evals.jsonl    one line per evaluation, appended and synced as it happens
    model.safetensors   the best model that keeps the bounds, where the rules have it kept
    log.txt        what the contestant logged and printed
    verdict.json   after it ended: status, reason, how the player was held. Its presence is the end
    plan.json      what is to be played, where that may be elsewhere
    attempt_N/     earlier attempts that were cut short or disturbed, kept and never scored
"""

import os
from datetime import datetime
from pathlib import Path

import numpy as np

from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import RunFolderError
from mlgolf.core.protocols import Row
from mlgolf.core.quantities import CLOCKS, JOULES
from mlgolf.core.records import TrialHeader, VerdictRecord
from mlgolf.core.trial import Trial
from mlgolf.results.files import append_line, append_text, read_lines, write_bytes
from mlgolf.results.logged import read_logged
from mlgolf.results.record_files import read_record, write_record
from mlgolf.results.trial_lock import FILE as LOCK

HEADER, VERDICT, PLAN, LOG = "trial.json", "verdict.json", "plan.json", "log.txt"
ROWS = "evals.jsonl"
MODEL = "model.safetensors"
MOST_CELLS = 10_000_000  # evaluations times metrics: a small file may not take all memory


class TrialFolder:
    """The Store of one trial. A second `begin` puts what an earlier attempt left aside."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def log_path(self) -> Path:
        return self.path / LOG

    def begin(self, header: TrialHeader) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        self._set_aside()
        write_record(self.path / HEADER, header)

    def _set_aside(self) -> None:
        kept = ("attempt_", PLAN, LOCK, ".")
        found = [entry for entry in self.path.iterdir() if not entry.name.startswith(kept)]
        if not found:
            return
        attempt = self.path / f"attempt_{len(attempts(self.path)) + 1}"
        attempt.mkdir()
        for entry in found:
            os.replace(entry, attempt / entry.name)

    def append(self, row: Row) -> None:
        line = {
            "step": row.step,
            "seconds": row.reading.seconds,
            "cpu_seconds": row.reading.cpu,
            "wall_seconds": row.reading.wall,
            **({} if row.reading.joules is None else {JOULES: row.reading.joules}),
            "metrics": dict(row.metrics),
            "model_sha256": row.model_sha256,
            **({"charged_seconds": row.charged} if row.charged else {}),
            **({"waited": True} if row.waited else {}),
        }
        append_line(self.path / ROWS, line)

    def keep(self, model: bytes) -> None:
        write_bytes(self.path / MODEL, model)

    def log(self, text: str) -> None:
        append_text(self.log_path, text.rstrip("\n") + "\n")

    def finish(self, verdict: VerdictRecord) -> None:
        # A reason may quote what a contestant raised: bytes that are no text become \udc80.
        reason = verdict.reason.encode("utf-8", "backslashreplace").decode()
        write_record(self.path / VERDICT, verdict.model_copy(update={"reason": reason}))


def is_finished(path: Path) -> bool:
    """Whether the trial there needs no repeat."""
    verdict = read_verdict(path)
    return verdict is not None and verdict.status.is_final and not verdict.to_repeat


def attempts(path: Path) -> list[Path]:
    """Folders of what was set aside of the trial there, in order."""
    found = path.glob("attempt_*")
    return sorted(found, key=lambda attempt: (len(attempt.name), attempt.name))


def disturbed_attempts(path: Path) -> int:
    """How many attempts at the trial there have ended, and were disturbed, so that one follows."""
    verdicts = map(read_verdict, [*attempts(path), path])
    return sum(verdict is not None and verdict.to_repeat for verdict in verdicts)


def read_verdict(path: Path) -> VerdictRecord | None:
    """How the trial there ended; None if it has not. Raises: RunFolderError."""
    file = path / VERDICT
    return read_record(file, VerdictRecord) if file.exists() else None


def read_rows(path: Path) -> list[dict]:
    """The lines of evals.jsonl; a torn last line is dropped only while there is no verdict."""
    ended = (path / VERDICT).exists()
    return list(read_lines(path / ROWS, torn_end=not ended))


def read_trial(path: Path, *, received: datetime | None = None) -> Trial:
    """Args: received: when its run was begun.

    Raises: RunFolderError naming the file and what is wrong with it.
    """
    header, verdict = read_record(path / HEADER, TrialHeader), read_verdict(path)
    rows = read_rows(path)
    try:
        return Trial(
            key=header.key,
            seed=header.seed,
            hyperparameters=header.hyperparameters or {},
            status=verdict.status if verdict else None,
            reason=verdict.reason if verdict else "no verdict yet",
            steps=np.array([row["step"] for row in rows], dtype=np.int64),
            **{name: np.array([row[name] for row in rows], dtype=np.float64) for name in CLOCKS},
            metrics=_columns(rows),
            logged=read_logged(path / LOG),
            joules=_joules(rows),
            charged_seconds=np.array(
                [row.get("charged_seconds", 0.0) for row in rows], dtype=np.float64
            ),
            model_sha256=tuple(str(row.get("model_sha256", "")) for row in rows),
            unofficial=verdict.unofficial if verdict and verdict.unofficial else header.unofficial,
            received=received,
            facts=header,
            verdict=verdict,
        )
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise RunFolderError(f"{path}: not a trial as mlgolf writes it: {error!r}") from None


def _joules(rows: list[dict]) -> FloatArray | None:
    if not any(JOULES in row for row in rows):
        return None
    return np.array([row.get(JOULES, np.nan) for row in rows], dtype=np.float64)


def _columns(rows: list[dict]) -> dict[str, FloatArray]:
    names = {name for row in rows for name in row["metrics"]}
    if len(rows) * len(names) > MOST_CELLS:
        raise ValueError(
            f"{len(names):,} metrics in {len(rows):,} evaluations, allowed are {MOST_CELLS:,} "
            "values in all"
        )
    return {
        name: np.array([row["metrics"].get(name, np.nan) for row in rows], dtype=np.float64)
        for name in sorted(names)
    }
