"""Which batch fits, tried in a process of its own."""

import gc
from dataclasses import replace

import pytest

from mlgolf.core.errors import DiagnosisError
from mlgolf.diagnosis import memory
from mlgolf.diagnosis.job import JobPlan, build
from mlgolf.diagnosis.memory import Ended, largest_that_fits

PLAN = JobPlan(workload="linear", size="mini", framework="torch", submission="nadamw", data_dir="",
               threads=1)  # fmt: skip

BEGUN = [
    {"limit": 1e9}, {"batch": 8}, {"batch": 8, "fits": True, "peak": 5.0}, {"batch": 16},
]  # fmt: skip
FITS, DOES_NOT = {"batch": 8, "fits": True, "peak": 5.0}, {"batch": 16, "fits": False}


@pytest.mark.parametrize(
    ("code", "said"), [(-9, ""), (-6, "terminate called"), (1, "Traceback\nMemoryError")]
)
def test_a_batch_in_which_memory_ran_out_does_not_fit(code, said):
    assert Ended(told=BEGUN, said=said, code=code).tried == [FITS, DOES_NOT]


@pytest.mark.parametrize(
    ("code", "said", "is_slow"), [(1, "ValueError: no such rows", False), (-9, "", True)]
)
def test_of_a_batch_that_failed_otherwise_nothing_is_known(code, said, is_slow):
    assert Ended(told=BEGUN, said=said, code=code, is_slow=is_slow).tried == [FITS]


def test_a_batch_that_failed_is_quoted():
    ended = Ended(told=[{"batch": 16}], said="Traceback\nValueError: no such rows\n", code=1)
    assert ended.why("linear").endswith("code 1 in a step of 16 examples: ValueError: no such rows")


def test_a_step_that_does_not_end_is_called_slow():
    ended = Ended(told=[{"batch": 16}], said="", code=-9, is_slow=True)
    assert "a step of 16 examples had not ended after 240 s" in ended.why("linear")


class Tries:
    """In place of the process: all up to some batch fit."""

    def __init__(self, largest):
        self.largest, self.first = largest, []

    def __call__(self, order, threads):
        batch, told = order["first"], []
        self.first.append(batch)
        while batch < (order["too_large"] or 2 * batch):
            fits = batch <= self.largest
            told.append({"batch": batch, "fits": fits, "peak": float(batch)})
            batch *= 2
            if not fits or len(told) > order["doublings"]:
                break
        return Ended(told=told, said="", code=0)


@pytest.mark.parametrize("largest", [1, 2, 4, 8, 16, 32])
def test_the_largest_batch_that_fits_is_found_below_the_one_that_does_not(monkeypatch, largest):
    monkeypatch.setattr(memory, "_try", Tries(largest))
    found = largest_that_fits(PLAN, asked=64)
    assert (found.largest, found.peak, found.is_limit) == (largest, largest, True)


def test_after_a_batch_that_does_not_fit_another_process_goes_on(monkeypatch):
    tries = Tries(largest=4)
    monkeypatch.setattr(memory, "_try", tries)
    largest_that_fits(PLAN, asked=64)
    assert tries.first == [64, 16, 4]


def test_a_process_that_fails_otherwise_is_an_error(monkeypatch):
    failed = Ended(told=[{"limit": 1e9}, {"batch": 8}], said="ValueError: no rows", code=1)
    monkeypatch.setattr(memory, "_try", lambda order, threads: failed)
    with pytest.raises(DiagnosisError, match="no rows"):
        largest_that_fits(PLAN, asked=8)


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_what_a_job_keeps_is_memory_of_its_step(data_dir, framework):
    numpy = pytest.importorskip("torch" if framework == "torch" else "jax.numpy")
    job = build(replace(PLAN, framework=framework, data_dir=str(data_dir)))
    gc.collect()  # of other tests
    before = job.memory_apart()
    kept = numpy.ones(25_000_000)  # 100 MB
    assert kept[-1].item() == 1
    assert job.memory_apart() - before < 5e7


def test_what_the_framework_takes_itself_is_no_memory_of_the_step(data_dir):
    pytest.importorskip("torch")
    found = largest_that_fits(replace(PLAN, data_dir=str(data_dir)), asked=8, limit=2e8)
    # That is less than PyTorch takes.
    assert found.limit == 2e8
    assert found.largest == 64
    assert found.peak < 1e8


def test_in_jax_other_processes_go_on_after_memory_ran_out(data_dir):
    pytest.importorskip("jax")
    plan = replace(PLAN, framework="jax", data_dir=str(data_dir))
    found = largest_that_fits(plan, asked=4, limit=1.0)
    assert (found.largest, found.smallest, found.is_limit) == (0, 1, True)
