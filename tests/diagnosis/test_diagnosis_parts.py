"""Ceilings that are kept, instance types, facts of methods, words for memory."""

import json

import pytest

from mlgolf.analysis.diagnosis.roofline import Ceilings
from mlgolf.core.errors import DiagnosisError, UnknownName
from mlgolf.diagnosis import ceilings as ceilings_module
from mlgolf.diagnosis import ceilings_torch
from mlgolf.diagnosis.ceilings import ceilings
from mlgolf.diagnosis.instances import instance, instances
from mlgolf.diagnosis.job import JobPlan, checked
from mlgolf.diagnosis.method_facts import FOR, method_facts, savings
from mlgolf.diagnosis.out_of_memory import is_out_of_memory
from mlgolf.methods import METHODS


def rates(flops):
    return Ceilings(flops=flops, bandwidth=2e9, launch_seconds=1e-6)


def test_ceilings_are_measured_once(tmp_path, monkeypatch):
    monkeypatch.setattr(ceilings_torch, "measured", lambda threads: rates(1e9))
    first = ceilings(tmp_path, "torch", 1)
    monkeypatch.setattr(ceilings_torch, "measured", lambda threads: rates(5e9))
    assert ceilings(tmp_path, "torch", 1) == first
    assert ceilings(tmp_path, "torch", 2).flops == 5e9
    assert ceilings(tmp_path, "torch", 1, fresh=True).flops == 5e9
    (file,) = (tmp_path / "ceilings").iterdir()
    assert len(json.loads(file.read_text())) == 2


def test_another_processor_of_the_same_name_has_ceilings_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(ceilings_torch, "measured", lambda threads: rates(1e9))
    monkeypatch.setattr(ceilings_module, "machine", lambda: {"processor": "slow"})
    ceilings(tmp_path, "torch", 1)
    monkeypatch.setattr(ceilings_torch, "measured", lambda threads: rates(5e9))
    monkeypatch.setattr(ceilings_module, "machine", lambda: {"processor": "fast"})
    assert ceilings(tmp_path, "torch", 1).flops == 5e9


def test_damaged_ceilings_are_measured_again(tmp_path, monkeypatch):
    monkeypatch.setattr(ceilings_torch, "measured", lambda threads: rates(1e9))
    ceilings(tmp_path, "torch", 1)
    (file,) = (tmp_path / "ceilings").iterdir()
    file.write_text("{")
    assert ceilings(tmp_path, "torch", 1).flops == 1e9


@pytest.mark.parametrize("found", instances().values(), ids=lambda found: found.name)
def test_every_instance_type_has_a_date_and_a_source(found):
    assert len(found.date) == 10
    assert found.source
    assert min(found.cores, found.flops, found.bandwidth, found.device_memory_bytes) > 0


def test_an_unknown_instance_type_is_told_with_those_known():
    with pytest.raises(UnknownName, match="h100"):
        instance("h1000")


def test_facts_are_of_methods_that_there_are():
    assert savings().keys() | FOR.keys() <= METHODS.keys()


def test_selective_backprop_saves_in_every_second_step_of_its_window():
    assert savings("images")["selective_backprop"].share == pytest.approx(
        0.4 * 0.5 * (1 - 0.25 / 3 - 0.5), rel=1e-3
    )


def test_without_images_the_pass_that_chooses_is_a_whole_one():
    assert savings("tokens")["selective_backprop"].share == pytest.approx(
        0.4 * 0.5 * (1 - 1 / 3 - 0.5), rel=1e-3
    )


def test_a_curriculum_saves_what_its_stages_save():
    assert savings()["regularisation_curriculum"].share == pytest.approx(
        0.4 * 0.75 + 0.4 * (1 - 0.85**2), rel=1e-3
    )


def test_methods_for_other_data_are_left_out():
    names = {facts.name for facts in method_facts("cpu", "tokens", frozenset())}
    assert "sequence_length_warmup" in names
    assert "colout" not in names


def test_without_its_instructions_mixed_precision_gains_nothing_on_a_cpu():
    def limits(device, *flags):
        known = {facts.name: facts for facts in method_facts(device, None, frozenset(flags))}
        return known["mixed_precision"].limits

    assert limits("cpu", "avx2")
    assert not limits("cpu", "amx_bf16")
    assert not limits("cuda", "avx2")


def test_frameworks_say_in_their_own_words_that_memory_ran_out():
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes"))
    assert not is_out_of_memory(ValueError("shapes differ"))


def test_a_workload_whose_network_is_brought_is_refused(tmp_path):
    plan = JobPlan(
        workload="onnx", size="mini", framework="torch", submission="nadamw",
        data_dir=str(tmp_path),
    )  # fmt: skip
    with pytest.raises((DiagnosisError, UnknownName)):
        checked(plan)
