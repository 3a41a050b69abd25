"""The training loop around AlgoPerf's five functions. One player among others to the referee.

Order of a step, random keys and arguments: mlcommons/algorithmic-efficiency, submission_runner.py.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from mlgolf.backends import load_backend
from mlgolf.backends.short_form import ScheduleEnded
from mlgolf.core.errors import SubmissionError
from mlgolf.core.messages import Assignment
from mlgolf.core.protocols import Backend
from mlgolf.core.registry import played_workload
from mlgolf.core.rules import WorkloadRules
from mlgolf.core.spec import TrainingCompleteError
from mlgolf.core.target import Target
from mlgolf.core.workload import Size, Workload
from mlgolf.player.link import Link
from mlgolf.player.returned import ORDER, Returned, kind_of
from mlgolf.player.submission import (
    Submission,
    as_hyperparameters,
    asked_batch_size,
    load_submission,
)
from mlgolf.player.touched import counted
from mlgolf.player.workload import MetricsLogger, WorkloadFacade

KEYS_AHEAD = 3  # step hints: as far as a self-tuning budget goes


def play_submission(assignment: Assignment, link: Link) -> None:
    """Train the submission of an assignment until it or the referee has had enough."""
    backend = load_backend(assignment.framework)
    backend.configure(assignment.threads)
    workload, size, facade = _opened(assignment, backend)
    split = workload.data().open_split(Path(assignment.train_folder), size, "train")
    start = prepare(facade, backend, assignment.hyperparameters, assignment.seed)
    link.begin(backend.versions())
    # On the clock from here: importing the submission is part of what it costs.
    submission = load_submission(Path(assignment.submission_file))
    asked = asked_batch_size(submission, workload.name, size.published_batch_size)
    batches = split.train_batches(size.scale_batch_size(asked), assignment.seed)
    Harness(start, submission, link).train(map(backend.to_device, batches))


def begin_only(assignment: Assignment) -> None:
    """Ask a submission for the state of its optimizer, and train nothing.

    Raises: what the submission does.
    """
    backend = load_backend(assignment.framework)
    backend.configure(assignment.threads)
    _, _, facade = _opened(assignment, backend)
    start = prepare(facade, backend, assignment.hyperparameters, assignment.seed)
    facade.attach_metrics_logger(MetricsLogger(lambda step, values: None))
    load_submission(Path(assignment.submission_file)).init_optimizer_state(
        facade, start.params, start.model_state, start.hyperparameters, start.optimizer_key
    )


def _opened(assignment: Assignment, backend: Backend) -> tuple[Workload, Size, WorkloadFacade]:
    workload_rules = WorkloadRules.model_validate(assignment.workload_rules)
    workload = played_workload(assignment.workload, assignment.size, workload_rules.definition)
    size = workload.size(assignment.size)
    asked = {name: Target(**fields) for name, fields in assignment.asked.items()}
    return workload, size, WorkloadFacade(workload, size, workload_rules, backend, asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What there is when the clock starts: all of a trial but its submission and its data."""

    workload: WorkloadFacade
    backend: Backend
    hyperparameters: Any
    params: Any
    model_state: Any
    returned: Returned
    optimizer_key: Any
    keys: Callable[[int], tuple[Any, ...]]  # step -> data, update, prepare, and one unused


def prepare(
    workload: WorkloadFacade, backend: Backend, hyperparameters: Mapping[str, Any] | None,
    seed: int,
) -> Start:
    """Draw the keys and build the model, off the clock."""
    _, optimizer_key, model_key, loop_key = backend.split(backend.key(seed), 4)
    keys = backend.step_keys(loop_key, 4, ahead=KEYS_AHEAD * workload.expected_steps)
    params, model_state = workload.init_model_fn(model_key)
    return Start(
        workload=workload, backend=backend, hyperparameters=as_hyperparameters(hyperparameters),
        params=params, model_state=model_state, returned=Returned(backend, params, model_state),
        optimizer_key=optimizer_key, keys=keys,
    )


