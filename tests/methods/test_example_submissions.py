"""examples/methods: what a submission makes of the methods that its point lists."""

import sys
from collections import namedtuple
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import linear_jax
import linear_torch
import numpy as np
import pytest
from linear_problem import STEP_HINT, as_hyperparameters, train_by_submission
from numpy.testing import assert_allclose

from mlgolf.algorithms.nadamw import submission_jax as nadamw_jax
from mlgolf.algorithms.nadamw import submission_torch as nadamw_torch
from mlgolf.backends import load_backend
from mlgolf.core.competition import load_competition
from mlgolf.core.registry import load_workload
from mlgolf.methods import from_point
from mlgolf.player.workload import WorkloadFacade
from mlgolf.tuning.space import read_search_space

EXAMPLES = Path(__file__).parents[2] / "examples" / "methods"
SHORT = EXAMPLES / "short.toml"
POINT = {
    "learning_rate": 0.1,
    "one_minus_beta1": 0.1,
    "beta2": 0.999,
    "weight_decay": 0.3,
    "warmup_factor": 0.25,
}


def example(framework):
    name = f"example_methods_{framework}"
    spec = spec_from_file_location(name, EXAMPLES / f"submission_{framework}.py")
    sys.modules[name] = module = module_from_spec(spec)  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


Case = namedtuple("Case", "example nadamw linear params key")
CASES = {
    "torch": lambda: Case(
        example("torch"), nadamw_torch, linear_torch, linear_torch.Linear, linear_torch.KEY
    ),
    "jax": lambda: Case(
        example("jax"), nadamw_jax, linear_jax, linear_jax.params, np.array([1, 2], np.uint32)
    ),
}


@pytest.fixture(params=CASES, scope="module")
def case(request):
    return CASES[request.param]()


def assert_same(found, expected):
    for name in expected:
        assert_allclose(found[name], expected[name], rtol=1e-6, atol=1e-7)


def test_without_methods_the_example_is_nadamw(case):
    found = case.linear.trained(case.example, {**POINT, "methods": []})
    assert_same(found, case.linear.trained(case.nadamw, POINT))


def test_what_is_evaluated_is_the_average_and_what_trains_goes_on_as_without(case):
    # An average that forgets all at once is the weights themselves, if evaluations changed nothing.
    point = {**POINT, "methods": ["ema"], "ema__half_life": 1e-3}
    assert_same(case.linear.trained(case.example, point), case.linear.trained(case.nadamw, POINT))


def test_an_average_that_forgets_nothing_stays_at_the_first_weights(case):
    point = {**POINT, "methods": ["ema"], "ema__half_life": 1e12}
    found = case.linear.trained(case.example, point)
    assert_same(found, first_weights(case))


def first_weights(case):
    params = train_by_submission(
        case.nadamw, case.linear.LinearWorkload(), case.params(), POINT, case.key, steps=1
    )
    named = params.named_parameters() if hasattr(params, "parameters") else params.items()
    return {name: np.asarray(getattr(value, "data", value)) for name, value in named}


def test_labels_are_smoothed_only_within_the_window(case):
    workload = case.linear.LinearWorkload()
    point = {**POINT, "methods": ["label_smoothing"], "label_smoothing__end": 0.5}
    for steps, smoothing in ((1, 0.1), (STEP_HINT // 2 + 1, 0.0)):
        train_by_submission(case.example, workload, case.params(), point, case.key, steps=steps)
        assert workload.loss_keywords == {"label_smoothing": smoothing}


def test_selective_backprop_trains_on_half_of_a_batch(case):
    workload, params = case.linear.LinearWorkload(), case.params()
    always = {"start": 0.0, "end": 1.0, "scale": 1.0, "interrupt": 2}
    knobs = {f"selective_backprop__{knob}": value for knob, value in always.items()}
    hyperparameters = as_hyperparameters({**POINT, "methods": ["selective_backprop"], **knobs})
    state = case.example.init_optimizer_state(workload, params, None, hyperparameters, case.key)
    queue, sizes = iter(workload.batches), []
    for step in range(4):
        batch = case.example.data_selection(
            workload, queue, state, params, None, hyperparameters, step, case.key
        )
        sizes.append({name: len(array) for name, array in batch.items()})
    assert [size["inputs"] for size in sizes] == [4, 8, 4, 8]
    assert all(len(set(size.values())) == 1 for size in sizes)


@pytest.mark.parametrize("framework", CASES)
def test_on_images_methods_act_together_and_frozen_layers_stand_still(framework):
    submission, backend = example(framework), load_backend(framework)
    workload = load_workload("imagenet_resnet")
    workload_rules = load_competition(SHORT).workloads["imagenet_resnet"]
    facade = WorkloadFacade(workload, workload.size("mini"), workload_rules, backend, {})
    params, model_state = facade.init_model_fn(backend.key(0))
    point = submission.SELF_TUNING_POINT | {
        "methods": "colout+selective_backprop+mixup+layer_freezing+ema",
        "layer_freezing__fraction": 0.3, "layer_freezing__end": 0.5,
    }  # fmt: skip
    hyperparameters = as_hyperparameters(point)
    start = backend.key(1)
    state = submission.init_optimizer_state(facade, params, model_state, hyperparameters, start)
    queue, shapes, weights = batches(backend), [], []
    for step in (240, 242, 244):
        batch = submission.data_selection(
            facade, queue, state, params, model_state, hyperparameters, step, backend.key(step)
        )
        shapes.append((*batch["inputs"].shape, *batch["targets"].shape))
        state, params, model_state = submission.update_params(
            facade, params, None, model_state, hyperparameters, batch, None, state, [], step,
            backend.key(step),
        )  # fmt: skip
        arrays = backend.parameter_arrays(params)
        weights.append({name: array.copy() for name, array in arrays.items()})
    assert shapes == [(8, 3, 17, 17, 8, 10)] * 3
    first, *_, last = (name for name in STEM_AND_READOUT if name in weights[0])
    assert np.array_equal(weights[0][first], weights[2][first])
    assert not np.array_equal(weights[0][last], weights[2][last])


STEM_AND_READOUT = ("conv1.weight", "Conv_init/kernel", "fc.weight", "Dense_0/kernel")


def batches(backend):
    rng = np.random.default_rng(0)
    while True:
        inputs = rng.normal(size=(16, 3, 20, 20)).astype(np.float32)
        yield backend.to_device({"inputs": inputs, "targets": rng.integers(10, size=16)})


def test_every_point_that_the_examples_ship_can_be_composed():
    space = read_search_space(EXAMPLES / "tuning_search_space.json")
    points = [*space.first(5), example("torch").SELF_TUNING_POINT]
    assert [len(from_point(point).members) for point in points] == [0, 2, 2, 2, 2, 3]
