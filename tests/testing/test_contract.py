"""The contract by which plugin authors test their workloads: kept by ours, and it can fail."""

from pathlib import Path

import numpy as np
import pytest

from mlgolf.core.registry import load_workload
from mlgolf.core.workload import Outputs
from mlgolf.data import layout
from mlgolf.testing.contract import WorkloadContract
from mlgolf.testing.linear import data
from mlgolf.workloads.parts import means


class TestLinearInTorch(WorkloadContract):
    workload, framework = "linear", "torch"


class TestLinearInJax(WorkloadContract):
    workload, framework = "linear", "jax"


@pytest.fixture
def prepared(data_dir: Path) -> Path:
    return layout.prepared_folder(load_workload("linear"), "mini", data_dir)


class CountsPadding(means.Metrics):
    def update(self, outputs, batch):
        super().update(outputs, {})


class NamesByBatch(means.Metrics):
    def update(self, outputs: Outputs, batch):
        super().update(outputs, batch)
        self._means.add(np.zeros(1), **{f"loss_{int(self._means._examples)}": np.zeros(1)})


def test_metrics_that_count_padding_break_the_contract(monkeypatch, prepared):
    monkeypatch.setattr(means, "Metrics", CountsPadding)
    with pytest.raises(AssertionError):
        TestLinearInTorch().test_examples_of_weight_zero_count_for_nothing(prepared)


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
