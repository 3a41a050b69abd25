"""What referee and player say to each other: a handful of inert records, one JSON line each.

The referee knows these and nothing of loops: a player may be our harness, a program that drives its
own training and submits models when it likes, or several ranks. Models do not travel here but in
the shared mapping (player/handover.py).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

STRICT = ConfigDict(strict=True, extra="forbid")  # who writes them is not believed
Step = Annotated[int, Field(ge=0, lt=2**53)]
# Members of what the contestant was handed, "loss_fn" or "set loss_fn" -> how often it looked them
# up. Told by its own process, so it is shown and nothing rests on it.
Touched = Annotated[
    dict[
        Annotated[str, Field(max_length=80, pattern="^(set )?[A-Za-z_][A-Za-z0-9_]*$")],
        Annotated[int, Field(ge=0, lt=2**53)],
    ],
    Field(max_length=100),
]

# Kept with the verdict and shown beside it: a library's name, and what it calls its version.
_Word = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Versions = Annotated[dict[_Word, _Word], Field(max_length=100)]

# --- player to referee ---


@dataclass(frozen=True, slots=True, config=STRICT)
class Ready:
    """All that is off the clock is done (imports, data opened, model built). Waits for Begin."""

    versions: Versions = field(default_factory=dict)


@dataclass(frozen=True, slots=True, config=STRICT)
class Submitted:
    """A model lies in the shared mapping; the player waits for Evaluated.

    A query is an evaluation that the contestant asked for: told to it and never scored.
    """

    step: Step
    length: int  # bytes used of the mapping
    is_query: bool = False
    touched: Touched = field(default_factory=dict)


@dataclass(frozen=True, slots=True, config=STRICT)
class Logged:
    """Numbers the contestant wants in the log; the referee does not interpret them."""

    step: Step
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True, config=STRICT)
class Finished:
    """The contestant says it is done. Its last model was submitted before."""

    step: Step
    reason: str
    touched: Touched = field(default_factory=dict)


@dataclass(frozen=True, slots=True, config=STRICT)
class Failed:
    """The player stopped by an exception."""

    step: Step
    kind: str  # the exception's class; SubmissionError or ModelError where the contract was broken
    message: str
    traceback: str
    peak_bytes: Annotated[int, Field(ge=0, lt=2**63)] = 0  # of address space; 0 if not known


@dataclass(frozen=True, slots=True, config=STRICT)
class Exited:
    """Made by the referee's side of the channel when the player's first process is gone."""

    code: int | None  # exit code, or minus the signal; None if it cannot be known


# --- referee to player ---


@dataclass(frozen=True, slots=True, config=STRICT)
class Assignment:
    """What to train. All that the player learns of the plan: the training split, no other."""

    submission_file: str
    framework: str
    workload: str
    size: str
    objective: str  # the quantity that the rules minimise
    asked: Mapping[str, Mapping[str, Any]]  # quantity -> Target, where something is asked of it
    workload_rules: Mapping[str, Any]  # WorkloadRules
    hyperparameters: Mapping[str, Any] | None  # None in self-tuning
    seed: int
    train_folder: str
    threads: int
    contract: str = "submission"  # what it is held to; player/play.py has them all


@dataclass(frozen=True, slots=True, config=STRICT)
class Begin:
    """The clock runs from here."""


@dataclass(frozen=True, slots=True, config=STRICT)
class Evaluated:
    """What the rules let the contestant know: metrics by name, the clock, and the goals reached."""

    step: Step
    metrics: Mapping[str, float]
    train_state: Mapping[str, Any]


@dataclass(frozen=True, slots=True, config=STRICT)
class Stop:
    """The trial is over. A sandboxed player is killed instead; only an in-process one is told."""


Message = (
    Ready | Submitted | Logged | Finished | Failed | Exited | Assignment | Begin | Evaluated | Stop
)
_KINDS = {kind.__name__: kind for kind in Message.__args__ if kind is not Exited}


def encode(message: Message) -> bytes:
    """One line. NaN and infinities travel as Python's json writes them."""
    envelope = {"message": type(message).__name__, "fields": asdict(message)}
    return json.dumps(envelope).encode() + b"\n"


def decode(line: bytes) -> Message:
    """Raises: ValueError for anything but a well-formed message, whoever wrote it."""
    try:
        envelope = json.loads(line)
        if envelope.keys() != {"message", "fields"}:
            raise ValueError("other keys than message and fields")
        return _KINDS[envelope["message"]](**envelope["fields"])
    except (AttributeError, KeyError, TypeError, RecursionError, ValueError) as error:
        raise ValueError(f"not a message of the protocol: {line[:200]!r}") from error
