"""Rules on made-up measurements: nothing here is timed."""

from dataclasses import replace

import pytest

from mlgolf.analysis.diagnosis.bottleneck import (
    Measurements,
    amdahl,
    diagnosed,
    fixed_seconds,
    larger_batch_gain,
)
from mlgolf.analysis.diagnosis.operation_times import OperationTimes
from mlgolf.analysis.diagnosis.roofline import Floor

COMPUTING = Floor(
    compute=0.08, bandwidth=0.01, overhead=0.001, flop=8e9, bytes=1e8, operations=100
)
PROFILE = OperationTimes(products=0.01, others=0.03, product_calls=20, other_calls=80)
PLAIN = Measurements(
    real=0.1, replay=0.1, load=0.0, copy=0.0, forward=0.03, backward=0.06, optimizer=0.01,
    batch_size=64, by_batch={32: 0.05, 64: 0.1, 128: 0.2}, threads=2, by_threads={1: 0.2, 2: 0.1},
    floor=COMPUTING, peak_memory=1e9, memory_limit=8e9, largest_batch=512,
)  # fmt: skip


def changed(**fields):
    return diagnosed(replace(PLAIN, **fields))


def test_a_step_that_computes_is_bound_by_compute():
    assert changed().bottleneck == "compute"


def test_a_slow_loader_is_input():
    found = changed(real=0.4, load=0.3)
    assert found.bottleneck == "input"
    assert found.shares["input"] == pytest.approx(0.75)
    assert found.findings[0].bound == pytest.approx(4)


def test_a_real_step_waits_no_longer_than_loading_takes():
    found = changed(real=0.15, load=0.01)
    assert found.bottleneck == "compute"
    assert found.shares["input"] == pytest.approx(0.01 / 0.11)


BUSY = {"own_cores": 0.6, "other_cores": 1.4, "cores": 2}
FREE = {"own_cores": 1.0, "other_cores": 0.1, "cores": 2}
HELD_UP = {
    "real": 0.51, "load": 0.01, "replay": 0.5, "alone": 0.01, "threads": 1, "by_threads": {},
}  # fmt: skip


def test_a_step_far_longer_than_its_parts_on_busy_cores_waits_for_other_programs():
    found = changed(**HELD_UP, **BUSY)
    assert found.bottleneck == "other_programs"
    assert found.shares["other_programs"] == pytest.approx(0.49 / 0.51)
    assert "other programs used 1.4 of 2 cores" in found.findings[0].why
    assert found.step_seconds == pytest.approx(0.51)


def test_where_the_cores_were_free_a_far_longer_step_is_unexplained():
    found = changed(**HELD_UP, **FREE, cpu=0.45)
    assert (found.bottleneck, found.shares["other_programs"]) == ("unexplained", 0)
    assert "why cannot be told" in found.findings[0].why


def test_a_step_that_waits_by_itself_is_told_by_its_cpu_time():
    found = changed(**HELD_UP, **FREE, cpu=0.02)
    assert "computed for 20.0 of 500 ms and waited otherwise" in found.findings[0].why


def test_a_step_a_little_longer_than_when_it_is_repeated_is_its_parts():
    found = changed(**HELD_UP | {"alone": 0.4}, **BUSY)
    assert found.shares["other_programs"] == 0
    assert found.step_seconds == pytest.approx(0.51)


def test_threads_that_other_programs_hold_up_are_not_too_many():
    by_threads = {"threads": 2, "by_threads": {1: 0.01, 2: 0.45}, "alone": 0.48}
    assert changed(**HELD_UP | by_threads, **BUSY).bottleneck == "other_programs"
    assert changed(**HELD_UP | by_threads, **FREE).bottleneck == "threads"


def test_more_threads_than_cores_are_too_many_on_busy_cores_too():
    by_threads = {"threads": 16, "by_threads": {1: 0.01, 16: 0.45}, "alone": 0.48}
    assert changed(**HELD_UP | by_threads, **BUSY).bottleneck == "threads"


def test_a_replay_far_shorter_than_real_steps_leaves_something_unexplained():
    assert changed(real=0.4, load=0.01).bottleneck == "unexplained"


