"""Looking a submission over before its first trial: does it import, and what does it offer?"""

import os
import select
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from mlgolf.core.errors import SandboxError, SubmissionError
from mlgolf.core.hardware import HardwareClass
from mlgolf.referee.nursery import nursery_for
from mlgolf.referee.sandbox import HeldProcess

PATIENCE_SECONDS = 120.0
_LONGEST_ANSWER = 1 << 20


class Description(BaseModel):
    """What the described process wrote: untrusted, so checked."""

    model_config = ConfigDict(extra="forbid", strict=True)

    search_space: Any = None
    error: str = ""
    at: str = ""
    kind: str = ""


class Inspection:
    """Starts at once, in a sandbox of its own, so that several can be under way."""

    def __init__(
        self, file: Path, framework: str, hardware: HardwareClass, hide: Sequence[Path] = ()
    ) -> None:
        """`hide`: folders that it must not see. Raises: SandboxError."""
        self._file = file
        self._answer, theirs = os.pipe2(os.O_CLOEXEC)
        try:
            self._held = HeldProcess(
                ["describe", str(file)],
                launch=nursery_for(framework, hardware).launch,
                inherit=[theirs],
                hide=[*map(str, hide), "/sys/fs/cgroup"],
                protect=[file.parent],
                memory_bytes=hardware.memory_bytes,
            )
        except OSError as error:
            os.close(self._answer)
            raise SandboxError(f"the submission cannot be looked over: {error}") from error
        finally:
            os.close(theirs)
        self._held.start()

    def search_space(self) -> Any:
        """What the submission says its search space is; None if it has none of its own.

        Raises: SubmissionError saying why it cannot be played.
        """
        try:
            text = self._read()
        finally:
            self._held.stop()
            os.close(self._answer)
        if not text:
            raise SubmissionError(
                f"{self._file}: importing it ended its process, or took over "
                f"{PATIENCE_SECONDS:.0f} s"
            )
        try:
            answer = Description.model_validate_json(text)
        except ValidationError:
            raise SubmissionError(
                f"{self._file.name}: while it was imported, something else was written where its "
                f"description belongs: {text[:60]!r}"
            ) from None
        if not answer.error:
            return answer.search_space
        if answer.kind == SubmissionError.__name__:
            raise SubmissionError(answer.error.partition(": ")[2])
        raise SubmissionError(f"{self._file.name} does not import: {answer.error} ({answer.at})")

    def _read(self) -> bytes:
        deadline, text = time.monotonic() + PATIENCE_SECONDS, b""
        while len(text) < _LONGEST_ANSWER:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._answer], [], [], left)[0]:
                return b""
            data = os.read(self._answer, 1 << 16)
            text += data
            if not data or text.endswith(b"\n"):  # what it started may hold the pipe open
                return text
        return b""
