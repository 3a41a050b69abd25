"""Looking a submission over before its first trial: does it import, and what does it offer?"""

import os
import select
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from mlgolf.core.errors import MethodError, SandboxError, SubmissionError
from mlgolf.core.hardware import HardwareClass
from mlgolf.core.messages import Assignment, encode
from mlgolf.core.records import SandboxLevel
from mlgolf.core.rules import Contract, Ruleset
from mlgolf.referee.fork_server import fork_server_for
from mlgolf.referee.levels import default_level
from mlgolf.referee.orders import Order
from mlgolf.referee.sandbox import HeldProcess

# Of the reference machine, to import a module and try its optimizer: optax.lbfgs takes 4 of them to
# compile. What else is computed in them is gone with the sandbox, but for the search space: values
# that are numbers or words, kept in the record for everybody to read.
CPU_SECONDS = 10.0
PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.1
_LONGEST_ANSWER = 1 << 16


class Description(BaseModel):
    """What the described process wrote: untrusted, so checked."""

    model_config = ConfigDict(extra="forbid", strict=True)

    search_space: Any = None
    error: str = ""
    at: str = ""
    kind: str = ""


class _Looking:
    """Starts at once, in a sandbox of its own, so that several can be under way."""

    def __init__(
        self, file: Path, framework: str, hardware: HardwareClass, argv: Sequence[str],
        hide: Sequence[Path], speed: float, level: SandboxLevel,
    ) -> None:
        """Raises: SandboxError."""
        self._file, self._allowed = file, CPU_SECONDS / speed
        self._answer, theirs = os.pipe2(os.O_CLOEXEC)
        order = Order(
            argv=argv, inherit=[theirs], see=[file.parent], hide=hide,
            memory_bytes=hardware.memory_bytes, walls=level == "bubblewrap",
        )
        try:
            server = fork_server_for(framework, hardware, level)
            self._held = HeldProcess(order, launch=server.launch)
        except OSError as error:
            os.close(self._answer)
            raise SandboxError(f"the submission cannot be looked over: {error}") from error
        finally:
            os.close(theirs)
        self._held.start()

    def _described(self) -> Description:
        """Raises: SubmissionError for one that ends without an answer, or takes too long."""
        try:
            text = self._read()
        finally:
            self._held.stop()
            os.close(self._answer)
        try:
            return Description.model_validate_json(text)
        except ValidationError:
            raise SubmissionError(
                f"{self._file.name}: while it was imported, something else was written where its "
                f"description belongs: {text[:60]!r}"
            ) from None

    def _read(self) -> bytes:
        """What it answered. Raises: SubmissionError if it ended without, or took too long."""
        deadline, text = time.monotonic() + PATIENCE_SECONDS, b""
        while len(text) < _LONGEST_ANSWER:
            if self._held.cpu_seconds() > self._allowed:
                raise self._complaint(f"takes over {self._allowed:.1f} s of CPU time")
            if time.monotonic() > deadline:
                raise self._complaint(f"takes over {PATIENCE_SECONDS:g} s")
            if select.select([self._answer], [], [], _POLL_SECONDS)[0]:
                data = os.read(self._answer, 1 << 16)
                text += data
                if not data and not text:
                    raise self._complaint("ended its process")
                if not data or text.endswith(b"\n"):  # what it started may hold the pipe open
                    return text
        raise self._complaint(f"answers with a search space of over {_LONGEST_ANSWER:,} bytes")

    def _complaint(self, what: str) -> SubmissionError:
        return SubmissionError(
            f"{self._file.name}: importing it, and trying its optimizer on a small model, {what}. "
            "A module that is imported defines functions; what it computes belongs into "
            "init_optimizer_state."
        )


class Inspection(_Looking):
    """Imports a submission, to see what it offers."""

    def __init__(
        self, file: Path, framework: str, ruleset: Ruleset, hardware: HardwareClass,
        hide: Sequence[Path] = (), speed: float = 1.0,
        contracts: Sequence[Contract] = ("submission",), level: SandboxLevel = "process",
    ) -> None:
        """`hide`: folders that it must not see. `speed`: of this machine, against the reference.

        `contracts`: what the competition takes, its first choice first. `level`: of its sandbox.

        Raises: SandboxError.
        """
        argv = ["describe", str(file), ruleset, *contracts]
        super().__init__(file, framework, hardware, argv, hide, speed, level)

    def search_space(self) -> Any:
        """What the submission says its search space is; None if it has none of its own.

        Raises: SubmissionError saying why it cannot be played.
        """
        answer = self._described()
        if not answer.error:
            return answer.search_space
        if answer.kind == SubmissionError.__name__:
            raise SubmissionError(answer.error.partition(": ")[2])
        raise SubmissionError(f"{self._file.name} does not import: {answer.error} ({answer.at})")


class Beginning(_Looking):
    """Takes a submission to where its training would begin."""

    def __init__(
        self, assignment: Assignment, hardware: HardwareClass, hide: Sequence[Path] = ()
    ) -> None:
        """Args: hide: folders that it must not see. Raises: SandboxError."""
        argv = ["begin", encode(assignment).decode()]
        file = Path(assignment.submission_file)
        super().__init__(file, assignment.framework, hardware, argv, hide, 1.0, default_level())

    def refused_methods(self) -> str:
        """What it says against the methods of its point; empty if nothing.

        Whatever else goes wrong here goes wrong in its trials, too, and is told there.
        """
        try:
            answer = self._described()
        except SubmissionError:  # it takes long to begin, which its trials may
            return ""
        is_meant = answer.kind == MethodError.__name__
        return answer.error.partition(": ")[2] if is_meant else ""
