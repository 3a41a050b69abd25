"""A submission from an optax optimizer, in five lines:

    import optax
    from mlgolf.jax import from_optimizer

    submission = from_optimizer(optax.adamw, search_space={
        "learning_rate": {"min": 1e-4, "max": 1e-2, "scaling": "log"},
        "weight_decay": {"feasible_points": [0.01, 0.1]}})

And for one that defines AlgoPerf's functions itself: `get_batch_size`, `data_selection`,
`chosen_point`, `mean_loss`, `gradients`, `clip_by_global_norm`, `compiled_step`, and the schedules
`constant`, `warmup_cosine`, `warmup_linear`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from mlgolf.backends.method_jax import Method, Rate
from mlgolf.backends.optimizer_arguments import Arguments
from mlgolf.backends.short_form import (
    RATE_OF_ZERO,
    Schedule,
    ShortForm,
    chosen_schedule,
    complaint,
)
from mlgolf.backends.training import (
    chosen_point,
    constant,
    data_selection,
    get_batch_size,
    mean_loss,
)
from mlgolf.backends.training_jax import (
    clip_by_global_norm,
    compiled_step,
    gradients,
    warmup_cosine,
    warmup_linear,
)
from mlgolf.core import spec
from mlgolf.core.errors import SubmissionError
from mlgolf.core.text import enumerated

__all__ = [
    "JaxSubmission",
    "chosen_point",
    "clip_by_global_norm",
    "compiled_step",
    "constant",
    "data_selection",
    "from_optimizer",
    "get_batch_size",
    "gradients",
    "mean_loss",
    "warmup_cosine",
    "warmup_linear",
]

SCHEDULES = {"warmup_cosine": warmup_cosine, "constant": constant}
RATE = "learning_rate"
PROVIDED = ("params", "parameters")


def from_optimizer(
    optimizer: Callable[..., optax.GradientTransformation], *,
    search_space: dict[str, Any] | list[dict[str, Any]] | None = None,
    schedule: str | Schedule = "warmup_cosine", after_schedule: str = "stop",
    batch_size: int | None = None,
) -> "JaxSubmission":
    """A submission that trains every workload with `optimizer`.

    Args:
      optimizer: a function such as optax.adamw, or one of your own that builds a transformation.
        Its `learning_rate` gets a schedule, which may be multiplied by numbers; an argument
        `params` gets the tree of parameters. With functools.partial some of the others can be
        fixed.
      search_space: in AlgoPerf's form. Its keys are arguments of the optimizer, which get the
        value of the point, or dropout_rate, or label_smoothing. In self-tuning, where there is
        no point, the optimizer's own defaults hold; optax has none for the learning rate, so fix
        one: functools.partial(optax.adamw, learning_rate=1e-3).
      schedule: what the learning rate is multiplied by: "warmup_cosine" (5% of the workload's
        step hint up from 0, then a cosine to 0), "constant", or a function of the share of the
        step hint that is done: 0.0 at the first update, 1.0 and more from the step hint on. JAX
        traces it, so it is written with jax.numpy. A line search without a learning rate
        (optax.lbfgs) has no schedule.
      after_schedule: where the schedule is 0 from the step hint on, "stop" ends the trial there;
        "continue" goes on with a learning rate of 0, for methods that still change something.
      batch_size: global and meant for full size; None: that of the workload's published baseline.

    A transformation that takes extra arguments gets those that it asks for among value, grad,
    value_fn, grad_fn and obj_fn. Schedule-free, SAM and lookahead are evaluated at the parameters
    that these methods define.
    Raises: SearchSpaceError for a key that nothing takes; UnknownName for a schedule or a choice
      of `after_schedule`; SubmissionError for an optimizer without a learning rate.
    """
    arguments = Arguments(optimizer, provided=PROVIDED, rate=RATE)
    chosen = chosen_schedule(schedule, SCHEDULES)
    if RATE not in arguments.keys and chosen is not constant:
        raise SubmissionError(
            f"{arguments.name} has no argument {RATE}: no schedule can act on it. Say "
            'schedule="constant", or give a function of learning_rate that builds the optimizer.'
        )
    return JaxSubmission(optimizer, arguments, search_space, chosen, batch_size, after_schedule)


class State(NamedTuple):
    """A trial between two updates."""

    optimizer: optax.OptState
    step: Callable[..., Any]
    method: Method
    is_scheduled: bool
    trained: Any = None  # what the method goes on with, where that is not what it shows


class JaxSubmission(ShortForm):
    """AlgoPerf's five functions around one optimizer."""

    def __init__(
        self, build: Callable[..., Any], arguments: Arguments, search_space: Any,
        schedule: Schedule, batch_size: int | None, after_schedule: str,
    ) -> None:
        super().__init__(arguments, search_space, schedule, batch_size, after_schedule)
        self._build = build

    def rehearse(self, *, self_tuning: bool = False) -> None:
        """Update a small model some times, at one point of the search space.

        Raises: SubmissionError for what the short form cannot serve. A function of one's own may
          pick parameters by the names of one workload: where it fails here, the trial will tell.
        """
        point = self.rehearsed_point(self_tuning=self_tuning)
        if point is None:
            return
        layer = {"kernel": jnp.full((4, 3), 0.1), "bias": jnp.full(3, 0.1)}
        try:
            method, rate = self._method(point, {"Dense_0": layer}, step_hint=100)
        except SubmissionError as error:
            if self.arguments.package == "optax" or isinstance(error.__cause__, TypeError | None):
                raise
            return
        if fault := method.fault({"Dense_0": layer}, rate):
            raise SubmissionError(f"{self.arguments.name} {fault}. {RATE_OF_ZERO}")

    def init_optimizer_state(
        self, workload: spec.Workload, model_params: spec.ParameterContainer,
        model_state: spec.ModelAuxiliaryState, hyperparameters: spec.Hyperparameters,
        rng: spec.RandomState,
    ) -> State:
        """Raises: SubmissionError if neither the point nor the optimizer has a learning rate."""
        point = self.optimizer_arguments(hyperparameters)
        method, rate = self._method(point, model_params, workload.step_hint)
        state, trained = method.start(model_params)
        step = training_step(workload, method, chosen_point(hyperparameters, {}), rate)
        return State(state, step, method, self._peak(point) is not None, trained)

    def _method(
        self, point: Mapping[str, Any], params: spec.ParameterContainer, step_hint: int
    ) -> tuple[Method, Rate]:
        """The optimizer in the first form that it can be traced in."""
        peak = self._peak(point)
        rate = Rate(peak or 0.0, self.schedule, step_hint)
        first: Exception | None = None
        for form in self._forms(point, None if peak is None else rate, params):
            try:
                return Method(form(), params), rate
            except Exception as error:
                first = first or error
        assert first is not None
        raise SubmissionError(
            f"{self.arguments.name} cannot be used by the short form: {complaint(first)}. If its "
            "learning rate must be a number, wrap it by optax.inject_hyperparams; if it wants "
            "something else at each step, write update_params (docs/submissions.md)."
        ) from first

    def _forms(
        self, point: Mapping[str, Any], rate: Rate | None, params: spec.ParameterContainer
    ) -> Iterator[Callable[[], Any]]:
        """Ways to build the optimizer: with a schedule; with numbers that optax takes from it."""
        inputs = dict.fromkeys(self.arguments.given, params)
        scheduled = dict(point) if rate is None else {**point, RATE: rate}
        yield lambda: _checked(self._build(**inputs, **scheduled))
        if rate is not None:
            static = [name for name in self.arguments.defaults if name != RATE]
            injected = optax.inject_hyperparams(self._build, static_args=(*static, *inputs))
            yield lambda: _checked(injected(**inputs, **scheduled))

    def _peak(self, point: Mapping[str, Any]) -> float | None:
        """None where there is no learning rate: a line search, or a function that fixes its own."""
        missing = [name for name in self.arguments.missing(point) if name != RATE]
        if missing:
            raise SubmissionError(
                f"{self.arguments.name} needs a value for {enumerated(missing)}: put it into the "
                "search space, or fix it with functools.partial."
            )
        defaults = self.arguments.defaults
        peak = point.get(RATE, defaults.get(RATE))
        if peak is None and (RATE not in defaults or "linesearch" in defaults):
            return None
        if not isinstance(peak, int | float):
            raise SubmissionError(
                f"{RATE} is {peak}, and must be a number: put it into the search space, or fix it "
                f"with functools.partial(..., {RATE}=1e-3), and shape it with schedule=."
            )
        return peak

    def update_params(
        self, workload: spec.Workload, current_param_container: spec.ParameterContainer,
        current_params_types: spec.ParameterTypeTree, model_state: spec.ModelAuxiliaryState,
        hyperparameters: spec.Hyperparameters, batch: dict[str, jax.Array],
        loss_type: spec.LossType, optimizer_state: State,
        eval_results: list[tuple[int, dict[str, float]]], global_step: int, rng: spec.RandomState,
        train_state: Any = None,
    ) -> spec.UpdateReturn:
        """Raises: ScheduleEnded where the learning rate has become 0 for good."""
        before = optimizer_state
        if before.is_scheduled:
            self.end_with_schedule(global_step, workload.step_hint)
        trained = current_param_container if before.trained is None else before.trained
        state, trained, model_state = before.step(
            before.optimizer, trained, model_state, batch, rng, global_step
        )
        params = before.method.differentiated(trained)
        kept = None if params is trained else trained
        return before._replace(optimizer=state, trained=kept), params, model_state

    def prepare_for_eval(
        self, workload: spec.Workload, current_param_container: spec.ParameterContainer,
        current_params_types: spec.ParameterTypeTree, model_state: spec.ModelAuxiliaryState,
        hyperparameters: spec.Hyperparameters, loss_type: spec.LossType, optimizer_state: State,
        eval_results: list[tuple[int, dict[str, float]]], global_step: int, rng: spec.RandomState,
    ) -> spec.UpdateReturn:
        """The parameters that the method evaluates; the next update goes on with the others."""
        state, method = optimizer_state, optimizer_state.method
        if not method.defines_evaluation:
            return state, current_param_container, model_state
        trained = current_param_container if state.trained is None else state.trained
        params = method.evaluated(state.optimizer, trained)
        return state._replace(trained=trained), params, model_state


def _checked(made: Any) -> Any:
    if not (hasattr(made, "init") and hasattr(made, "update")):
        raise TypeError(f"it gave a {type(made).__name__}, not a GradientTransformation")
    return made


def training_step(
    workload: spec.Workload, method: Method, point: dict[str, Any], rate: Rate
) -> Callable[..., Any]:
    """(state, trained, model_state, batch, rng, step) -> (state, trained, model_state).

    Compiled as one function; the first three are given up to it, so that memory is used again.
    """

    def step(state, trained, model_state, batch, rng, count):
        def loss(params):
            return mean_loss(workload, params, model_state, batch, rng, point)[0]

        params = method.differentiated(trained)
        value, gradient, after = gradients(workload, params, model_state, batch, rng, point)
        with rate.at(count):
            trained, state = method.update(loss, value, gradient, state, trained)
        return state, trained, after

    return jax.jit(step, donate_argnums=(0, 1, 2))
