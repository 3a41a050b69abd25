"""What of evaluations is on the contestant's clock; played by fakes."""

import pytest
from played import PATIENT, play, submitted

from mlgolf.core.messages import Evaluated, Finished
from mlgolf.referee.clock import TrialClock
from mlgolf.referee.evaluation_share import FreeShare
from mlgolf.testing.fakes import FakeClock, FakeEvaluator, MemoryStore


def test_evaluation_time_is_not_charged_to_the_submission():
    class SlowEvaluator(FakeEvaluator):
        def evaluate(self, arrays, splits):
            clock.read()  # a fake clock goes on at every read unless it is paused
            return super().evaluate(arrays, splits)

    clock = FakeClock(seconds_per_read=1.0)
    _, store = play([submitted(100)], clock=clock, evaluator=SlowEvaluator([0.01]))
    assert store.rows[0].reading.seconds == 1.0


@pytest.mark.parametrize("rule", ["cpu", "wall"])
def test_what_a_slow_disk_takes_for_a_row_is_on_no_clock(rule):
    class SlowStore(MemoryStore):
        seconds = 0.0

        def append(self, row):
            self.seconds += 100.0
            super().append(row)

    store = SlowStore()
    play(
        [submitted(100), submitted(200)], [0.5, 0.01], store=store,
        clock=TrialClock(rule, lambda: store.seconds),
    )
    for clock in ("wall", "seconds"):
        assert max(getattr(row.reading, clock) for row in store.rows) < 1.0


@pytest.mark.parametrize("step", [3, 100])
def test_what_an_evaluation_costs_beyond_its_share_of_the_clock_is_charged_at_any_step(step):
    clock = FakeClock(seconds_per_read=0.1, work_per_look=1.0)
    script = [submitted(step), Finished(step, "done")]
    _, store = play(script, [0.5], clock=clock, share=0.25)
    (row,) = store.rows
    assert row.charged == pytest.approx(1.0 - 0.25 * row.reading.seconds)


def test_an_evaluation_within_its_share_of_the_clock_is_free():
    clock = FakeClock(seconds_per_read=5.0, work_per_look=1.0)
    _, store = play([submitted(n) for n in (100, 200, 300)], [0.5, 0.4, 0.01], clock=clock)
    assert [row.charged for row in store.rows] == [0.0] * 3


def test_the_share_counts_from_the_evaluation_before_and_is_not_saved_up():
    share = FreeShare(0.25)
    assert share.excess(1.0, seconds=100.0) == 0.0
    assert share.excess(1.0, seconds=102.0) == 0.5
    assert share.excess(1.0, seconds=102.5) == 1.0  # what was charged is no time of the contestant


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_splits_measured_for_the_record_are_charged_beyond_the_share_of_ten_evaluations(share):
    clock = FakeClock(seconds_per_read=1.0, work_per_look=1.0)
    script = [submitted(100 * n) for n in range(1, 11)]
    _, store = play(script, [0.5] * 10, clock=clock, share=share, workload_rules=PATIENT)
    charged = [row.charged for row in store.rows]
    needed = charged[-2]
    assert charged[-1] - needed == pytest.approx(1.0 if share == 0 else 0.0)


def test_a_query_is_charged_and_never_scored():
    clock = FakeClock(0.0, work_per_look=0.1)
    player, store = play(
        [submitted(50, is_query=True), Finished(50, "done")], [0.001], clock=clock
    )
    assert store.rows == []
    assert clock.read().seconds > 0
    assert any(isinstance(message, Evaluated) for message in player.told)
