"""The contract by which plugin authors test their workloads: kept by ours, and it can fail."""

import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mlgolf.core.registry import load_workload
from mlgolf.core.spec import ForwardPassMode
from mlgolf.core.workload import Outputs
from mlgolf.data import layout
from mlgolf.testing.contract import WorkloadContract
from mlgolf.testing.linear import data, model_torch
from mlgolf.workloads.parts import losses_jax, losses_torch, means


class TestLinearInTorch(WorkloadContract):
    workload, framework = "linear", "torch"


class TestLinearInJax(WorkloadContract):
    workload, framework = "linear", "jax"


@pytest.fixture
def prepared(data_dir: Path) -> Path:
    return layout.prepared_folder(load_workload("linear"), "mini", data_dir)


class CountsPadding(means.Metrics):
    def update(self, outputs, batch):
        super().update(outputs, {"targets": batch["targets"]})


class NamesByBatch(means.Metrics):
    def update(self, outputs: Outputs, batch):
        super().update(outputs, batch)
        self._means.add(np.zeros(1), **{f"loss_{int(self._means._count)}": np.zeros(1)})


class AveragesBatches(means.Metrics):
    def update(self, outputs, batch):
        self._means.add(np.ones(1), loss=outputs.per_example.mean(keepdims=True))


class CountsTwice(means.Metrics):
    """As a mean over rows is of what was summed over their parts."""

    def result(self):
        return {name: 2 * value for name, value in super().result().items()}


def test_a_reported_loss_that_is_not_the_one_trained_on_breaks_the_contract(monkeypatch, prepared):
    monkeypatch.setattr(means, "Metrics", CountsTwice)
    with pytest.raises(AssertionError):
        TestLinearInTorch().test_the_loss_that_is_reported_is_the_mean_that_is_trained_on(prepared)


@pytest.mark.parametrize(("contract", "module"), [
    (TestLinearInTorch, losses_torch), (TestLinearInJax, losses_jax),
])  # fmt: skip
def test_a_loss_that_ignores_its_mask_breaks_the_contract(monkeypatch, prepared, contract, module):
    masked = module.masked_losses
    model = import_module(f"mlgolf.testing.linear.model_{contract.framework}")
    monkeypatch.setattr(model, "masked_losses", lambda losses, mask: masked(losses, None))
    with pytest.raises(AssertionError):
        contract().test_targets_of_weight_zero_do_not_matter(prepared)


def test_metrics_that_average_over_batches_break_the_contract(monkeypatch, prepared):
    monkeypatch.setattr(means, "Metrics", AveragesBatches)
    contract = TestLinearInTorch()
    with pytest.raises(AssertionError):
        contract.test_metrics_do_not_depend_on_how_a_split_is_cut_into_batches(prepared)


def test_metrics_that_count_padding_break_the_contract(monkeypatch, prepared):
    monkeypatch.setattr(means, "Metrics", CountsPadding)
    with pytest.raises(AssertionError):
        TestLinearInTorch().test_examples_of_weight_zero_count_for_nothing(
            prepared, "other examples"
        )


def test_metrics_whose_names_depend_on_the_batches_break_the_contract(monkeypatch, prepared):
    monkeypatch.setattr(means, "Metrics", NamesByBatch)
    contract = TestLinearInTorch()
    with pytest.raises(AssertionError):
        contract.test_metrics_have_the_same_names_after_any_batch_and_the_loss_is_among_them(
            prepared
        )


def test_held_out_data_that_no_draw_changes_break_the_contract(monkeypatch, tmp_path):
    make = data.make
    monkeypatch.setattr(
        data, "make", lambda raw, size, seed, draw, splits: make(raw, size, seed, 0, splits)
    )
    with pytest.raises(AssertionError):
        TestLinearInTorch().test_seed_and_draw_alone_decide_what_the_drawn_splits_hold(tmp_path)


def trains_on_all(size, split):
    return replace(size, data_fraction=1.0) if split == "train" else size


def evaluates_all(size, split):
    return replace(size, data_fraction=1.0) if split == "eval_train" else size


def keeps_a_tenth(size, split):
    return replace(size, data_fraction=0.1 if size.data_fraction < 1 else 1.0)