def test_a_step_far_longer_than_its_operations_need_may_be_python():
    tiny = replace(COMPUTING, compute=1e-5, bandwidth=1e-5, overhead=1e-4)
    assert "may be Python" in " ".join(changed(floor=tiny).notes)


def test_a_step_twice_as_long_as_when_it_is_repeated_is_told():
    found = changed(**HELD_UP | {"alone": 0.25}, **BUSY)
    assert found.shares["other_programs"] == 0
    assert "took 2 times as long as the same repeated" in " ".join(found.notes)


def test_few_repeats_are_told():
    assert "repeated 2 times only" in " ".join(changed(repeats=2).notes)
    assert changed(repeats=20, profile=PROFILE).notes == ()


def test_loading_beside_the_step_costs_nothing():
    assert changed(load=0.09).shares["input"] == 0


def test_copies_are_told_from_loading():
    found = changed(real=0.2, load=0.0, copy=0.1)
    assert (found.bottleneck, found.shares["copies"]) == ("copies", pytest.approx(0.5))


def test_a_step_that_does_not_grow_with_the_batch_and_has_many_operations_is_overhead():
    floor = replace(COMPUTING, overhead=0.09, operations=20_000)
    found = changed(by_batch={32: 0.099, 64: 0.1, 128: 0.101}, floor=floor)
    assert found.bottleneck == "overhead"
    assert "20,000 operations" in found.findings[0].why


def test_few_operations_are_no_overhead_however_flat_the_sweep():
    found = changed(by_batch={32: 0.099, 64: 0.1, 128: 0.101})
    assert found.shares["overhead"] == pytest.approx(0.01)


def test_where_operations_are_not_counted_a_flat_sweep_is_overhead():
    floor = replace(COMPUTING, overhead=float("nan"), operations=0)
    found = changed(by_batch={32: 0.099, 64: 0.1, 128: 0.101}, floor=floor)
    assert found.bottleneck == "overhead"


def test_operations_that_are_started_while_a_device_works_cost_nothing():
    floor = replace(COMPUTING, overhead=0.05, operations=20_000)
    flat = {32: 0.099, 64: 0.1, 128: 0.101}
    assert changed(floor=floor, by_batch=flat, issued=0.01).shares["overhead"] == 0
    assert changed(floor=floor, by_batch=flat, issued=0.1).shares["overhead"] > 0.4


def test_a_step_that_loaded_longer_than_it_took_is_refused():
    with pytest.raises(ValueError, match="of loading"):
        diagnosed(Measurements(real=7.0, load=8.0, replay=-1.0))


def test_what_a_compiled_step_saves_is_overhead():
    assert changed(compiled=0.03).bottleneck == "overhead"


def test_a_step_of_few_flop_per_byte_is_bound_by_bandwidth():
    assert changed(floor=replace(COMPUTING, compute=0.001, bandwidth=0.08)).bottleneck == (
        "bandwidth"
    )


def test_softmax_and_activations_are_not_computing_however_far_from_the_roof_they_run():
    flat = {32: 0.099, 64: 0.1, 128: 0.101}
    shares = changed(profile=PROFILE, by_batch=flat).shares
    assert shares["compute"] == pytest.approx((0.09 / 4 - 0.2 * 0.001) / 0.1)
    assert shares["bandwidth"] == pytest.approx((3 * 0.09 / 4 - 0.8 * 0.001) / 0.1)


@pytest.mark.parametrize(("thin", "part"), [(0.06, "bandwidth"), (0.01, "compute")])
def test_products_are_bound_by_bandwidth_where_most_do_few_flop_per_byte(thin, part):
    floor = replace(COMPUTING, compute=0.02, bandwidth=0.07, thin_products=thin)
    only = OperationTimes(products=0.09, others=0.0)
    assert changed(profile=only, floor=floor).shares[part] == pytest.approx(0.9)


def test_starting_operations_is_taken_from_products_by_their_number():
    started = replace(PROFILE, product_calls=0, other_calls=100)
    assert changed(profile=started).shares["compute"] == pytest.approx(0.09 / 4 / 0.1)


