"""One trial on disk: trial.json, evals.jsonl, log.txt, verdict.json.

    trial.json     before it starts: who, what, hashes, seed, hyperparameters, class, machine
    evals.jsonl    one line per evaluation, appended and synced as it happens
    log.txt        what the contestant logged and printed
    verdict.json   after it ended: status, reason, how the player was held. Its presence is the end
    attempt_N/     rows of earlier attempts that were cut short, kept and never scored
"""

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import RunFolderError
from mlgolf.core.protocols import Row
from mlgolf.core.status import Status, Verdict
from mlgolf.core.trial import Trial, TrialKey
from mlgolf.results.files import append_line, append_text, read_json, read_lines, write_json

SCHEMA_VERSION = 2
_CLOCKS = ("seconds", "cpu_seconds", "wall_seconds")


class TrialFolder:
    """The Store of one trial. A second `begin` puts what an earlier attempt left aside."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def log_path(self) -> Path:
        return self.path / "log.txt"

    def begin(self, header: Mapping[str, Any]) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        self._set_aside()
        write_json(self.path / "trial.json", {"schema_version": SCHEMA_VERSION, **header})

    def _set_aside(self) -> None:
        found = [entry for entry in self.path.iterdir() if not entry.name.startswith("attempt_")]
        if not found:
            return
        earlier = sum(1 for _ in self.path.glob("attempt_*"))
        attempt = self.path / f"attempt_{earlier + 1}"
        attempt.mkdir()
        for entry in found:
            os.replace(entry, attempt / entry.name)

    def append(self, row: Row) -> None:
        line = {
            "step": row.step,
            "seconds": row.reading.seconds,
            "cpu_seconds": row.reading.cpu,
            "wall_seconds": row.reading.wall,
            "metrics": dict(row.metrics),
            "model_sha256": row.model_sha256,
            **({"charged_seconds": row.charged} if row.charged else {}),
        }
        append_line(self.path / "evals.jsonl", line)

    def log(self, text: str) -> None:
        append_text(self.log_path, text.rstrip("\n") + "\n")

    def finish(self, verdict: Verdict, record: Mapping[str, Any]) -> None:
        # A reason may quote what a contestant raised: bytes that are no text become \udc80.
        reason = verdict.reason.encode("utf-8", "backslashreplace").decode()
        told = {**asdict(verdict), "status": verdict.status.value, "reason": reason}
        write_json(self.path / "verdict.json", {**told, **record})


def is_finished(path: Path) -> bool:
    """Whether the trial there needs no repeat."""
    verdict = path / "verdict.json"
    if not verdict.exists():
        return False
    try:
        return Status(read_json(verdict)["status"]).is_final
    except (KeyError, TypeError, ValueError) as error:
        raise RunFolderError(f"{verdict}: not a verdict as mlgolf writes it: {error!r}") from None


def read_rows(path: Path) -> list[dict]:
    """The lines of evals.jsonl; a torn last line is dropped only while there is no verdict."""
    ended = (path / "verdict.json").exists()
    return list(read_lines(path / "evals.jsonl", torn_end=not ended))


def read_trial(path: Path) -> Trial:
    """Raises: RunFolderError naming the file and what is wrong with it."""
    header = read_json(path / "trial.json")
    verdict = read_json(path / "verdict.json") if (path / "verdict.json").exists() else {}
    rows = read_rows(path)
    try:
        if header["schema_version"] != SCHEMA_VERSION:
            raise RunFolderError(
                f"{path / 'trial.json'}: schema_version is {header['schema_version']}, this mlgolf "
                f"reads {SCHEMA_VERSION}"
            )
        return Trial(
            key=TrialKey(**header["key"]),
            seed=header["seed"],
            hyperparameters=header["hyperparameters"] or {},
            status=Status(verdict["status"]) if verdict else None,
            reason=verdict.get("reason", "no verdict yet"),
            steps=np.array([row["step"] for row in rows], dtype=np.int64),
            **{name: np.array([row[name] for row in rows], dtype=np.float64) for name in _CLOCKS},
            metrics=_columns(rows),
            charged_seconds=np.array(
                [row.get("charged_seconds", 0.0) for row in rows], dtype=np.float64
            ),
            unofficial=verdict.get("unofficial") or header["unofficial"],
            header=header | verdict,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunFolderError(f"{path}: not a trial as mlgolf writes it: {error!r}") from None


def _columns(rows: list[dict]) -> dict[str, FloatArray]:
    names = {name for row in rows for name in row["metrics"]}
    return {
        name: np.array([row["metrics"].get(name, np.nan) for row in rows], dtype=np.float64)
        for name in sorted(names)
    }
