"""Which batch fits, tried in a process of its own."""

import pytest

from mlgolf.diagnosis.job import JobPlan
from mlgolf.diagnosis.memory import _last_of_each_batch, largest_that_fits


def test_a_batch_that_was_begun_and_not_ended_does_not_fit():
    told = [
        {"limit": 1e9}, {"batch": 8}, {"batch": 8, "fits": True, "peak": 5.0}, {"batch": 16},
    ]  # fmt: skip
    assert _last_of_each_batch(told) == [
        {"batch": 8, "fits": True, "peak": 5.0}, {"batch": 16, "fits": False},
    ]  # fmt: skip


def test_what_the_framework_takes_itself_is_no_memory_of_the_step(data_dir):
    pytest.importorskip("torch")
    plan = JobPlan(
        workload="linear", size="mini", framework="torch", submission="nadamw",
        data_dir=str(data_dir), threads=1,
    )  # fmt: skip
    found = largest_that_fits(plan, asked=8, limit=2e8)  # less than PyTorch takes
    assert found.limit == 2e8
    assert found.largest == 64
    assert found.peak < 1e8