def test_without_a_profile_the_split_is_called_a_bound():
    assert "which is a bound" in " ".join(changed().notes)
    assert "which is a bound" not in " ".join(changed(profile=PROFILE).notes)


def test_a_long_update_is_the_optimizer():
    assert changed(forward=0.01, backward=0.02, optimizer=0.07).bottleneck == "optimizer"


def test_too_many_threads_are_told_by_fewer_that_are_faster():
    found = changed(threads=8, by_threads={1: 0.05, 2: 0.02, 8: 0.1})
    assert (found.bottleneck, found.shares["threads"]) == ("threads", pytest.approx(0.8))
    assert "2 would be faster" in found.findings[0].why


def test_more_threads_that_would_be_faster_hold_nothing_back():
    assert changed(threads=1, by_threads={1: 0.1, 2: 0.05}).shares["threads"] == 0


def test_waiting_for_other_devices_is_interconnect():
    assert changed(one_device=0.03).bottleneck == "interconnect"


def test_what_steps_that_sum_no_gradients_save_is_interconnect():
    found = changed(replay=0.1, alone=0.08, one_device=0.02)
    assert found.shares["interconnect"] == pytest.approx(0.75)


def test_communication_that_no_computing_hides_is_interconnect():
    found = changed(profile=replace(PROFILE, communication=0.06))
    assert (found.bottleneck, found.shares["interconnect"]) == ("interconnect", pytest.approx(0.6))


def test_running_out_of_memory_comes_before_all_else():
    found = changed(ran_out=True, asked_batch_size=128, largest_batch=64, real=0.4, load=0.3)
    assert found.bottleneck == "memory"
    assert "128" in found.findings[0].why
    assert found.findings[1].bottleneck == "input"


def test_memory_alone_is_known_where_no_step_was_measured():
    found = diagnosed(Measurements(real=float("nan"), ran_out=True))
    assert (found.bottleneck, found.shares) == ("memory", {})


def test_full_memory_holds_back_only_where_a_larger_batch_would_be_faster():
    assert changed(peak_memory=7.9e9).bottleneck == "compute"
    flat = changed(peak_memory=7.9e9, by_batch={32: 0.09, 64: 0.1}, largest_batch=64)
    assert "memory" in {finding.bottleneck for finding in flat.findings}


def test_memory_is_not_full_where_a_larger_batch_was_seen_to_fit():
    flat = changed(peak_memory=7.9e9, by_batch={32: 0.09, 64: 0.1}, largest_batch=128)
    assert "memory" not in {finding.bottleneck for finding in flat.findings}


@pytest.mark.parametrize(
    "fields", [{}, {"real": 0.3, "load": 0.2, "copy": 0.05}, {"threads": 4, "by_threads": {
        2: 0.02, 4: 0.1}}, {"optimizer": 0.2}, {"floor": None}],
)  # fmt: skip
def test_shares_add_up_to_one_and_none_is_negative(fields):
    shares = changed(**fields).shares
    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares.values()) >= 0


def test_without_counted_operations_nothing_is_said_of_them():
    assert "is not known" in diagnosed(Measurements(real=0.1)).findings[0].why


def test_what_was_not_measured_is_said():
    notes = " ".join(diagnosed(Measurements(real=0.1)).notes)
    assert "the optimizer" in notes
    assert "not counted" in notes


def test_a_step_that_took_no_time_is_refused():
    with pytest.raises(ValueError, match="takes time"):
        diagnosed(Measurements(real=0.0))


def test_removing_half_of_a_step_makes_it_twice_as_fast():
    assert (amdahl(0.5), amdahl(1.0)) == (2, float("inf"))


def test_the_fixed_part_is_where_the_line_begins():
    assert fixed_seconds({32: 3.0, 64: 5.0}) == pytest.approx(1.0)
    assert fixed_seconds({32: 1.0, 64: 3.0}) == 0.0


def test_a_larger_batch_spreads_the_fixed_part():
    flat = replace(PLAIN, by_batch={32: 0.1, 64: 0.1})
    assert larger_batch_gain(flat) == pytest.approx(2)
    assert larger_batch_gain(PLAIN) == pytest.approx(1)
