from dataclasses import replace

import pytest

from mlgolf.analysis.diagnosis.bottleneck import Measurements, diagnosed
from mlgolf.analysis.diagnosis.roofline import Ceilings, Floor
from mlgolf.analysis.diagnosis.what_if import REACHED, Instance, on_instance

HERE = Ceilings(flops=1e11, bandwidth=1e10)
FLOOR = Floor(compute=0.1, bandwidth=0.0, overhead=1e-5, flop=1e10, bytes=1e6, operations=10)
STEP = Measurements(
    real=0.12, replay=0.1, load=0.02, optimizer=0.0, floor=FLOOR, peak_memory=1e9, threads=1,
)  # fmt: skip
THERE = Instance(
    name="x", cores=2, memory_bytes=64e9, accelerator="", accelerators=1,
    device_memory_bytes=64e9, flops=2e11 / REACHED, flops_tf32=0.0, bandwidth=1e10,
    host_link=0.0, network=1e9, dollars_per_hour=1.0, date="2025-01-01", source="made up",
)  # fmt: skip


def on(instance, measured=STEP, **others):
    return on_instance(
        diagnosed(measured), HERE, instance, **{"cores": 1, "batch_bytes": 0.0, **others}
    )


def test_computing_grows_with_flop_and_loading_with_cores():
    found = on(THERE)
    assert found.seconds["compute"] == pytest.approx(0.05, rel=1e-3)
    assert found.seconds["input"] == pytest.approx(0.01)
    assert found.bottleneck == "compute"


def test_a_fast_accelerator_leaves_the_loader_as_the_bottleneck():
    found = on(replace(THERE, flops=1e15))
    assert found.bottleneck == "input"
    assert found.step_seconds == pytest.approx(0.01)


def test_cores_are_shared_by_the_accelerators():
    found = on(replace(THERE, cores=8, accelerators=8))
    assert found.seconds["input"] == pytest.approx(0.02)
    assert any("counts as 0" in note for note in found.notes)


def test_accelerators_sum_their_gradients_over_what_joins_them():
    several = replace(THERE, cores=8, accelerators=8, device_link=1e9 / REACHED)
    measured = replace(STEP, gradient_bytes=4e7)
    found = on(several, measured)
    assert found.seconds["interconnect"] == pytest.approx(2 * 7 / 8 * 0.04)
    assert found.bottleneck == "interconnect"
    assert any("counted as if nothing hid it" in note for note in found.notes)
    assert on(THERE, measured).seconds["interconnect"] == 0


def test_without_a_link_of_their_own_accelerators_use_the_network():
    several = replace(THERE, accelerators=2, network=1e8 / REACHED)
    assert on(several, replace(STEP, gradient_bytes=1e6)).seconds["interconnect"] == (
        pytest.approx(0.01)
    )


def test_what_other_programs_took_here_is_no_gain_there():
    busy = replace(
        STEP, real=1.02, replay=1.0, alone=0.1, own_cores=1.0, other_cores=1.0, cores=2
    )
    found = on(THERE, busy)
    assert found.gain == pytest.approx(on(THERE).gain, rel=1e-6)
    assert "without other programs" in " ".join(found.notes)


def test_threads_that_are_too_many_here_are_no_gain_there():
    threads = replace(STEP, real=0.42, replay=0.4, threads=4, by_threads={1: 0.1, 4: 0.4})
    assert on(THERE, threads).gain == pytest.approx(on(THERE).gain, rel=1e-3)


def test_operations_take_as_long_to_start_there():
    slow_start = replace(STEP, floor=replace(FLOOR, overhead=0.05), by_batch={})
    found = on(replace(THERE, flops=1e15), slow_start)
    assert found.bottleneck == "overhead"


def test_a_batch_is_copied_over_the_link():
    found = on(replace(THERE, flops=1e15, host_link=1e9), batch_bytes=1e8)
    assert (found.bottleneck, found.seconds["copies"]) == ("copies", pytest.approx(0.1))


def test_what_does_not_fit_is_bound_by_memory():
    assert on(replace(THERE, device_memory_bytes=1e8)).bottleneck == "memory"


def test_loading_takes_as_much_of_the_workers_as_they_were_at_it():
    found = on(THERE, replace(STEP, real=0.12, load=0.02, workers=4))
    assert found.seconds["input"] == pytest.approx(4 * 0.12 / 2)


def test_tf32_is_said_but_not_assumed():
    found = on(replace(THERE, accelerator="NVIDIA X", flops_tf32=8 * THERE.flops))
    assert found.seconds["compute"] == on(THERE).seconds["compute"]
    assert any("TF32 products are 8 times" in note for note in found.notes)


def test_copies_of_unknown_size_are_said():
    assert any("count as 0" in note for note in on(replace(THERE, host_link=1e9)).notes)
