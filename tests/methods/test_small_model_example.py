"""examples/small_model: a small model chooses the data of a large one, and teaches it."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
import torch
from linear_problem import as_hyperparameters

from mlgolf.backends import load_backend
from mlgolf.core.competition import load_competition
from mlgolf.core.registry import load_workload
from mlgolf.methods import Distillation
from mlgolf.methods.distillation_torch import distilled
from mlgolf.player.workload import WorkloadFacade

FILE = Path(__file__).parents[2] / "examples" / "small_model" / "submission_torch.py"
BACKEND = load_backend("torch")


@pytest.fixture(scope="module")
def example():
    spec = spec_from_file_location("example_small_model", FILE)
    sys.modules[spec.name] = module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def images(rng):
    return {
        "inputs": rng.normal(size=(8, 3, 20, 20)).astype(np.float32),
        "targets": rng.integers(10, size=8),
    }


def tokens(rng):
    rows = rng.integers(512, size=(4, 65))
    return {"inputs": rows[:, :-1], "targets": rows[:, 1:]}


def facade_of(name):
    workload, rules = load_workload(name), load_competition("mini").workloads[name]
    return WorkloadFacade(workload, workload.size("mini"), rules, BACKEND, {})


@pytest.mark.parametrize(
    ("name", "batch_of", "kept"), [("imagenet_resnet", images, 4), ("finewebedu_lm", tokens, 2)]
)
def test_the_large_model_trains_on_the_half_that_was_chosen(example, name, batch_of, kept):
    facade, rng = facade_of(name), np.random.default_rng(0)
    params, model_state = facade.init_model_fn(BACKEND.key(0))
    point = {**example.SELF_TUNING_POINT, "small_share": 0.001}
    before = {name: p.detach().clone() for name, p in params.named_parameters()}
    key, hyperparameters = BACKEND.key(1), as_hyperparameters(point)
    state = example.init_optimizer_state(facade, params, model_state, hyperparameters, key)
    queue = iter(lambda: BACKEND.to_device(batch_of(rng)), None)
    batch = example.data_selection(
        facade, queue, state, params, model_state, hyperparameters, 0, key
    )
    assert {len(array) for array in batch.values()} == {kept}
    assert all(torch.equal(p, before[name]) for name, p in params.named_parameters())
    state, params, _ = example.update_params(
        facade, params, None, model_state, hyperparameters, batch, None, state, [], 200, key
    )
    assert any(not torch.equal(p, before[name]) for name, p in params.named_parameters())
    assert sum(p.numel() for p in state.small.parameters()) < sum(
        p.numel() for p in params.parameters()
    )


def test_the_loss_that_trains_has_the_teachers_term(example):
    facade, rng = facade_of("imagenet_resnet"), np.random.default_rng(0)
    labels = torch.as_tensor(rng.integers(10, size=8))
    logits, teacher = (torch.as_tensor(rng.normal(size=(8, 10))) for _ in range(2))
    plain = facade.loss_fn(label_batch=labels, logits_batch=logits)
    taught = example.Taught(facade, Distillation(), teacher, 0.0)
    found = taught.loss_fn(label_batch=labels, logits_batch=logits)
    mean = plain["summed"] / plain["n_valid_examples"]
    expected = 8 * distilled(Distillation(), mean, logits, teacher, 0.0)
    assert found["summed"] == pytest.approx(float(expected))
    assert found["summed"] != pytest.approx(float(plain["summed"]))
