from dataclasses import replace

import pytest

from mlgolf.core.registry import load_workload, workload_names
from mlgolf.workloads.cost_shares import CostShare, as_toml, from_toml, read_cost_shares

MINI = CostShare(
    batch_size=256, measured_examples=(256,), forward_backward_ms=3.0, update_ms=1.0,
    provenance='one thread of "a machine"',
)  # fmt: skip
FULL = CostShare(
    batch_size=262_144, measured_examples=(2, 8192), forward_backward_ms=98_000.0,
    update_ms=2_000.0, provenance="the same",
)  # fmt: skip


def test_the_share_is_that_of_the_update_in_the_whole_step():
    assert MINI.share == 0.25
    assert FULL.share == pytest.approx(0.02)


def test_what_is_written_is_read_again():
    table = {"mini": MINI, "full": FULL}
    assert from_toml(as_toml(table)) == table


def test_a_workload_without_a_file_was_not_measured():
    assert read_cost_shares(load_workload("linear")) == {}


def test_a_package_from_elsewhere_brings_its_own(monkeypatch, tmp_path):
    (tmp_path / "clicks_elsewhere").mkdir()
    (tmp_path / "clicks_elsewhere" / "__init__.py").touch()
    (tmp_path / "clicks_elsewhere" / "cost_shares.toml").write_text(as_toml({"mini": MINI}))
    monkeypatch.syspath_prepend(tmp_path)
    workload = replace(load_workload("linear"), package="clicks_elsewhere")
    assert read_cost_shares(workload) == {"mini": MINI}


@pytest.mark.parametrize("name", workload_names())
def test_what_was_measured_is_a_step_of_the_size_as_it_is(name):
    workload = load_workload(name)
    measured = {size: row.batch_size for size, row in read_cost_shares(workload).items()}
    assert measured == {size: workload.size(size).batch_size for size in measured}


@pytest.mark.parametrize("name", ["criteo1tb", "imagenet_resnet", "finewebedu_lm"])
def test_the_miniatures_were_measured(name):
    assert "mini" in read_cost_shares(load_workload(name))
