"""The short forms of a submission: the same as a loop written by hand around the optimizer."""

import math
import sys
import textwrap
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import linear_jax
import linear_torch
import numpy as np
import optax
import pytest
import torch
from linear_problem import (
    STEP_HINT,
    as_hyperparameters,
    gradients,
    initial_params,
    random_batches,
    train_by_submission,
)
from numpy.testing import assert_allclose, assert_array_equal

import mlgolf.jax
import mlgolf.torch
from mlgolf.core.errors import SearchSpaceError, SubmissionError, UnknownName
from mlgolf.player.submission import load_submission
from mlgolf.tuning.space import parse_search_space

ROOT = Path(__file__).parents[1]
FACES = [
    pytest.param(partial(mlgolf.torch.from_optimizer, torch.optim.AdamW), id="torch"),
    pytest.param(partial(mlgolf.jax.from_optimizer, optax.adamw), id="jax"),
]
SPACE = {
    "learning_rate": {"min": 1e-4, "max": 1e-2, "scaling": "log"},
    "weight_decay": {"feasible_points": [0.01, 0.1]},
}
POINT = {"learning_rate": 0.1, "weight_decay": 0.1}


def warmup_cosine(step: int) -> float:
    """The default schedule as its documentation says it, at an update of the linear problem."""
    fraction = step / STEP_HINT
    if fraction < 0.05:
        return fraction / 0.05
    return (1 + math.cos(math.pi * min((fraction - 0.05) / 0.95, 1.0))) / 2


@pytest.mark.parametrize("face", [mlgolf.torch, mlgolf.jax])
def test_the_five_lines_of_the_documentation_are_a_submission(face, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    lines = [line for line in face.__doc__.splitlines() if line.startswith("    ")]
    file = tmp_path / "submission.py"
    file.write_text(textwrap.dedent("\n".join(lines)))
    submission = load_submission(file)
    assert submission.search_space == SPACE
    assert submission.get_batch_size("wmt") == 128


def test_a_torch_submission_trains_like_a_loop_around_the_optimizer():
    module, workload = linear_torch.Linear(), linear_torch.LinearWorkload()
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.1, weight_decay=0.1)
    for step, batch in enumerate(workload.batches):
        optimizer.param_groups[0]["lr"] = 0.1 * warmup_cosine(step)
        optimizer.zero_grad()
        loss = workload.loss_fn(batch["targets"], module(batch["inputs"]), batch["weights"])
        (loss["summed"] / loss["n_valid_examples"]).backward()
        optimizer.step()
    submission = mlgolf.torch.from_optimizer(torch.optim.AdamW, search_space=SPACE)
    found = linear_torch.trained(submission, POINT)
    for name, parameter in module.named_parameters():
        assert_array_equal(found[name], parameter.detach())


def test_a_jax_submission_trains_like_a_loop_around_the_optimizer():
    # Compiled in one piece or in several, XLA rounds differently: some units of the last place.
    params, workload = linear_jax.params(), linear_jax.LinearWorkload()
    optimizer = optax.adamw(lambda step: 0.1 * rates[step], weight_decay=0.1)
    rates = jnp.array([warmup_cosine(step) for step in range(len(workload.batches))])

    @jax.jit
    def update(params, state, batch):
        def mean_loss(params):
            logits, _ = workload.model_fn(params, batch, None, None, None, True)
            loss = workload.loss_fn(batch["targets"], logits, batch["weights"])
            return loss["summed"] / loss["n_valid_examples"]

        updates, state = optimizer.update(jax.grad(mean_loss)(params), state, params)
        return optax.apply_updates(params, updates), state

    state = optimizer.init(params)
    for batch in workload.batches:
        params, state = update(params, state, batch)
    submission = mlgolf.jax.from_optimizer(optax.adamw, search_space=SPACE)
    found = linear_jax.trained(submission, POINT)
    for name, value in params.items():
        assert_allclose(found[name], value, atol=2e-6)


@pytest.mark.parametrize("schedule", [mlgolf.torch.warmup_cosine, mlgolf.jax.warmup_cosine])
def test_the_default_schedule_warms_up_for_5_percent_and_ends_at_0(schedule):
    fractions = np.array([0.0, 0.025, 0.05, 0.525, 1.0, 1.5], np.float32)
    factors = [float(schedule(fraction)) for fraction in fractions]
    assert_allclose(factors, [0.0, 0.5, 1.0, 0.5, 0.0, 0.0], atol=1e-6)  # float32 in JAX


@pytest.mark.parametrize(
    ("schedule", "factor"), [("constant", 1.0), (lambda fraction: 1 - fraction / 2, 0.875)]
)
def test_a_schedule_is_a_name_or_a_function_of_the_share_done(schedule, factor):
    submission = mlgolf.torch.from_optimizer(torch.optim.SGD, schedule=schedule)
    module, workload = linear_torch.Linear(), linear_torch.LinearWorkload()
    state = submission.init_optimizer_state(workload, module, None, None, None)
    submission.update_params(
        workload, module, None, None, None, workload.batches[0], None, state, [],
        STEP_HINT // 4, None,
    )  # fmt: skip
    assert state["optimizer"].param_groups[0]["lr"] == pytest.approx(1e-3 * factor)


@pytest.mark.parametrize("from_optimizer", FACES)
def test_the_search_space_is_kept_in_the_form_of_its_file(from_optimizer):
    assert from_optimizer(search_space=SPACE).search_space == SPACE
    optlist = [POINT, {**POINT, "learning_rate": 0.2}]
    assert from_optimizer(search_space=optlist).search_space == optlist
    assert from_optimizer().search_space is None
    tupled = {
        "weight_decay": {"feasible_points": (0.01, 0.1)},
        "dropout_rate": {"feasible_points": (0,)},
    }
    parse_search_space(from_optimizer(search_space=tupled).search_space)


