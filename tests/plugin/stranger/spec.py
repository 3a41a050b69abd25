"""rare_events in numbers."""

from dataclasses import dataclass

from mlgolf.core.spec import LossType
from mlgolf.core.workload import Size, Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    channels: int = 8
    longest: int = 6  # readings of a recording; the shortest has one
    shift: float = 2.0  # what an event adds along a hidden direction; noise is 1
    frequency: float = 0.1
    folder: str = "mini"
    is_made: bool = True


MINI = Size(
    name="mini",
    examples={"train": 2048, "eval_train": 300, "validation": 300, "test": 300},
    batch_size=32,
    published_batch_size=32,
    eval_batch_size=128,  # does not divide 300: the last batch is padded
    model=Recordings(),
    data=Recordings(),
)

WORKLOAD = Workload(
    name="rare_events",
    dataset="recordings",
    loss_type=LossType.SIGMOID_CROSS_ENTROPY,
    package="stranger",
    sizes={"mini": MINI},
)
