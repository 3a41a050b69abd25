"""How a trial ended, and what a cell of a score table says."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a trial ended. A NaN is no end: it just never meets a target."""

    TARGET_REACHED = "TARGET_REACHED"  # every constraint held and going on could not improve it
    FINISHED = "FINISHED"  # the submission said it was done, or its steps were used up
    OUT_OF_TIME = "OUT_OF_TIME"  # a bound on time, money or energy was passed
    CRASHED = "CRASHED"  # the player raised, or exited
    HUNG = "HUNG"  # no step for too long
    OUT_OF_MEMORY = "OUT_OF_MEMORY"  # only on evidence: the kernel's count, or an allocator's error
    KILLED = "KILLED"  # a signal that the referee did not send
    INTERRUPTED = "INTERRUPTED"  # a person stopped it
    DISQUALIFIED = "DISQUALIFIED"  # broke the referee's protocol: what it said cannot be believed

    @property
    def is_final(self) -> bool:
        """Whether `--resume` keeps the trial: all but those that something outside cut short."""
        return self not in (Status.INTERRUPTED, Status.KILLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a trial ended, and why, in words that a person can act on."""

    status: Status
    reason: str
    # The submission does not do what its contract asks for, so it would fail in every trial.
    broke_contract: bool = False


class RunVerdict(StrEnum):
    """What one trial came to under the bounds of its rules, where each is a result by itself."""

    QUALIFIED = "QUALIFIED"  # a model was judged that keeps all bounds, however the trial ended
    NOT_QUALIFIED = "NOT_QUALIFIED"  # it ended as it wanted, and no model keeps all of them
    OUT_OF_TIME = "OUT_OF_TIME"  # the clock ended it before a model did
    CRASHED = "CRASHED"  # it raised, hung or ran out of memory before a model did
    DISQUALIFIED = "DISQUALIFIED"  # what it said cannot be believed
    REFUSED = "REFUSED"  # its code, or what it handed over, is not what its contract asks for


class Outcome(StrEnum):
    """What a cell of a score table means. The words are those of the official AlgoPerf tables."""

    SCORED = "scored"
    TARGET_NOT_REACHED = "target_not_reached"
    NO_DATA = "no_data"
    SLOWER_THAN_4X_BEST = "slower_than_4x_best"
    HELD_OUT_NOT_REACHED = "held_out_not_reached"
    HELD_OUT_NO_DATA = "held_out_no_data"
    HELD_OUT_SLOWER_THAN_4X_BEST = "held_out_slower_than_4x_best"
