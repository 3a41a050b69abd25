import pytest

from mlgolf.workloads.cost_shares import CostShare, as_toml, read_cost_shares

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


def test_what_is_written_is_read_again(tmp_path):
    file = tmp_path / "cost_shares.toml"
    table = {"clicks": {"mini": MINI, "full": FULL}, "images": {"mini": MINI}}
    file.write_text(as_toml(table))
    assert read_cost_shares(file) == table


def test_without_a_file_nothing_was_measured(tmp_path):
    assert read_cost_shares(tmp_path / "none.toml") == {}
