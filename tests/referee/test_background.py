"""What the machine did around a trial: by the kernel's counts, and by a probe on both sides."""

import os

import pytest

from mlgolf.core.errors import SandboxError
from mlgolf.core.hardware import load_hardware
from mlgolf.referee.background import (
    STAT,
    BackgroundLoad,
    CoreSeconds,
    between,
    core_seconds,
)

HARDWARE = load_hardware("one-thread-cpu")
TICKS = os.sysconf("SC_CLK_TCK")
QUIET = {0: CoreSeconds(0, 0), 1: CoreSeconds(0, 0)}


def scripted(*answers):
    """A probe that gives these, one after the other; an error is raised."""
    left = [*answers]

    def probe(hardware, cores):
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return probe


def test_busy_time_leaves_out_idle_waiting_and_guests_that_are_counted_already():
    text = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu3 100 20 30 1000 500 4 6 70 50 5\nintr 1 2\n"
    assert core_seconds(text) == {3: CoreSeconds(160 / TICKS, 70 / TICKS)}


def test_a_kernel_counts_the_cores_of_this_machine():
    assert os.sched_getaffinity(0) <= core_seconds(STAT.read_text()).keys()


def test_what_player_and_referee_used_is_not_a_neighbours():
    after = {0: CoreSeconds(1.5, 0), 1: CoreSeconds(9, 0)}
    found = between(QUIET, after, seconds=10, ours=10.5, cores=[1])
    assert (found.others, found.stolen, found.other_cores) == (0, 0, 1)


def test_a_neighbour_is_told_in_cores_that_it_kept_busy():
    after = {0: CoreSeconds(8, 0), 1: CoreSeconds(9, 0)}
    found = between(QUIET, after, seconds=10, ours=9, cores=[1])
    assert found.others == pytest.approx(0.8, abs=0.01)


def test_time_that_was_stolen_on_other_cores_is_not_the_players():
    after = {0: CoreSeconds(0, 5), 1: CoreSeconds(0, 2)}
    for cores, stolen in ([1], 0.2), ([], 0.35):
        found = between(QUIET, after, seconds=10, ours=0, cores=cores)
        assert found.stolen == pytest.approx(stolen, abs=0.01)


def test_a_tick_at_each_end_is_no_neighbour():
    after = {0: CoreSeconds(1 / TICKS, 0), 1: CoreSeconds(1 / TICKS, 2 / TICKS)}
    found = between(QUIET, after, seconds=0.1, ours=0, cores=[1])
    assert (found.others, found.stolen) == (0, 0)


def test_there_is_a_reading_on_both_sides_of_a_trial():
    watched = BackgroundLoad(HARDWARE, [0], probe=scripted(0.03, 0.04))
    watched.begin()
    found = watched.end(0.0)
    assert (found.before, found.after, found.problem) == (0.03, 0.04, "")
    assert found.wall_seconds > 0


def test_beside_other_trials_no_probe_is_run_and_the_record_says_so():
    watched = BackgroundLoad(HARDWARE, [0], beside_trials=True, probe=scripted())
    watched.begin()
    found = watched.end(0.0)
    assert (found.before, found.after, found.beside_trials) == (None, None, True)


def test_a_probe_that_fails_is_recorded_and_ends_no_trial():
    failing = scripted(0.03, SandboxError("the probe failed: no answer"))
    watched = BackgroundLoad(HARDWARE, [0], probe=failing)
    watched.begin()
    found = watched.end(0.0)
    assert (found.before, found.after) == (0.03, None)
    assert found.problem == "the probe failed: no answer"
