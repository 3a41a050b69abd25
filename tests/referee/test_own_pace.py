"""Contestants that submit when they like, judged at most every so often; played by fakes."""

import numpy as np
import pytest
from played import PATIENT, play, submitted

from mlgolf.core.messages import Evaluated, Exited, Finished
from mlgolf.core.status import Status
from mlgolf.testing.fakes import FakeClock, FakeEvaluator


def entry(script, losses, *, every: float = 7.0, **changes):
    """A contestant that submits when it likes, judged every `every` seconds at most."""
    row = PATIENT.model_copy(update={"eval_every_steps": None, "eval_every_seconds": every})
    return play(
        script, losses, clock=FakeClock(1.0), workload_rules=row, contract="entry", **changes
    )


def test_a_model_that_comes_too_soon_waits_and_is_judged_when_its_time_has_come():
    script = [submitted(1), submitted(2), *[None] * 9, Finished(2, "done")]
    player, store = entry(script, [0.5, 0.4])
    assert [row.step for row in store.rows] == [1, 2]
    told = [dict(message.metrics) for message in player.told if isinstance(message, Evaluated)]
    assert told[0]["validation/loss"] == 0.5
    assert told[1] == {}


def test_the_next_is_judged_an_interval_after_one_that_had_to_wait_was():
    script = [submitted(1), submitted(2), *[None] * 3, submitted(3), *[None] * 12]
    player, store = entry([*script, Finished(3, "done")], [0.5, 0.4, 0.3])
    assert [row.step for row in store.rows] == [1, 2, 3]
    told = [dict(message.metrics) for message in player.told if isinstance(message, Evaluated)]
    assert told[1:] == [{}, {}]


def test_judging_one_that_had_to_wait_is_charged_beyond_its_share_too():
    row = PATIENT.model_copy(update={"eval_every_steps": None, "eval_every_seconds": 4.0})
    script = [submitted(1), submitted(2), *[None] * 9, Finished(2, "done")]
    _, store = play(
        script, [0.5, 0.4], clock=FakeClock(1.0, work_per_look=9.0), workload_rules=row,
        contract="entry",
    )
    assert store.rows[1].charged > 0
    assert store.verdict.charged_seconds == pytest.approx(sum(r.charged for r in store.rows))


def test_of_models_that_wait_the_last_is_judged():
    _, store = entry([submitted(1), submitted(2), submitted(3), Finished(3, "done")], [0.5, 0.4])
    assert [row.step for row in store.rows] == [1, 3]


def test_a_model_that_waits_counts_from_when_it_was_handed_over():
    script = [submitted(1), submitted(2), *[None] * 9, Finished(2, "done")]
    _, store = entry(script, [0.5, 0.4])
    first, second = (row.reading.seconds for row in store.rows)
    assert second - first < 7.0


def test_what_waits_is_judged_when_the_trial_ends_however_it_ends():
    _, store = entry([submitted(1), submitted(2), Exited(-9)], [0.5, 0.4])
    assert [row.step for row in store.rows] == [1, 2]
    assert store.status is Status.KILLED


def test_a_replay_judges_the_recorded_submissions_and_no_others():
    script = [submitted(1), submitted(2), submitted(3), submitted(4)]
    _, store = entry(script, [0.5, 0.4], evaluate_at=(1, 4))
    assert [row.step for row in store.rows] == [1, 4]


def test_who_paces_itself_is_not_hung_without_a_step():
    _, store = entry([*[None] * 300, submitted(1), Finished(1, "done")], [0.5])
    assert store.status is Status.FINISHED


def test_a_contestant_of_its_own_pace_may_hand_over_what_it_started_from():
    class Unchanged(FakeEvaluator):
        def read(self, model):
            return {"weight": np.zeros(1)}

    _, store = entry([submitted(1), Finished(1, "done")], [], evaluator=Unchanged([0.5]))
    assert store.status is Status.FINISHED
