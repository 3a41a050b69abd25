"""Code is looked at before it is queued. Much of it is read by a process of its own, within limits.

Python parses at a tenth of a megabyte a second, where it is dense, and lets nobody else work
meanwhile: a page would wait for whoever sends most.
"""

import multiprocessing
import resource
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from mlgolf.api.checking import CheckedCode, check_code
from mlgolf.core.competition import Competition
from mlgolf.core.errors import SubmissionError
from mlgolf.core.text import bytes_in_words

READ_HERE = 50_000  # bytes of Python; more of it takes a process
MOST_READ = 1_000_000  # bytes of Python in all
READ_SECONDS, READ_BYTES = 20, 2_000_000_000  # CPU time and memory of that process
_TWO_AT_A_TIME = threading.Semaphore(2)  # in each process of the web


def read_code(folder: Path, competition: Competition, framework: str) -> CheckedCode:
    """As `check_code` says. Raises: SubmissionError, RulesError."""
    size = sum(file.stat().st_size for file in folder.rglob("*.py"))
    if size > MOST_READ:
        raise SubmissionError(
            f"it has {bytes_in_words(size)} of Python; at most {bytes_in_words(MOST_READ)} are "
            "read. Keep tables and weights in files of data"
        )
    if size <= READ_HERE:
        return check_code(folder, competition, framework)
    with _TWO_AT_A_TIME, ProcessPoolExecutor(
        1, multiprocessing.get_context("spawn"), initializer=_limit
    ) as process:
        try:
            return process.submit(check_code, folder, competition, framework).result()
        except BrokenProcessPool:
            raise SubmissionError(
                f"reading its {bytes_in_words(size)} of Python took more than {READ_SECONDS} s. "
                "Keep tables and weights in files of data"
            ) from None


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (READ_SECONDS, READ_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (READ_BYTES, READ_BYTES))