class Harness:
    """Trains one submission on one workload. All of it is on the clock."""

    def __init__(self, start: Start, submission: Submission, link: Link) -> None:
        """Asks the submission for the state of its optimizer."""
        self._workload, self._backend = start.workload, start.backend
        self._hyperparameters, self._keys = start.hyperparameters, start.keys
        self._returned = start.returned
        self._params, self._model_state = start.params, start.model_state
        self._submission, self._link = submission, link
        self._eval_results: list[tuple[int, dict]] = []
        self._evaluated_at: int | None = None
        self._train_state: dict[str, Any] = {
            "validation_goal_reached": False,
            "test_goal_reached": False,
            "is_time_remaining": True,
            "last_eval_time": 0.0,
            "training_complete": False,
            "accumulated_submission_time": 0.0,
            "accumulated_eval_time": 0.0,
            "accumulated_logging_time": 0.0,
            "last_step_end_time": None,
        }
        self._workload.attach_metrics_logger(MetricsLogger(link.log))
        self._workload.attach_referee(self._query)
        self._handed, link.touched = counted(self._workload)
        self._optimizer_state = submission.init_optimizer_state(
            self._handed, self._params, self._model_state, self._hyperparameters,
            start.optimizer_key,
        )

    def train(self, batches: Iterator[Mapping[str, Any]]) -> None:
        """The loop. Returns when the submission is done."""
        workload, submission, board = self._handed, self._submission, self._link.board
        hyperparameters, loss_type = self._hyperparameters, self._workload.loss_type
        types = self._workload.model_params_types
        extra = {}
        if submission.wants_train_state:
            extra["train_state"] = MappingProxyType(self._train_state)
        step, complete = 0, None
        while complete is None:
            data_key, update_key, prepare_key, _ = self._keys(step)
            batch = submission.data_selection(
                workload, batches, self._optimizer_state, self._params, self._model_state,
                hyperparameters, step, data_key,
            )
            if batch is None:
                raise SubmissionError(
                    "data_selection returned None; it must return a batch: next(input_queue)"
                )
            try:
                returned = submission.update_params(
                    workload=workload,
                    current_param_container=self._params,
                    current_params_types=types,
                    model_state=self._model_state,
                    hyperparameters=hyperparameters,
                    batch=batch,
                    loss_type=loss_type,
                    optimizer_state=self._optimizer_state,
                    eval_results=self._eval_results,
                    global_step=step,
                    rng=update_key,
                    **extra,
                )
                self._take("update_params", returned)
            except TrainingCompleteError as error:
                complete = error
            if isinstance(complete, ScheduleEnded):
                break
            step += 1
            board.step = step
            if extra:
                self._train_state["accumulated_submission_time"] = board.clock_seconds
                self._train_state["last_step_end_time"] = time.time()
            if complete is not None or step >= board.evaluate_at:
                self._evaluate(step, prepare_key)
        if self._evaluated_at != step:
            self._evaluate(step, prepare_key)
        self._link.finish(step, _ending(complete))

    def _evaluate(self, step: int, key: Any) -> None:
        self._prepare(step, key)
        self._submit(step)
        self._evaluated_at = step

    def _take(self, function: str, returned: Any) -> None:
        """Accept what a function returned: its kinds now, its shapes when it is handed over."""
        try:
            optimizer_state, params, model_state = returned
        except (TypeError, ValueError):
            raise SubmissionError(
                f"{function} returned {kind_of(returned)}; it must return the 3-tuple {ORDER}"
            ) from None
        self._returned.check(function, optimizer_state, params, model_state)
        self._optimizer_state, self._params = optimizer_state, params
        self._model_state = model_state

    def _prepare(self, step: int, key: Any) -> None:
        if self._submission.prepare_for_eval is None:
            return
        returned = self._submission.prepare_for_eval(
            workload=self._handed,
            current_param_container=self._params,
            current_params_types=self._workload.model_params_types,
            model_state=self._model_state,
            hyperparameters=self._hyperparameters,
            loss_type=self._workload.loss_type,
            optimizer_state=self._optimizer_state,
            eval_results=self._eval_results,
            global_step=step,
            rng=key,
        )
        self._take("prepare_for_eval", returned)

    def _submit(self, step: int) -> None:
        """Hand the model over and wait; the referee freezes everything meanwhile."""
        began = time.time()
        evaluated = self._link.submit(self._arrays(self._params, self._model_state), step)
        state, told = self._train_state, evaluated.train_state
        for goal in ("validation_goal_reached", "test_goal_reached"):
            state[goal] = state[goal] or told[goal]  # once reached, reached
        state["is_time_remaining"] = told["is_time_remaining"]
        state["accumulated_submission_time"] = told["accumulated_submission_time"]
        state["last_eval_time"] = time.time()
        state["accumulated_eval_time"] += state["last_eval_time"] - began
        self._eval_results.append((step, self._as_algoperf_tells(evaluated.metrics)))

    def _as_algoperf_tells(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """Metrics with the clock's copy and the counts that AlgoPerf's results carry."""
        state = self._train_state
        seconds = state["accumulated_submission_time"]
        return {
            **metrics,
            "validation/num_examples": self._workload.num_validation_examples,
            "test/num_examples": self._workload.num_test_examples,
            "score": seconds,
            "total_duration": seconds + state["accumulated_eval_time"],
            "accumulated_submission_time": seconds,
            "accumulated_eval_time": state["accumulated_eval_time"],
            "accumulated_logging_time": state["accumulated_logging_time"],
        }

    def _query(self, params: Any, model_state: Any, step: int) -> Mapping[str, float]:
        """What `workload.eval_model` does: the same hand-over, never scored."""
        return self._link.query(self._arrays(params, model_state), step).metrics

    def _arrays(self, params: Any, model_state: Any) -> dict[str, NDArray]:
        """What is handed over of a model, once it has been checked and computed."""
        self._returned.check_shapes(params)
        self._backend.synchronize(params)
        return self._backend.named_arrays(params, model_state)


def _ending(error: TrainingCompleteError) -> str:
    if isinstance(error, ScheduleEnded):
        return str(error)
    return f"the submission raised TrainingCompleteError{f': {error}' if str(error) else ''}"
