"""The process that measures: what it tells, and how it fails."""

import pytest

from mlgolf.analysis.diagnosis.roofline import Ceilings
from mlgolf.core.errors import DiagnosisError
from mlgolf.diagnosis import ceilings_torch
from mlgolf.diagnosis.ceilings import ceilings
from mlgolf.diagnosis.job import JobPlan
from mlgolf.diagnosis.memory import Fits
from mlgolf.diagnosis.workloads import _in_a_process, measure

FITS = Fits(largest=8, is_limit=False, peak=1e6, limit=1e9)


def plan(data_dir, workload="linear"):
    return JobPlan(
        workload=workload, size="mini", framework="torch", submission="nadamw",
        data_dir=str(data_dir), batch_size=8, threads=1,
    )  # fmt: skip


def test_what_the_process_measured_comes_back_as_it_was(data_dir, monkeypatch):
    pytest.importorskip("torch")
    known = Ceilings(flops=1e11, bandwidth=1e10, flops_by_type={"bfloat16": 2e11})
    monkeypatch.setattr(ceilings_torch, "measured", lambda threads: known)
    kept = ceilings(data_dir, "torch", 1, fresh=True)
    found = measure(plan(data_dir))
    measured = found.measurements
    assert found.ceilings == kept
    assert measured.floor is not None
    assert set(measured.by_batch) >= {4, 8}
    phases = measured.forward + measured.backward + measured.optimizer
    assert phases == pytest.approx(measured.replay)
    assert measured.real == pytest.approx(measured.replay + measured.load + measured.copy)


def test_an_error_that_a_person_can_act_on_is_told_as_it_is(tmp_path):
    with pytest.raises(DiagnosisError, match="'linaer'"):
        _in_a_process(plan(tmp_path, "linaer"), FITS, 8, False, lambda _: None)


def test_a_process_that_fails_otherwise_is_quoted(data_dir, tmp_path):
    gone = plan(tmp_path)
    with pytest.raises(DiagnosisError, match="linear: the process that measures steps ended"):
        _in_a_process(gone, FITS, 8, False, lambda _: None)
