"""The workload as a submission sees it: every member that AlgoPerf's `spec.Workload` offers.

A facade over the workload's own modules and the numbers of the competition. Held-out data are not
in this process, so `eval_model` asks the referee, on the contestant's clock.
Source: mlcommons/algorithmic-efficiency, algoperf/spec.py (member names, arguments, keys).
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from mlgolf.core.errors import SubmissionError
from mlgolf.core.protocols import Backend
from mlgolf.core.quantities import quantity
from mlgolf.core.rules import WorkloadRules
from mlgolf.core.spec import ForwardPassMode, LossType
from mlgolf.core.target import Target
from mlgolf.core.workload import Size, Workload

Query = Callable[[Any, Any, int], Mapping[str, float]]


class MetricsLogger:
    """What `workload.metrics_logger` is to a submission: rows for the log, of no consequence."""

    def __init__(self, send: Callable[[int, dict[str, float]], None]) -> None:
        self._send = send

    def append_scalar_metrics(
        self, metrics: Mapping[str, Any], global_step: int, *_: Any, **__: Any
    ) -> None:
        self._send(int(global_step), {name: float(value) for name, value in metrics.items()})


class WorkloadFacade:
    """One workload at one size under one competition's numbers."""

    def __init__(
        self, workload: Workload, size: Size, workload_rules: WorkloadRules, backend: Backend,
        asked: Mapping[str, Target],
    ) -> None:
        """Args: asked: what is to be reached, by the names of quantities."""
        self._workload, self._size, self._workload_rules = workload, size, workload_rules
        self._asked, self._backend = asked, backend
        self._query: Query | None = None
        self._model = workload.model(backend.name, size)
        self._param_shapes = self._param_types = None
        self.metrics_logger: MetricsLogger | None = None
        self.loss_fn = self._model.loss

    # --- model and loss ---

    def init_model_fn(
        self, rng: Any, dropout_rate: float | None = None, aux_dropout_rate: float | None = None
    ) -> tuple[Any, Any]:
        """(params, model_state). The dropout arguments are those of AlgoPerf 0.5 and unused."""
        params, model_state = self._model.init(rng)
        self._param_shapes = self._backend.param_shapes(params)
        self._param_types = self._backend.param_types(params)
        return params, model_state

    def model_fn(
        self, params: Any, augmented_and_preprocessed_input_batch: Mapping[str, Any],
        model_state: Any, mode: ForwardPassMode, rng: Any, update_batch_norm: bool,
        dropout_rate: float | None = None,
    ) -> tuple[Any, Any]:
        """(logits, new_model_state)."""
        rate = self._size.dropout_rate if dropout_rate is None else dropout_rate
        return self._model.apply(
            params, augmented_and_preprocessed_input_batch, model_state, mode, rng,
            update_batch_norm, rate,
        )

    @property
    def param_shapes(self) -> Any:
        return self._after_init(self._param_shapes, "param_shapes")

    @property
    def model_params_types(self) -> Any:
        return self._after_init(self._param_types, "model_params_types")

    @staticmethod
    def _after_init(tree: Any, name: str) -> Any:
        if tree is None:
            raise ValueError(f"{name} is known once init_model_fn has been called")
        return tree

    def is_output_params(self, param_key: str) -> bool:
        """Whether a top-level key names the readout layer."""
        return self._model.is_output(param_key)

    def output_activation_fn(self, logits_batch: Any, framework: str | None = None) -> Any:
        """Probabilities, or the logits themselves, by the type of the loss."""
        return self._backend.output_activation(logits_batch, self.loss_type)

    # --- numbers ---

    @property
    def step_hint(self) -> int:
        """Steps that the baseline's schedule is laid out for; they fit the budget.

        Raises: SubmissionError where the competition gives none.
        """
        if self._workload_rules.step_hint is None:
            raise SubmissionError(
                f"the competition gives no step hint for {self._workload.name}, so a schedule has "
                "no length. Use one that does without it."
            )
        return self._workload_rules.step_hint

    @property
    def expected_steps(self) -> int:
        """About as many as there will be, for what is prepared ahead."""
        hint = self._workload_rules.step_hint
        return hint or int(self._workload_rules.bounds.get("step_limit", 1000))

    @property
    def max_allowed_runtime_sec(self) -> float:
        """Without a bound in seconds it is infinite."""
        return self._workload_rules.bounds.get("budget_seconds", math.inf)

    @property
    def eval_period_time_sec(self) -> float:
        """Seconds between evaluations, for the steps that the budget is meant for."""
        seconds, steps = (
            self._workload_rules.eval_every_seconds, self._workload_rules.eval_every_steps
        )
        if seconds is not None or steps is None:
            return seconds or math.inf
        return self.max_allowed_runtime_sec * steps / self.step_hint

    @property
    def loss_type(self) -> LossType:
        return self._workload.loss_type

    @property
    def target_metric_name(self) -> str:
        return self._workload_rules.metric

    @property
    def validation_target_value(self) -> float | None:
        return self._target_value("validation_metric")

    @property
    def test_target_value(self) -> float | None:
        return self._target_value("test_metric")

    def has_reached_validation_target(self, eval_result: Mapping[str, float]) -> bool:
        return self._reached(eval_result, "validation_metric")

    def has_reached_test_target(self, eval_result: Mapping[str, float]) -> bool:
        return self._reached(eval_result, "test_metric")

    def _target_value(self, name: str) -> float | None:
        target = self._asked.get(name)
        return None if target is None else target.value

    def _reached(self, result: Mapping[str, float], name: str) -> bool:
        target = self._asked.get(name)
        found = result.get(quantity(name).column_for(self.target_metric_name), math.nan)
        return target is not None and target.met(found)

    @property
    def num_train_examples(self) -> int:
        return self._size.examples["train"]

    @property
    def num_eval_train_examples(self) -> int:
        return self._size.examples["eval_train"]

    @property
    def num_validation_examples(self) -> int:
        return self._size.examples.get("validation", 0)

    @property
    def num_test_examples(self) -> int:
        return self._size.examples.get("test", 0)

    @property
    def eval_batch_size(self) -> int:
        return self._size.eval_batch_size

    @property
    def train_mean(self) -> tuple[float, ...]:
        return self._meaningful(self._workload.train_mean, "train_mean")

    @property
    def train_stddev(self) -> tuple[float, ...]:
        return self._meaningful(self._workload.train_stddev, "train_stddev")

    def _meaningful(self, value: tuple[float, ...] | None, name: str) -> tuple[float, ...]:
        if value is None:
            raise NotImplementedError(f"{name} has no meaning for {self._workload.name}")
        return value

    # --- evaluation and logging ---

    def attach_referee(self, query: Query) -> None:
        """Say whom `eval_model` asks."""
        self._query = query

    def attach_metrics_logger(self, metrics_logger: MetricsLogger) -> None:
        self.metrics_logger = metrics_logger

    def eval_model(
        self, global_batch_size: int, params: Any, model_state: Any, rng: Any,
        data_dir: str = "", imagenet_v2_data_dir: str | None = None, global_step: int = 0,
    ) -> dict[str, float]:
        """Metrics of all splits. The referee does it, and its time is added to the clock."""
        if self._query is None:
            raise RuntimeError("eval_model needs a referee to ask; there is none here")
        return {
            **self._query(params, model_state, global_step),
            "validation/num_examples": self.num_validation_examples,
            "test/num_examples": self.num_test_examples,
        }
