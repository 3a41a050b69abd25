"""Looking a submission over before its first trial: does it import, and what does it offer?"""

import json
import os
import select
import time
from pathlib import Path
from typing import Any

from mlgolf.core.errors import SubmissionError
from mlgolf.core.hardware import HardwareClass
from mlgolf.referee.nursery import nursery_for
from mlgolf.referee.sandbox import HeldProcess

PATIENCE_SECONDS = 120.0
_LONGEST_ANSWER = 1 << 20


class Inspection:
    """Starts at once, in a sandbox of its own, so that several can be under way."""

    def __init__(self, file: Path, framework: str, hardware: HardwareClass) -> None:
        self._file = file
        self._answer, theirs = os.pipe2(os.O_CLOEXEC)
        try:
            self._held = HeldProcess(
                ["describe", str(file)],
                launch=nursery_for(framework, hardware).launch,
                inherit=[theirs],
                memory_bytes=hardware.memory_bytes,
            )
        except BaseException:
            os.close(self._answer)
            raise
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
        answer = json.loads(text)
        if "error" not in answer:
            return answer["search_space"]
        if answer["kind"] == SubmissionError.__name__:
            raise SubmissionError(answer["error"].partition(": ")[2])
        raise SubmissionError(
            f"{self._file.name} does not import: {answer['error']} ({answer['at']})"
        )

    def _read(self) -> bytes:
        deadline, text = time.monotonic() + PATIENCE_SECONDS, b""
        while len(text) < _LONGEST_ANSWER:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._answer], [], [], left)[0]:
                return b""
            data = os.read(self._answer, 1 << 16)
            if not data:
                return text
            text += data
        return b""
