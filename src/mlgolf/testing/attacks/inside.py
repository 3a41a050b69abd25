"""What tricks share: how they say that they gained something, and ways to what is ours.

A trick that gets what it is after ends its trial by `gained`, and the suite reports it. One that
has tried all that it knows ends it by `in_vain`.
"""

import ctypes
import errno
import gc
import mmap
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from mlgolf.core.messages import Submitted, encode
from mlgolf.player.harness import Harness
from mlgolf.player.link import Link

GAINED = "this attack gained something"
libc = ctypes.CDLL(None, use_errno=True)


class Gained(Exception):
    """Ends a trial with what was gained."""


def gained(what: object) -> NoReturn:
    raise Gained(f"{GAINED}: {what}")


class InVain(Exception):
    """Ends a trial in which all was tried."""


def in_vain(what: str = "") -> NoReturn:
    raise InVain(f"tried in vain{f': {what}' if what else ''}")


def try_all(ways: dict[str, Callable[[], Any]]) -> NoReturn:
    """Try each way; the kernel must refuse all, by an OSError."""
    refused = []
    for name, way in ways.items():
        try:
            found = way()
        except OSError as error:
            refused.append(f"{name} ({errno.errorcode.get(error.errno or 0, error)})")
        else:
            gained(f"{name} gave {str(found)[:200]!r}")
    in_vain(", ".join(refused))


def call(name: str, *arguments: Any) -> int:
    """A function of the C library. Raises: OSError if it fails."""
    result = getattr(libc, name)(*arguments)
    if result == -1:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
    return result


def system_call(on_x86_64: int, on_aarch64: int, *arguments: Any) -> int:
    """A system call by its numbers. Raises: OSError if it fails."""
    number = {"x86_64": on_x86_64, "aarch64": on_aarch64}[os.uname().machine]
    return call("syscall", number, *arguments)


def local(name: str) -> Any:
    """A local variable of whoever called us, however far up."""
    frame = sys._getframe(1)
    while frame is not None:
        if name in frame.f_locals:
            return frame.f_locals[name]
        frame = frame.f_back
    raise LookupError(name)


def link() -> Link:
    """The player's end of what it says to the referee: by the frames that lead to us."""
    return local("link")


def say(line: bytes) -> None:
    """Write bytes to the referee, past everything that would make a message of them."""
    link()._channel._connection.sendall(line)


def data_folder() -> Path:
    """Where held-out data would lie: beside the training split."""
    return Path(local("assignment").train_folder).parent


def hand_over(raw: bytes, length: int | None = None) -> NoReturn:
    """Lay bytes where a model is handed over, say that there is one, and wait.

    Args: length: that it is said to have; None: its own.
    """
    link()._handover._buffer[: len(raw)] = np.frombuffer(raw, np.uint8)
    say(encode(Submitted(1, len(raw) if length is None else length)))
    while True:
        time.sleep(1)


def with_header(header: bytes, values: bytes = b"") -> bytes:
    """A model in the layout of safetensors."""
    return len(header).to_bytes(8, "little") + header + values


def burn(seconds: float) -> None:
    """Use so much CPU time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


class Worker:
    """Work that goes on beside us: CPU seconds, in memory that is shared with whoever does it."""

    def __init__(self) -> None:
        self._cell = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("d")

    def work(self) -> NoReturn:
        """What the worker does, for ever."""
        while True:
            self.note()

    def note(self) -> None:
        """Work for a moment, and add the CPU seconds that it took."""
        began = time.thread_time()
        sum(range(5000))
        self._cell[0] += time.thread_time() - began

    def must_be_on_the_clock(self, given: dict[str, Any]) -> NoReturn:
        """Have the referee evaluate again and again, until the worker has worked for a while."""
        deadline = time.monotonic() + 20.0
        while self._cell[0] < 0.4 and time.monotonic() < deadline:
            given["workload"].eval_model(
                1, given["current_param_container"], given["model_state"], given["rng"]
            )
        must_be_on_the_clock(self._cell[0])


def detach(work: Callable[[], Any]) -> None:
    """Do it in a grandchild of its own session, which nobody waits for."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            work()
        os._exit(0)
    os.wait()


def harness() -> Any:
    """The loop that calls a submission."""
    return next(found for found in gc.get_objects() if isinstance(found, Harness))


def must_be_on_the_clock(burned: float) -> NoReturn:
    """End the trial by what the clock says once so many seconds of CPU time were burned."""
    time.sleep(0.5)  # until the copy of the clock has been written
    counted = link().board.clock_seconds
    if counted < 0.8 * burned:
        gained(f"{burned:.2f} s of CPU time, of which the clock counted {counted:.2f} s")
    in_vain(f"{burned:.2f} s were burned, {counted:.2f} s are on the clock")
