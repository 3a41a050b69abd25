"""What a process of a worker writes while it runs, told to the site from the first line on."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlgolf.core.text import printable
from mlgolf_site.jobs.calling import Caller, SiteGone
from mlgolf_site.processes import ends_with_its_parent
from mlgolf_site.protocol import LONGEST_LINE, MOST_EVENTS, MOST_EVENTS_AT_ONCE

BEAT_SECONDS = 0.4  # between heartbeats while something is told
LONGEST_SILENCE = 10 * BEAT_SECONDS  # without one while nothing is
AGAIN_SECONDS = 1.0  # before the next heartbeat while the site cannot be reached
MOST_LINES = MOST_EVENTS // 2  # of logs that are told: a program may print without end


def started(arguments: Sequence[str], place: Path, said: Path, out: Path) -> subprocess.Popen:
    """mlgolf in a process of its own, which knows no secret of the site or the worker.

    Args: said: takes what it says to a person; out: what it puts out.
    """
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "MLGOLF_DATA_DIR", "MLGOLF_LOCK_DIR")
    with open(said, "ab") as errors, open(out, "ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "mlgolf_site.jobs.command", *arguments], cwd=place,
            stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True,
            env={name: os.environ[name] for name in kept if name in os.environ},
            preexec_fn=ends_with_its_parent(signal.SIGKILL),
        )


def followed(
    job: dict[str, Any], process: subprocess.Popen, told: "Told | Silent", *, call: Caller,
    is_stopping: Callable[[], bool], tell: Callable[[str], None],
) -> int | None:
    """Tell what happens until it ends. Returns: the exit code; None if it was to stop.

    Raises: Lost, and the process is ended.
    """
    try:
        return _followed(job, process, told, call, is_stopping, tell)
    except BaseException:
        end(process)
        raise


def _followed(
    job: dict[str, Any], process: subprocess.Popen, told: "Told | Silent", call: Caller,
    is_stopping: Callable[[], bool], tell: Callable[[str], None],
) -> int | None:
    beaten = 0.0
    while True:
        code = process.poll()
        events = told.new()
        try:
            if events or code is not None or time.monotonic() - beaten > LONGEST_SILENCE:
                for start in range(0, max(len(events), 1), MOST_EVENTS_AT_ONCE):
                    stop = call(
                        "POST", f"jobs/{job['job']}/heartbeat",
                        json={"events": events[start:start + MOST_EVENTS_AT_ONCE]},
                    ).json()["stop"]
                beaten = time.monotonic()
                told.taken(events)
                if stop or is_stopping():
                    end(process)
                    return None
        except SiteGone as error:
            tell(f"{error}; {job['run']} goes on")
            time.sleep(AGAIN_SECONDS)
        if code is not None:
            return code
        time.sleep(BEAT_SECONDS)


def end(process: subprocess.Popen) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def last_said(said: Path) -> str:
    """What mlgolf said last, without folders of this machine."""
    text = said.read_text(errors="replace").strip()
    message = (text.rpartition("mlgolf: ")[2] or text).replace(f"{said.parent}/", "")
    return printable(message)[:1000]


class Silent:
    """Nothing is told but that it still runs."""

    def new(self) -> list[dict[str, Any]]:
        return []

    def taken(self, events: list[dict[str, Any]]) -> None:
        pass


@dataclass
class Told:
    """What is written into a run's folder, as events, each once."""

    run: Path
    said: Path
    kept: Path  # how much was told, for who continues the run
    _read: dict[str, int] = field(default_factory=dict)  # bytes of each file that were told
    _number: int = 0
    _lines_told: int = 0
    _waiting: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        try:
            self._read = json.loads(self.kept.read_text())
        except (OSError, ValueError):
            self._read = {}

    def new(self) -> list[dict[str, Any]]:
        """All that the site has not taken in yet."""
        for kind, trial, line in self._lines():
            data: dict[str, Any] = {"trial": trial}
            if kind == "evaluation":
                data |= _told_of(line)
            else:
                self._lines_told += 1
                if self._lines_told > MOST_LINES:
                    continue
                last = self._lines_told == MOST_LINES
                said = "… what is printed from here on is in the bundle's log alone"
                data["line"] = said if last else printable(line)[:LONGEST_LINE]
            if self._number < MOST_EVENTS:
                self._number += 1
                self._waiting.append({"number": self._number, "kind": kind, "data": data})
        return list(self._waiting)

    def taken(self, events: list[dict[str, Any]]) -> None:
        self._waiting = self._waiting[len(events):]
        if events and not self._waiting:
            self.kept.write_text(json.dumps(self._read))

    def _lines(self) -> Iterator[tuple[str, str, str]]:
        for line in self._new_of(self.said):
            yield "log", "", line
        for folder in sorted(self.run.glob("*/study_*/*/trial_*")):
            trial = str(folder.relative_to(self.run))
            for line in self._new_of(folder / "log.txt"):
                yield "log", trial, line
            for line in self._new_of(folder / "evals.jsonl"):
                yield "evaluation", trial, line

    def _new_of(self, path: Path) -> list[str]:
        """Whole lines that were added since."""
        try:
            with open(path, "rb") as file:
                file.seek(self._read.get(str(path), 0))
                content = file.read(1_000_000)
        except OSError:
            return []
        whole, end, _ = content.rpartition(b"\n")
        self._read[str(path)] = self._read.get(str(path), 0) + len(whole) + len(end)
        return whole.decode(errors="replace").splitlines() if end else []


def _told_of(line: str) -> dict[str, Any]:
    """Of a row of evaluations: nothing of data that is held out, which is told when it ends."""
    row = json.loads(line)
    metrics = {
        name: value if math.isfinite(value) else None  # JSON has no other numbers
        for name, value in row.get("metrics", {}).items()
        if name.startswith(("train/", "model/")) and isinstance(value, float | int)
    }
    return {"step": row.get("step"), "seconds": row.get("seconds"), "metrics": metrics}