@pytest.mark.parametrize("opened_as", [trains_on_all, evaluates_all, keeps_a_tenth])
def test_a_half_of_the_data_that_is_none_breaks_the_contract(monkeypatch, prepared, opened_as):
    opened = data.open_split

    def open_split(folder, size, split):
        return opened(folder, opened_as(size, split), split)

    monkeypatch.setattr(data, "open_split", open_split)
    contract = TestLinearInTorch()
    with pytest.raises(AssertionError):
        contract.test_half_of_the_training_data_holds_half_of_the_examples(prepared)


class SumsTwice(model_torch.Model):
    def loss(self, *arguments, **keywords):
        loss = super().loss(*arguments, **keywords)
        return {**loss, "summed": 2 * loss["summed"]}


class NeedsAMask(model_torch.Model):
    def loss(self, label_batch, logits_batch, mask_batch=None, label_smoothing=0.0):
        assert mask_batch is not None
        return super().loss(label_batch, logits_batch, mask_batch)


class IgnoresItsKey(model_torch.Model):
    def init(self, rng):
        return super().init((0, 0))


class LearnsNothing(model_torch.Model):
    def apply(self, params, *arguments, **keywords):
        logits, state = super().apply(params, *arguments, **keywords)
        return logits * 0, state


class FreezesItsBias(model_torch.Model):
    def apply(self, params, batch, *arguments, **keywords):
        return F.linear(batch["inputs"], params[0].weight, params[0].bias.detach()), None


class NormalisesInTraining(model_torch.Model):
    def apply(self, params, batch, model_state, mode, *arguments, **keywords):
        inputs = batch["inputs"] - (mode is ForwardPassMode.TRAIN) * batch["inputs"].mean(0)
        return super().apply(params, {"inputs": inputs}, model_state, mode, *arguments, **keywords)


class MovesStatisticsThatItDoesNotUse(model_torch.Model):
    def init(self, rng):
        network, state = super().init(rng)
        network.register_buffer("seen", torch.zeros(()))
        return network, state

    def apply(self, params, *arguments, **keywords):
        params.seen += 1
        return super().apply(params, *arguments, **keywords)


class HasNoReadout(model_torch.Model):
    def is_output(self, key):
        return key == "Dense_7"


@pytest.mark.parametrize(
    ("model", "test", "arguments"),
    [
        (SumsTwice, "the_loss_is_the_sum_of_the_losses_of_all_examples", ("no mask",)),
        (NeedsAMask, "the_loss_is_the_sum_of_the_losses_of_all_examples", ("no mask",)),
        (IgnoresItsKey, "initial_parameters_follow_their_key_alone", None),
        (LearnsNothing,
         "a_training_step_has_a_finite_loss_and_gradients_that_are_not_all_zero", ()),
        (FreezesItsBias, "two_steps_give_every_parameter_a_gradient", ()),
        (NormalisesInTraining,
         "training_differs_from_evaluation_by_statistics_and_dropout_alone", ()),
        (MovesStatisticsThatItDoesNotUse,
         "training_differs_from_evaluation_by_statistics_and_dropout_alone", ()),
        (HasNoReadout, "some_parameter_belongs_to_the_readout", None),
    ],
)
def test_models_that_cannot_be_trained_as_others_are_break_the_contract(
    monkeypatch, prepared, model, test, arguments
):
    class Broken(TestLinearInTorch):  # the tests of a class share its model
        pass

    monkeypatch.setattr(model_torch, "Model", model)
    given = () if arguments is None else (prepared, *arguments)
    with pytest.raises(AssertionError):
        getattr(Broken(), f"test_{test}")(*given)


def test_a_model_may_say_that_it_augments_inputs_in_training(monkeypatch, prepared):
    class Augments(TestLinearInTorch):
        augments_in_model = True

    monkeypatch.setattr(model_torch, "Model", NormalisesInTraining)
    contract = Augments()
    contract.test_training_differs_from_evaluation_by_statistics_and_dropout_alone(prepared)


def test_what_fails_in_a_suite_elsewhere_shows_its_values(tmp_path):
    (tmp_path / "test_mine.py").write_text(
        "from mlgolf.testing.contract import WorkloadContract\n"
        "class TestMine(WorkloadContract):\n"
        "    workload = 'linear'\n"
        "    def _metrics(self, batches):\n"
        "        return {'loss': float('nan')}\n"
    )
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "metrics_have", tmp_path]
    said = subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, text=True, cwd=tmp_path
    ).stdout
    assert "isfinite'>(nan)" in said
