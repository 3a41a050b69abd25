"""How a player ended, by its last message or by how its process disappeared: status and reason."""

import signal

from mlgolf.core.errors import ModelError, SubmissionError
from mlgolf.core.hardware import HardwareClass
from mlgolf.core.messages import Failed
from mlgolf.core.plan import TrialPlan
from mlgolf.core.status import Status, Verdict
from mlgolf.referee.folders import without_folders

_OWN_FAULTS = frozenset(
    {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSYS,
     signal.SIGTRAP, signal.SIGXFSZ}
)
# What is at fault there is what was handed over, not the run of the program.
_CONTRACT_ERRORS = (SubmissionError.__name__, ModelError.__name__)
_ALLOCATION_FAILURES = ("can't allocate memory", "RESOURCE_EXHAUSTED", "out of memory")


class Ended(Exception):
    """Leaves the referee's loop, however deep in it something ended the trial."""

    def __init__(self, status: Status, reason: str, *, broke_contract: bool = False) -> None:
        super().__init__(reason)
        self.verdict = Verdict(status=status, reason=reason, broke_contract=broke_contract)


def broke_protocol(why: object) -> Ended:
    return Ended(Status.DISQUALIFIED, f"the player broke the protocol: {why}")


def failure(failed: Failed, plan: TrialPlan, hardware: HardwareClass) -> Ended:
    """Of a player that raised an exception and said so."""
    message = without_folders(failed.message, plan)
    reason = f"{failed.kind} at step {failed.step}"
    reason += f": {message}" if message else ""
    lacks_memory = failed.kind in ("MemoryError", "OutOfMemoryError") or any(
        sign in failed.message for sign in _ALLOCATION_FAILURES
    )
    if lacks_memory:
        return Ended(Status.OUT_OF_MEMORY, f"{reason}; {_memory(failed.peak_bytes, hardware)}")
    if failed.kind in _CONTRACT_ERRORS:
        return Ended(Status.CRASHED, message, broke_contract=True)
    return Ended(Status.CRASHED, f"{reason.removesuffix('.')}. The traceback is in log.txt.")


def _memory(peak_bytes: int, hardware: HardwareClass) -> str:
    used = f", of which {peak_bytes / 1e9:.1f} GB were in use" if peak_bytes else ""
    return f"{hardware.name} allows {hardware.memory_bytes / 1e9:.1f} GB of address space{used}"


def disappearance(code: int | None, step: int, out_of_memory: str | None) -> Ended:
    """Of a player whose process ended without a word.

    Args:
      code: its exit code, minus a signal's number; None where it only closed its connection.
      step: the last that it had done.
      out_of_memory: evidence that the kernel ended it for memory, if there is any.
    """
    if out_of_memory:
        return Ended(Status.OUT_OF_MEMORY, f"{out_of_memory}, after step {step}")
    if code is not None and -code in _OWN_FAULTS:
        name = signal.Signals(-code).name
        return Ended(Status.CRASHED, f"ended by its own {name} after step {step}")
    if code is not None and code < 0:
        return Ended(Status.KILLED, f"ended by signal {-code} after step {step}")
    if code is None:
        return Ended(Status.CRASHED, f"closed its connection to the referee after step {step}")
    return Ended(Status.CRASHED, f"the player exited with code {code} after step {step}")
