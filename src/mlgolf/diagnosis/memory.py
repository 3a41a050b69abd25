"""Which batch fits into memory. Tried in a process of its own, so that running out is survived.

The process tells of each size that fitted; whatever ends it, the last one told is what is known.
"""

import json
import subprocess
import sys
from dataclasses import dataclass

from mlgolf.core.errors import DiagnosisError
from mlgolf.core.text import printable
from mlgolf.diagnosis.environment import trial_environment
from mlgolf.diagnosis.job import JobPlan

SECONDS = 8.0  # for the search
START_SECONDS = 240.0  # for imports and the first step besides
MOST_DOUBLINGS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """What is known of a job and memory."""

    largest: int  # batch that was seen to fit; 0 if none did
    is_limit: bool  # whether a larger one was seen not to
    # Bytes, at the batch that was asked for or the largest below; on a CPU, those beyond what the
    # process had after a step on one example.
    peak: float
    limit: float  # bytes, of the same kind
    smallest: int = 1  # that was tried
    said: str = ""  # of the process, at its end


def largest_that_fits(plan: JobPlan, asked: int, limit: float | None = None) -> Fits:
    """Doubles the batch from the one asked for, or halves it until one fits; bounded in time.

    Raises: DiagnosisError if the process ended otherwise than by running out of memory.
    """
    order = {
        "plan": plan.as_record(), "asked": asked, "limit": limit, "doublings": MOST_DOUBLINGS,
        "seconds": SECONDS,
    }
    tried: list[dict] = []
    first, allowed = asked, limit or float("nan")
    while True:
        told, said, code = _try(order | {"first": first}, plan.threads)
        rows = _last_of_each_batch(told)
        allowed = next((row["limit"] for row in told if "limit" in row), allowed)
        tried += rows
        # A process that the kernel ended tells nothing more: go on below in another one.
        if any(row["fits"] for row in tried) or first == 1 or not rows:
            break
        first = max(1, min(row["batch"] for row in rows) // 4)
    if not tried:
        raise DiagnosisError(
            f"{plan.workload}: the process that tries batches ended with code {code} before its "
            f"first step: {printable(said) or 'it said nothing'}"
        )
    fitting = {row["batch"]: row["peak"] for row in tried if row["fits"]}
    below = [batch for batch in fitting if batch <= asked]
    largest = max(fitting, default=0)
    return Fits(
        largest=largest, is_limit=any(not row["fits"] and row["batch"] > largest for row in tried),
        peak=fitting[max(below)] if below else float("nan"), limit=allowed,
        smallest=min(row["batch"] for row in tried), said=printable(said),
    )


def _try(order: dict, threads: int) -> tuple[list[dict], str, int]:
    """(what it told, the last line of what it said, its exit code)."""
    words = [sys.executable, "-m", "mlgolf.diagnosis.memory_child"]
    # An allocator that keeps memory in reserve would run out of it before it is needed.
    environment = {
        name: value for name, value in trial_environment(threads).items()
        if not name.startswith("MALLOC_")
    }  # fmt: skip
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment,
    ) as child:
        try:
            out, err = child.communicate(json.dumps(order), timeout=START_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
    lines = err.strip().splitlines()
    begins = ('{"batch', '{"limit')
    told = [json.loads(line) for line in out.splitlines() if line.startswith(begins)]
    return told, lines[-1] if lines else "", child.returncode


def _last_of_each_batch(told: list[dict]) -> list[dict]:
    """One that was begun, and no more was told of it, does not fit: the process ended."""
    last = {row["batch"]: {"fits": False, **row} for row in told if "batch" in row}
    return [*last.values()]