@pytest.mark.parametrize("from_optimizer", FACES)
@pytest.mark.parametrize("key", ["one_minus_beta1", "learning_rat", "params"])
def test_a_key_that_the_optimizer_does_not_take_is_refused_with_those_it_takes(from_optimizer, key):
    for space in ({key: {"feasible_points": [0.1]}}, [POINT, {**POINT, key: 0.1}]):
        with pytest.raises(SearchSpaceError, match=rf"'{key}'.* learning_rate, .*weight_decay"):
            from_optimizer(search_space=space)


def test_two_keys_for_one_argument_are_refused():
    point = {"lr": 0.1, "learning_rate": 0.1}
    with pytest.raises(SearchSpaceError, match="'lr' and 'learning_rate' set the same"):
        mlgolf.torch.from_optimizer(torch.optim.SGD, search_space=[point])


@pytest.mark.parametrize("from_optimizer", FACES)
def test_a_search_space_that_json_cannot_say_is_refused(from_optimizer):
    with pytest.raises(SearchSpaceError, match="plain JSON"):
        from_optimizer(search_space={"weight_decay": {"feasible_points": [object()]}})


@pytest.mark.parametrize("from_optimizer", FACES)
def test_an_unknown_schedule_is_refused_with_the_known_ones(from_optimizer):
    with pytest.raises(UnknownName, match="constant, warmup_cosine"):
        from_optimizer(schedule="cosine")


@pytest.mark.parametrize("from_optimizer", FACES)
def test_the_batch_size_is_the_published_one_unless_given(from_optimizer):
    assert from_optimizer().get_batch_size("ogbg") == 512
    assert from_optimizer(batch_size=64).get_batch_size("a workload of one's own") == 64
    with pytest.raises(ValueError, match="Give one of your own"):
        from_optimizer().get_batch_size("a workload of one's own")


def test_an_optimizer_without_a_learning_rate_is_refused():
    with pytest.raises(SubmissionError, match="no argument lr"):
        mlgolf.torch.from_optimizer(torch.nn.Linear)
    with pytest.raises(SubmissionError, match="no argument learning_rate"):
        mlgolf.jax.from_optimizer(optax.scale_by_adam)


def test_a_jax_optimizer_needs_a_learning_rate_from_the_point_or_a_partial():
    workload = linear_jax.LinearWorkload()
    bare = mlgolf.jax.from_optimizer(optax.sgd, search_space={})
    with pytest.raises(SubmissionError, match="fix it with functools"):
        bare.init_optimizer_state(workload, linear_jax.params(), None, None, None)
    fixed = mlgolf.jax.from_optimizer(partial(optax.sgd, learning_rate=0.1))
    params = train_by_submission(fixed, workload, linear_jax.params(), None, None, steps=2)
    assert float(abs(params["weight"] - linear_jax.params()["weight"]).max()) > 0


def test_a_jax_optimizer_may_keep_the_parameters_in_its_state():
    # Memory that the step gives up must not be held twice.
    submission = mlgolf.jax.from_optimizer(
        partial(optax.contrib.schedule_free_sgd, learning_rate=0.1)
    )
    workload = linear_jax.LinearWorkload()
    params = train_by_submission(submission, workload, linear_jax.params(), None, None, steps=2)
    assert jnp.isfinite(params["weight"]).all()


def test_dropout_and_label_smoothing_may_stand_in_a_search_space():
    point = {**POINT, "dropout_rate": 0.3, "label_smoothing": 0.2}
    submission = mlgolf.torch.from_optimizer(torch.optim.AdamW, search_space=[point])
    workload = linear_torch.LinearWorkload()
    train_by_submission(submission, workload, linear_torch.Linear(), point, None, steps=1)
    assert workload.model_keywords == {"dropout_rate": 0.3}
    assert workload.loss_keywords == {"label_smoothing": 0.2}


def test_the_update_of_the_documentation_is_that_of_plain_gradient_descent():
    blocks = (ROOT / "docs" / "submissions.md").read_text().split("```python\n")
    code = next(block for block in blocks if "def update_params" in block).partition("```")[0]
    names: dict[str, Any] = {}
    exec(code, names)
    module, workload = linear_torch.Linear(), linear_torch.LinearWorkload()
    expected, hyperparameters = initial_params(), as_hyperparameters({"learning_rate": 0.2})
    for step, batch in enumerate(workload.batches):
        names["update_params"](
            workload, module, None, None, hyperparameters, batch, None, None, [], step, None
        )
        slopes = gradients(expected, random_batches()[step])
        rate = 0.2 * warmup_cosine(step)
        expected = {name: value - rate * slopes[name] for name, value in expected.items()}
    for name, parameter in module.named_parameters():
        assert_allclose(parameter.detach(), expected[name], atol=2e-6)


@pytest.mark.parametrize(
    ("face", "made", "kind"),
    [
        (mlgolf.torch, torch.optim.SGD([torch.zeros(1)], lr=0.1), "SGD"),
        (mlgolf.jax, optax.sgd(0.1), "GradientTransformationExtraArgs"),
    ],
    ids=["torch", "jax"],
)
def test_an_optimizer_that_is_made_already_is_refused_with_what_to_give(face, made, kind):
    with pytest.raises(SubmissionError, match=f"found a {kind} where a class or function"):
        face.from_optimizer(made)
