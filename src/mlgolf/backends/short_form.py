"""What the short forms of a submission share; the faces are `mlgolf.torch` and `mlgolf.jax`.

A short form turns an optimizer, or a function that builds one, into a submission: an object with
AlgoPerf's five functions and a search space, whose keys are arguments of the optimizer.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from mlgolf.backends.optimizer_arguments import Arguments
from mlgolf.backends.training import chosen_point, data_selection
from mlgolf.core import spec
from mlgolf.core.errors import MLGolfError, UnknownName
from mlgolf.core.published import published_batch_size

Schedule = Callable[[Any], Any]  # share of the step hint that is done -> factor of the peak rate

AFTER_SCHEDULE = ("stop", "continue")
_LATER = (1.1, 1.5, 2.0, 3.0)  # shares of the step hint at which a restart would show


RATE_OF_ZERO = (
    'Some methods cannot start at a learning rate of 0, as "warmup_cosine" does: say '
    'schedule="constant", or give a function of the share done that starts above 0.'
)


class ScheduleEnded(spec.TrainingCompleteError):
    """The learning rate stays at 0 from here on. The step that raises it has not been done."""

    def __init__(self) -> None:
        super().__init__("the schedule ended at the step hint (learning rate 0)")


class ShortForm(ABC):
    """The part of a submission that no framework enters."""

    def __init__(
        self, arguments: Arguments, search_space: Any, schedule: Schedule, batch_size: int | None,
        after_schedule: str,
    ) -> None:
        """Raises: SearchSpaceError for a key that nothing takes; UnknownName."""
        if after_schedule not in AFTER_SCHEDULE:
            raise UnknownName("after_schedule", after_schedule, known=AFTER_SCHEDULE)
        self.arguments, self.schedule, self.batch_size = arguments, schedule, batch_size
        self.search_space = arguments.checked(search_space)
        self._stops = after_schedule == "stop"

    def get_batch_size(self, workload_name: str) -> int:
        if self.batch_size is None:
            return published_batch_size(workload_name)
        return self.batch_size

    data_selection = staticmethod(data_selection)

    @abstractmethod
    def rehearse(self, *, self_tuning: bool = False) -> None:
        """A few steps on a stand-in for a model, before any trial.

        Args: self_tuning: whether trials get no point of the search space.
        Raises: SubmissionError for an optimizer that the short form cannot serve.
        """

    def rehearsed_point(self, *, self_tuning: bool) -> dict[str, Any] | None:
        """Values by argument to rehearse with; None if they stand in a file beside the module."""
        point = self.arguments.set_by({} if self_tuning else sample_point(self.search_space))
        in_a_file = self.search_space is None and not self_tuning
        return None if in_a_file and self.arguments.missing(point) else point

    def optimizer_arguments(self, hyperparameters: spec.Hyperparameters) -> dict[str, Any]:
        """What the point sets; the optimizer's own defaults in self-tuning, where it is None.

        Raises: SearchSpaceError for a key that nothing takes: the space may stand in a file.
        """
        return self.arguments.set_by(chosen_point(hyperparameters, {}))

    def end_with_schedule(self, global_step: int, step_hint: int) -> None:
        """Raises: ScheduleEnded where the rate is 0 for good, unless the caller chose to go on."""
        if self._stops and global_step >= step_hint:
            shares = (global_step / step_hint, *_LATER)
            if all(float(self.schedule(share)) == 0.0 for share in shares):
                raise ScheduleEnded


def sample_point(search_space: Any) -> Mapping[str, Any]:
    """A point of a search space in the form of its file: the first, or its lowest corner."""
    if isinstance(search_space, list):
        return search_space[0]
    return {
        key: values["feasible_points"][0] if "feasible_points" in values else values["min"]
        for key, values in (search_space or {}).items()
    }


def chosen_schedule(schedule: str | Schedule, known: Mapping[str, Schedule]) -> Schedule:
    """A schedule by its name, or the callable given. Raises: UnknownName."""
    if callable(schedule):
        return schedule
    if schedule not in known:
        raise UnknownName("schedule", schedule, known=known)
    return known[schedule]


def complaint(error: Exception) -> str:
    """An error in one line; ours are meant to be read without their class."""
    text = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, MLGolfError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
