"""What the short form hands to optax transformations that want more than a gradient."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import linear_jax
import optax
import optax.contrib
import pytest
from linear_problem import STEP_HINT, as_hyperparameters
from numpy.testing import assert_allclose, assert_array_equal

from mlgolf.core.errors import SubmissionError
from mlgolf.core.spec import TrainingCompleteError
from mlgolf.jax import JaxSubmission, from_optimizer, warmup_cosine

RATE = 0.1
POINT = {"learning_rate": RATE}
ASCENT = optax.chain(optax.contrib.normalize(), optax.sgd(0.5))


def constant(build: Any, **keywords: Any) -> JaxSubmission:
    return from_optimizer(build, search_space=[POINT], schedule="constant", **keywords)


def mean_loss(params: Any, batch: dict[str, jax.Array]) -> jax.Array:
    workload = linear_jax.LinearWorkload()
    logits, _ = workload.model_fn(params, batch, None, None, None, True)
    loss = workload.loss_fn(batch["targets"], logits, batch["weights"])
    return loss["summed"] / loss["n_valid_examples"]


def trained_by_hand(optimizer: Any, shown: Any = lambda state, params: params) -> Any:
    """Parameters to evaluate after all batches, with whatever the transformation takes."""

    @jax.jit  # a line search would be compiled anew for each batch
    def update(params: Any, state: Any, batch: dict[str, jax.Array]) -> Any:
        value, gradients = jax.value_and_grad(mean_loss)(params, batch)
        extra = {"value": value, "grad": gradients, "value_fn": partial(mean_loss, batch=batch)}
        takes_more = isinstance(optimizer, optax.GradientTransformationExtraArgs)
        updates, state = optimizer.update(
            gradients, state, params, **(extra if takes_more else {})
        )
        return optax.apply_updates(params, updates), state

    params = linear_jax.params()
    state = optimizer.init(params)
    for batch in linear_jax.LinearWorkload().batches:
        params, state = update(params, state, batch)
    return shown(state, params)


def assert_trains_like(submission: JaxSubmission, expected: Any, atol: float = 2e-6) -> None:
    found = linear_jax.trained(submission, POINT if submission.search_space else None)
    for name, value in expected.items():
        assert_allclose(found[name], value, atol=atol)


class Trial:
    """A submission in training, looked at between its updates."""

    def __init__(self, submission: JaxSubmission, point: dict[str, float] | None = POINT) -> None:
        self.submission, self.workload = submission, linear_jax.LinearWorkload()
        self.params, self.point = linear_jax.params(), as_hyperparameters(point)
        self.state = submission.init_optimizer_state(
            self.workload, self.params, None, self.point, None
        )

    def update(self, step: int) -> None:
        self.state, self.params, _ = self.submission.update_params(
            self.workload, self.params, None, None, self.point, self.workload.batches[step], None,
            self.state, [], step, jax.random.PRNGKey(0),
        )  # fmt: skip

    def evaluated(self) -> Any:
        self.state, self.params, _ = self.submission.prepare_for_eval(
            None, self.params, None, None, None, None, self.state, [], 1, None
        )
        return self.params


# --- extra arguments ---


def test_a_line_search_gets_the_value_the_gradient_and_the_function():
    submission = from_optimizer(optax.lbfgs)
    assert_trains_like(submission, trained_by_hand(optax.lbfgs()), atol=1e-3)


def test_a_step_size_of_polyak_gets_the_value():
    submission = from_optimizer(optax.polyak_sgd, schedule="constant")
    assert_trains_like(submission, trained_by_hand(optax.polyak_sgd()), atol=1e-5)


def test_a_transformation_that_takes_some_extra_arguments_gets_no_others():
    def build(learning_rate):
        clipped = optax.clip_by_global_norm(10.0)
        sam = optax.contrib.sam(optax.sgd(learning_rate), ASCENT, opaque_mode=True)
        return optax.chain(clipped, sam)

    submission = constant(build)
    submission.rehearse()
    Trial(submission).update(0)


def test_an_extra_argument_that_is_not_offered_is_refused_before_the_run():
    def update(updates, state, params=None, *, hessian):
        return updates, state

    strange = optax.GradientTransformationExtraArgs(lambda params: (), update)
    with pytest.raises(SubmissionError, match=r"'hessian'.* write update_params"):
        constant(lambda learning_rate: strange).rehearse()


# --- which parameters are evaluated ---


def test_schedule_free_is_evaluated_at_its_average_and_trains_on_from_its_iterate():
    expected = trained_by_hand(
        optax.contrib.schedule_free_adamw(RATE), optax.contrib.schedule_free_eval_params
    )
    assert_trains_like(constant(optax.contrib.schedule_free_adamw), expected)


def test_schedule_free_is_found_inside_other_transformations():
    def build(learning_rate):
        free = optax.contrib.schedule_free_sgd(learning_rate)
        labels = {"weight": "free", "bias": "plain"}
        return optax.partition({"free": free, "plain": optax.sgd(learning_rate)}, labels)

    trial = Trial(constant(build))
    for step in range(4):
        trial.update(step)
    trained = {name: jnp.copy(value) for name, value in trial.params.items()}
    shown = trial.evaluated()
    assert_array_equal(shown["bias"], trained["bias"])
    assert not jnp.array_equal(shown["weight"], trained["weight"])


def test_sam_is_evaluated_where_it_descends_to_not_where_it_climbs_to():
    def build(learning_rate):
        return optax.contrib.sam(optax.sgd(learning_rate), ASCENT)

    trial = Trial(constant(build))
    trial.update(0)  # a climb
    assert_array_equal(trial.evaluated()["weight"], linear_jax.params()["weight"])
    trial.update(1)
    assert not jnp.array_equal(trial.evaluated()["weight"], linear_jax.params()["weight"])


def test_lookahead_trains_its_fast_parameters_and_is_evaluated_at_the_slow_ones():
    trial = Trial(constant(lambda learning_rate: optax.lookahead(optax.sgd(learning_rate), 3, 0.5)))
    start = linear_jax.params()["weight"]
    trial.update(0)
    assert not jnp.array_equal(trial.params["weight"], start)
    assert_array_equal(trial.evaluated()["weight"], start)
    trial.update(1)
    trial.update(2)
    assert not jnp.array_equal(trial.evaluated()["weight"], start)


def test_two_evaluations_in_a_row_are_of_the_same_parameters():
    trial = Trial(constant(optax.contrib.schedule_free_adamw))
    for step in range(3):
        trial.update(step)
    once = trial.evaluated()["weight"]
    assert_array_equal(trial.evaluated()["weight"], once)


# --- schedules ---


def test_a_schedule_follows_the_steps_of_the_trial_not_those_that_a_wrapper_counts():
    every = 2
    params, gathered = linear_jax.params(), None
    for step, batch in enumerate(linear_jax.LinearWorkload().batches[:STEP_HINT]):
        gradients = jax.grad(mean_loss)(params, batch)
        gathered = gradients if gathered is None else jax.tree.map(jnp.add, gathered, gradients)
        if step % every == every - 1:
            rate = RATE * warmup_cosine(step / STEP_HINT) / every
            params = jax.tree.map(lambda p, g, rate=rate: p - rate * g, params, gathered)
            gathered = None
    submission = from_optimizer(
        lambda learning_rate: optax.MultiSteps(optax.sgd(learning_rate), every),
        search_space=[POINT],
    )
    assert_trains_like(submission, params)


def test_a_rate_may_be_multiplied():
    expected = trained_by_hand(optax.sgd(3 * RATE / 2))
    submission = constant(lambda learning_rate: optax.sgd(3 * learning_rate / 2))
    assert_trains_like(submission, expected)


def test_a_function_that_takes_no_schedule_for_its_rate_is_given_numbers():
    with pytest.raises(ValueError, match="does not support learning rate schedules"):
        optax.optimistic_adam(lambda count: RATE)
    submission = from_optimizer(optax.optimistic_adam, search_space=[POINT])
    submission.rehearse()
    Trial(submission).update(0)


def test_a_line_search_without_a_rate_has_no_schedule_to_end_with():
    trial = Trial(from_optimizer(optax.lbfgs), point=None)
    trial.update(STEP_HINT)


def test_training_ends_where_the_schedule_is_0_for_good_unless_the_caller_goes_on():
    with pytest.raises(TrainingCompleteError, match="the schedule ended at the step hint"):
        Trial(from_optimizer(optax.sgd, search_space=[POINT])).update(STEP_HINT)
    Trial(from_optimizer(optax.sgd, search_space=[POINT], after_schedule="continue")).update(
        STEP_HINT
    )


@pytest.mark.parametrize("build", [optax.contrib.prodigy, optax.rprop])
def test_what_cannot_start_at_a_rate_of_0_is_refused_with_the_schedules_that_it_can(build):
    with pytest.raises(SubmissionError, match='schedule="constant"'):
        from_optimizer(build, search_space=[POINT]).rehearse()
    constant(build).rehearse()


# --- functions that build ---


def test_a_function_may_ask_for_the_tree_of_parameters():
    def build(params, learning_rate):
        mask = jax.tree.map(lambda p: p.ndim > 0, params)
        return optax.chain(optax.add_decayed_weights(0.1, mask), optax.sgd(learning_rate))

    mask = {"weight": True, "bias": False}
    expected = trained_by_hand(
        optax.chain(optax.add_decayed_weights(0.1, mask), optax.sgd(RATE))
    )
    assert_trains_like(constant(build), expected)


def test_a_function_that_picks_by_names_of_its_workload_is_left_to_the_trial():
    def build(learning_rate):
        labels = {"weight": "slow", "bias": "fast"}
        transforms = {"slow": optax.sgd(learning_rate), "fast": optax.sgd(10 * learning_rate)}
        return optax.partition(transforms, labels)

    submission = constant(build)
    submission.rehearse()  # the small model has no such names
    Trial(submission).update(0)


def test_what_is_no_transformation_is_refused():
    with pytest.raises(SubmissionError, match="gave a tuple, not a GradientTransformation"):
        constant(lambda learning_rate: (optax.sgd(learning_rate), 1)).rehearse()


def test_an_argument_without_a_value_is_named():
    with pytest.raises(SubmissionError, match="needs a value for base_optimizer"):
        constant(optax.contrib.schedule_free).rehearse()
