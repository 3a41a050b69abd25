import math
from dataclasses import replace

import pytest

from mlgolf.analysis.diagnosis.advice import MethodFacts, advised
from mlgolf.analysis.diagnosis.bottleneck import Measurements, diagnosed

LOADING = Measurements(
    real=0.4, replay=0.1, load=0.3, optimizer=0.0, batch_size=8, by_batch={4: 0.05, 8: 0.1},
)  # fmt: skip
ECHO = MethodFacts(name="echo", relieves=("input",), takes_away=0.5, source="by arithmetic")
SMALLER = MethodFacts(name="smaller", relieves=("compute",), loads=("input",), takes_away=0.5)


def advice(measured, *methods, cores=1):
    return {one.method: one for one in advised(diagnosed(measured), methods, cores)}


def test_the_gain_is_computed_from_the_shares():
    assert advice(LOADING, ECHO)["echo"].expected_gain == pytest.approx(1 / (1 - 0.5 * 0.75))
    slower = replace(LOADING, real=1.0, load=0.9)
    assert advice(slower, ECHO)["echo"].expected_gain == pytest.approx(1 / (1 - 0.5 * 0.9))


def test_what_loads_the_bottleneck_comes_last_and_says_why():
    found = advised(diagnosed(LOADING), [SMALLER, ECHO])
    assert [one.method for one in found] == ["echo", "smaller"]
    assert "adds to input" in found[-1].why
    assert found[-1].expected_gain == 1


def test_where_other_programs_have_the_cores_a_quiet_machine_is_advised():
    busy = replace(
        LOADING, real=1.3, load=0.3, replay=1.0, alone=0.1, own_cores=1.0, other_cores=1.0, cores=2
    )
    assert advice(busy)["quiet_machine"].expected_gain == pytest.approx(1.3 / 0.4)
    assert "quiet_machine" not in advice(replace(busy, other_cores=0.0))


def test_what_relieves_nothing_here_is_left_out():
    assert advice(LOADING, MethodFacts(name="x", relieves=("optimizer",), takes_away=0.5)) == {}


def test_where_nobody_says_how_much_little_is_assumed():
    found = advice(LOADING, MethodFacts(name="x", relieves=("input",)))["x"]
    assert found.expected_gain == pytest.approx(1 / (1 - 0.1 * 0.75))
    assert "not known" in found.why


def test_a_limit_of_this_machine_leaves_no_gain():
    limited = replace(ECHO, limits="not here: no such instructions")
    assert advice(LOADING, limited)["echo"].expected_gain == 1


def test_loading_on_other_cores_hides_behind_the_step():
    assert "loader_workers" not in advice(LOADING)
    assert advice(LOADING, cores=2)["loader_workers"].expected_gain == pytest.approx(0.4 / 0.3)
    assert advice(LOADING, cores=8)["loader_workers"].expected_gain == pytest.approx(4)


def test_workers_that_are_too_few_are_helped_by_more_alone():
    waiting = replace(LOADING, workers=2)
    assert "loader_workers" not in advice(waiting, cores=3)
    assert advice(waiting, cores=5)["loader_workers"].expected_gain == pytest.approx(2)


def test_pinned_memory_is_for_copies_to_another_device():
    copying = replace(LOADING, load=0.0, copy=0.3)
    assert "pinned_memory" not in advice(copying)
    assert "pinned_memory" in advice(replace(copying, device="cuda"))


def test_the_best_threads_are_advised_also_where_they_are_more():
    measured = replace(LOADING, threads=1, by_threads={1: 0.1, 2: 0.05})
    assert advice(measured)["threads"].expected_gain == pytest.approx(0.4 / 0.35)


def test_a_larger_batch_is_advised_where_it_fits():
    flat = replace(LOADING, by_batch={4: 0.1, 8: 0.1})
    assert advice(flat)["larger_batch"].expected_gain == pytest.approx(2)
    assert "larger_batch" not in advice(replace(flat, largest_batch=8, largest_is_limit=True))


def test_out_of_memory_is_answered_by_what_needs_less():
    ran_out = Measurements(real=math.nan, ran_out=True, asked_batch_size=8)
    halves = MethodFacts(name="halves", relieves=("memory",), takes_away=0.3)
    average = MethodFacts(name="average", relieves=(), loads=("memory",))
    found = advised(diagnosed(ran_out), [average, halves])
    assert {one.method for one in found[:2]} == {"halves", "gradient_accumulation"}
    assert found[-1].method == "average"
