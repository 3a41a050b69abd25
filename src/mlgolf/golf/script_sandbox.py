"""A host's script is run in a sandbox, and what it answers is heard: bounded in time and size.

A fresh Python without network, which reads this Python's packages and one folder, writes into a
scratch that is gone with it, and has its memory limited.
"""

import json
import os
import select
import site
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgolf.core.errors import SandboxError
from mlgolf.core.records import SandboxLevel
from mlgolf.core.text import bytes_in_words
from mlgolf.golf import evaluation_child
from mlgolf.referee.orders import Order
from mlgolf.referee.sandbox import HeldProcess

SECONDS = 30.0  # of wall time, with the start of Python
MEMORY_BYTES = 4 << 30
LONGEST_ANSWER = 1 << 16  # bytes
PATIENCE_SECONDS = 10.0  # for the last words of what was ended
MOST_PRINTED = 10_000  # bytes that are kept of what it prints
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0",
    # A pool of threads in each library would take address space for nothing.
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
}  # fmt: skip
_CHILD = Path(evaluation_child.__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What it said. Nobody has looked at it yet."""

    answer: dict[str, Any] | None
    problem: str  # why there is no answer; empty if there is
    printed: str


def run_script(
    folder: Path, *, level: SandboxLevel, seconds: float = SECONDS,
    memory_bytes: int = MEMORY_BYTES,
) -> Heard:
    """Ask the script of a folder that was laid out for `evaluation_child.py`.

    Raises: SandboxError where the sandbox cannot be made.
    """
    source, theirs = os.pipe2(os.O_CLOEXEC)
    words = _Words()
    packages = [sys.prefix, sys.base_prefix, *site.getsitepackages()]
    order = Order(
        argv=[sys.executable, "-I", "-B", str(_CHILD), str(theirs), str(folder)],
        environment=ENVIRONMENT, inherit=[theirs], memory_bytes=memory_bytes,
        see=[folder, _CHILD.parent, *map(Path, packages)], walls=level == "bubblewrap",
    )
    try:
        held = HeldProcess(order, output=words.theirs)
    except OSError as error:
        os.close(source)
        raise SandboxError(f"the sandbox of {evaluation_child.FILE} cannot be made: {error}") \
            from error
    finally:
        os.close(theirs)
        words.begin()
    try:
        held.start()
        text, problem = _heard(held, source, time.monotonic() + seconds, seconds, memory_bytes)
    finally:
        held.stop()
        os.close(source)
    return _read(text, problem, words.text())


def _heard(
    held: HeldProcess, source: int, deadline: float, seconds: float, memory_bytes: int
) -> tuple[bytes, str]:
    """Its line, or why there is none."""
    text, sources = b"", [source]
    while b"\n" not in text:
        if len(text) > LONGEST_ANSWER:
            return b"", f"it answered with more than {bytes_in_words(LONGEST_ANSWER)}"
        left = deadline - time.monotonic()
        if left <= 0:
            return b"", f"it took more than {seconds:g} s"
        has_ended = held.poll() is not None
        ready = select.select([*sources, held], [], [], 0 if has_ended else left)[0]
        if source in ready:
            data = os.read(source, 1 << 16)
            text += data
            sources = sources if data else []
        elif has_ended:
            return b"", _ended(held, memory_bytes)
    return text.partition(b"\n")[0], ""


def _ended(held: HeldProcess, memory_bytes: int) -> str:
    if held.out_of_memory_kills():
        return f"it took more memory than {bytes_in_words(memory_bytes)}"
    code = held.exit_code or 0
    by = f"by signal {-code}" if code < 0 else f"with exit code {code}"
    return f"its process ended {by} before it returned"


def _read(text: bytes, problem: str, printed: str) -> Heard:
    if problem:
        return Heard(answer=None, problem=problem, printed=printed)
    try:
        answer = json.loads(text[: LONGEST_ANSWER + 1])
    except (ValueError, RecursionError):
        answer = None
    if len(text) > LONGEST_ANSWER:
        problem = f"it answered with more than {bytes_in_words(LONGEST_ANSWER)}"
    elif not isinstance(answer, dict):
        problem = "it wrote something of its own where its answer belongs"
    return Heard(answer=None if problem else answer, problem=problem, printed=printed)


class _Words:
    """Takes what is printed, however much, and keeps its beginning."""

    def __init__(self) -> None:
        self._source, self.theirs = os.pipe2(os.O_CLOEXEC)
        self._kept = b""
        self._thread = threading.Thread(target=self._take, daemon=True)

    def begin(self) -> None:
        """Once whoever prints has the other end."""
        os.close(self.theirs)
        self._thread.start()

    def _take(self) -> None:
        while data := os.read(self._source, 1 << 16):
            self._kept += data[: MOST_PRINTED - len(self._kept)]
        os.close(self._source)

    def text(self) -> str:
        """Once everybody who printed has ended."""
        self._thread.join(PATIENCE_SECONDS)
        return self._kept.decode(errors="replace")
