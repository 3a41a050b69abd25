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
from mlgolf.diagnosis.out_of_memory import says_out_of_memory

SECONDS = 8.0  # for the search
START_SECONDS = 240.0  # for imports and the first step besides
MOST_DOUBLINGS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """What is known of a job and memory."""

    largest: int  # batch that was seen to fit; 0 if none did
    is_limit: bool  # whether a larger one was seen not to
    # Bytes, at the batch that was asked for or the largest below; on a CPU, those beyond what the
    # framework takes: parameters, gradients and the optimizer's state are among them.
    peak: float
    limit: float  # bytes, of the same kind
    smallest: int = 1  # that was tried
    said: str = ""  # of the process, at its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A process that tried batches: the rows that it told, and how it ended."""

    told: list[dict]
    said: str  # on stderr
    code: int
    is_slow: bool = False  # it had not ended in time, so we ended it

    @property
    def last_line(self) -> str:
        lines = self.said.strip().splitlines()
        return printable(lines[-1]) if lines else ""

    @property
    def ran_out(self) -> bool:
        """Of memory, if by no word then by a signal: the kernel's, or that of a failed `new`."""
        return not self.is_slow and (self.code < 0 or says_out_of_memory(self.said))

    @property
    def begun(self) -> int | None:
        """The batch that it was at."""
        last = self.told[-1] if self.told else {}
        return last["batch"] if "batch" in last and "fits" not in last else None

    @property
    def tried(self) -> list[dict]:
        rows = [row for row in self.told if "fits" in row]
        if self.begun is not None and self.ran_out:
            rows.append({"batch": self.begun, "fits": False})
        return rows

    def why(self, workload: str) -> str:
        """Why nothing is known of memory."""
        at = "its first step" if self.begun is None else f"a step of {self.begun:,} examples"
        if self.is_slow:
            return (
                f"{workload}: {at} had not ended after {START_SECONDS:.0f} s, which is too slow to "
                "be diagnosed. Take a smaller batch (--batch-size) or a smaller size."
            )
        when = "before" if self.begun is None else "in"
        return (
            f"{workload}: the process that tries batches ended with code {self.code} {when} {at}: "
            f"{self.last_line or 'it said nothing'}"
        )


def largest_that_fits(plan: JobPlan, asked: int, limit: float | None = None) -> Fits:
    """Doubles the batch from the one asked for, or from a quarter until one fits; bounded in time.

    Raises: DiagnosisError if none was seen to fit and the process ended otherwise than by running
      out of memory, or was too slow. Where one fits, such an end only means that no more is known.
    """
    order = {
        "plan": plan.as_record(), "limit": limit, "doublings": MOST_DOUBLINGS, "seconds": SECONDS,
    }
    tried: list[dict] = []
    first, too_large, allowed = asked, None, limit or float("nan")
    while True:
        ended = _try(order | {"first": first, "too_large": too_large}, plan.threads)
        allowed = next((row["limit"] for row in ended.told if "limit" in row), allowed)
        if not ended.tried:
            raise DiagnosisError(ended.why(plan.workload))
        tried += ended.tried
        if any(row["fits"] for row in tried) or first == 1:
            break
        too_large = first
        first = max(1, first // 4)
    fitting = {row["batch"]: row["peak"] for row in tried if row["fits"]}
    below = [batch for batch in fitting if batch <= asked]
    largest = max(fitting, default=0)
    return Fits(
        largest=largest, is_limit=any(not row["fits"] and row["batch"] > largest for row in tried),
        peak=fitting[max(below)] if below else float("nan"), limit=allowed,
        smallest=min(row["batch"] for row in tried), said=ended.last_line,
    )


def _try(order: dict, threads: int, timeout: float = START_SECONDS) -> Ended:
    words = [sys.executable, "-m", "mlgolf.diagnosis.memory_child"]
    # An allocator that keeps memory in reserve would run out of it before it is needed.
    environment = {
        name: value for name, value in trial_environment(threads).items()
        if not name.startswith("MALLOC_")
    }  # fmt: skip
    is_slow = False
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment,
    ) as child:
        try:
            out, err = child.communicate(json.dumps(order), timeout=timeout)
        except subprocess.TimeoutExpired:
            is_slow = True
            child.kill()
            out, err = child.communicate()
    begins = ('{"batch', '{"limit')
    told = [json.loads(line) for line in out.splitlines() if line.startswith(begins)]
    return Ended(told=told, said=err, code=child.returncode, is_slow=is_slow)
