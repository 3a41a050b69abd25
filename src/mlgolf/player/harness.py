"""The training loop around AlgoPerf's five functions. One player among others to the referee.

Order of a step, random keys and arguments: mlcommons/algorithmic-efficiency, submission_runner.py.
"""

import time
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from mlgolf.backends.short_form import ScheduleEnded
from mlgolf.core.errors import SubmissionError
from mlgolf.core.messages import Evaluated, Finished, Logged, Stop, Submitted
from mlgolf.core.protocols import Backend
from mlgolf.core.spec import TrainingCompleteError
from mlgolf.player.channel import Board, Channel
from mlgolf.player.handover import Handover
from mlgolf.player.returned import ORDER, Returned, kind_of
from mlgolf.player.submission import Submission
from mlgolf.player.workload import MetricsLogger, WorkloadFacade

KEYS_AHEAD = 3  # step hints: as far as a self-tuning budget goes


class Stopped(Exception):
    """The referee ended the trial. Only an in-process player lives to see it."""


class Harness:
    """Trains one submission on one workload until it or the referee has had enough."""

    def __init__(
        self, workload: WorkloadFacade, backend: Backend, hyperparameters: Any,
        optimizer_key: Any, loop_key: Any, channel: Channel, board: Board, handover: Handover,
    ) -> None:
        self._workload, self._backend = workload, backend
        self._hyperparameters = hyperparameters
        self._optimizer_key = optimizer_key
        self._keys = backend.step_keys(loop_key, 4, ahead=KEYS_AHEAD * workload.step_hint)
        self._channel, self._board, self._handover = channel, board, handover
        self._params = self._model_state = self._optimizer_state = None
        self._template: Any = None
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

    def build(self, model_key: Any) -> None:
        """Make the model, before the clock starts."""
        self._params, self._model_state = self._workload.init_model_fn(model_key)
        self._template = self._backend.param_shapes(self._params)
        self._returned = Returned(self._backend, self._params, self._model_state)
        self._workload.attach_metrics_logger(MetricsLogger(self._log))
        self._workload.attach_referee(self._query)

    def _log(self, step: int, values: dict[str, float]) -> None:
        self._channel.send(Logged(step, values))

    def train(self, submission: Submission, batches: Iterator[Mapping[str, Any]]) -> None:
        """The loop, all of it on the clock. Returns when the submission is done."""
        workload, board = self._workload, self._board
        hyperparameters, loss_type = self._hyperparameters, workload.loss_type
        types = workload.model_params_types
        extra = {}
        if submission.wants_train_state:
            extra["train_state"] = MappingProxyType(self._train_state)
        self._optimizer_state = submission.init_optimizer_state(
            workload, self._params, self._model_state, hyperparameters, self._optimizer_key
        )
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
                self._evaluate(submission, step, prepare_key)
        if self._evaluated_at != step:
            self._evaluate(submission, step, prepare_key)
        self._channel.send(Finished(step, _ending(complete)))

    def _evaluate(self, submission: Submission, step: int, key: Any) -> None:
        self._prepare(submission, step, key)
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

    def _prepare(self, submission: Submission, step: int, key: Any) -> None:
        if submission.prepare_for_eval is None:
            return
        returned = submission.prepare_for_eval(
            workload=self._workload,
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
        evaluated = self._hand_over(self._params, self._model_state, step, is_query=False)
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
        return self._hand_over(params, model_state, step, is_query=True).metrics

    def _hand_over(
        self, params: Any, model_state: Any, step: int, *, is_query: bool
    ) -> Evaluated:
        self._check_shapes(params)
        self._backend.synchronize(params)
        length = self._handover.write(self._backend.named_arrays(params, model_state))
        self._channel.send(Submitted(step, length, is_query))
        answer = self._channel.receive()
        if isinstance(answer, Stop):
            raise Stopped
        assert isinstance(answer, Evaluated), answer
        return answer

    def _check_shapes(self, params: Any) -> None:
        found = self._backend.param_shapes(params)
        if found != self._template:
            raise SubmissionError(_difference(_flat(self._template), _flat(found)))


def _ending(error: TrainingCompleteError) -> str:
    if isinstance(error, ScheduleEnded):
        return str(error)
    return f"the submission raised TrainingCompleteError{f': {error}' if str(error) else ''}"


def _flat(tree: Any, prefix: str = "") -> dict[str, tuple[int, ...]]:
    if isinstance(tree, Mapping):
        flat: dict[str, tuple[int, ...]] = {}
        for name, branch in tree.items():
            flat |= _flat(branch, f"{prefix}{name}/")
        return flat
    return {prefix.rstrip("/"): tree.shape_tuple}


def _difference(expected: dict[str, tuple], found: dict[str, tuple]) -> str:
    for name, shape in expected.items():
        if found.get(name) != shape:
            return (
                f"the parameters handed back have {found.get(name, 'nothing')} for {name!r}, but "
                f"the workload has {shape} there. Return the tree that was given, same shapes."
            )
    extra = sorted(set(found) - set(expected))
    return f"the parameters handed back have {extra[0]!r}, which the workload does not have."
