"""What the short forms of a submission share; the faces are `mlgolf.torch` and `mlgolf.jax`.

A short form turns an optimizer into a submission: an object with AlgoPerf's five functions and a
search space, whose keys are arguments of the optimizer.
"""

import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mlgolf.core import spec
from mlgolf.core.errors import SearchSpaceError, UnknownName
from mlgolf.core.published import published_batch_size

Schedule = Callable[[Any], Any]  # share of the step hint that is done -> factor of the peak rate
TRAINING_ARGUMENTS = ("dropout_rate", "label_smoothing")  # of the model and of the loss

WARMUP = 0.05  # share of the step hint that the default schedule warms up for


class ShortForm:
    """The part of a submission that no framework enters."""

    def __init__(
        self,
        optimizer: Callable[..., Any],
        arguments: Mapping[str, str],
        search_space: Any,
        schedule: Schedule,
        batch_size: int | None,
    ) -> None:
        """Args: arguments: key of a search space -> argument of the optimizer that it sets.

        Raises: SearchSpaceError for a key that is neither there nor in TRAINING_ARGUMENTS.
        """
        self.optimizer, self.schedule, self.batch_size = optimizer, schedule, batch_size
        self._arguments = arguments
        self.search_space = checked(search_space, arguments)

    def get_batch_size(self, workload_name: str) -> int:
        if self.batch_size is None:
            return published_batch_size(workload_name)
        return self.batch_size

    def prepare_for_eval(
        self,
        workload: spec.Workload,
        current_param_container: spec.ParameterContainer,
        current_params_types: spec.ParameterTypeTree,
        model_state: spec.ModelAuxiliaryState,
        hyperparameters: spec.Hyperparameters,
        loss_type: spec.LossType,
        optimizer_state: spec.OptimizerState,
        eval_results: list[tuple[int, dict[str, float]]],
        global_step: int,
        rng: spec.RandomState,
    ) -> spec.UpdateReturn:
        return optimizer_state, current_param_container, model_state

    def data_selection(
        self,
        workload: spec.Workload,
        input_queue: Iterator[dict[str, Any]],
        optimizer_state: spec.OptimizerState,
        current_param_container: spec.ParameterContainer,
        model_state: spec.ModelAuxiliaryState,
        hyperparameters: spec.Hyperparameters,
        global_step: int,
        rng: spec.RandomState,
    ) -> dict[str, Any]:
        return next(input_queue)

    def optimizer_arguments(self, hyperparameters: spec.Hyperparameters) -> dict[str, Any]:
        """What the point sets; the optimizer's own defaults in self-tuning, where it is None."""
        point = values(hyperparameters)
        return {self._arguments[key]: point[key] for key in point if key in self._arguments}


def values(hyperparameters: spec.Hyperparameters) -> dict[str, Any]:
    """A point by name; empty in self-tuning."""
    return {} if hyperparameters is None else hyperparameters._asdict()


def arguments_of(optimizer: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The named arguments of a function or class, in order; not those in **kwargs."""
    signature = inspect.signature(optimizer)
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {name: p for name, p in signature.parameters.items() if p.kind in kinds}


def checked(search_space: Any, arguments: Mapping[str, str]) -> Any:
    """A copy of a search space as JSON would give it back. None stays None.

    Raises: SearchSpaceError for a key that nothing takes, for two that set the same argument, and
      for what JSON cannot say.
    """
    try:
        space = json.loads(json.dumps(search_space))
    except (TypeError, ValueError) as error:
        raise SearchSpaceError(f"a search space is plain JSON: {error}") from None
    for point in space if isinstance(space, list) else [space or {}]:
        _check_keys(point, arguments)
    return space


def _check_keys(keys: Iterable[str], arguments: Mapping[str, str]) -> None:
    setters: dict[str, str] = {}
    for key in keys:
        if key not in arguments and key not in TRAINING_ARGUMENTS:
            raise SearchSpaceError(
                f"search space: nothing takes {key!r}. Allowed for this optimizer are "
                f"{', '.join([*arguments, *TRAINING_ARGUMENTS])}."
            )
        rival = setters.setdefault(arguments.get(key, key), key)
        if rival != key:
            raise SearchSpaceError(
                f"search space: {rival!r} and {key!r} set the same argument. Keep one of them."
            )


def chosen_schedule(schedule: str | Schedule, known: Mapping[str, Schedule]) -> Schedule:
    """A schedule by its name, or the callable given. Raises: UnknownName."""
    if callable(schedule):
        return schedule
    if schedule not in known:
        raise UnknownName("schedule", schedule, known=known)
    return known[schedule]
