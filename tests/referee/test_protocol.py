"""The protocol, played by fakes: no process, no time."""

import math
from itertools import groupby

import numpy as np
import pytest
from plans import plan
from played import PATIENT, play, submitted
from synthetic_trials import trial

from mlgolf.core.messages import Begin, Evaluated, Finished, Logged
from mlgolf.core.rules import Rules
from mlgolf.core.status import Status
from mlgolf.player.channel import NEVER
from mlgolf.referee.evaluate import with_noise
from mlgolf.referee.protocol import LOG_IS_FULL, LONGEST_REASON
from mlgolf.results.logged import LARGEST
from mlgolf.scoring.objective import trial_result
from mlgolf.testing.fakes import FakeClock


def test_a_trial_ends_at_the_first_evaluation_that_meets_every_bound():
    _, store = play([submitted(100), submitted(200), submitted(300)], [0.5, 0.02, 0.01])
    assert store.status is Status.TARGET_REACHED
    assert [row.step for row in store.rows] == [100, 200]
    assert "step 200" in store.reason


def test_what_a_contestant_looked_up_is_kept_as_it_told_it_last():
    script = [submitted(100, touched={"loss_fn": 3}), submitted(200, touched={"loss_fn": 7})]
    _, store = play(script, [0.5, 0.01])
    assert store.verdict.touched == {"loss_fn": 7}
    _, store = play([*script, Finished(200, "done")], [0.5, 0.4])
    assert store.verdict.touched == {"loss_fn": 7}


def test_everything_is_frozen_before_the_clock_is_read_and_stopped_at_the_end():
    player, _ = play([submitted(100), submitted(200)], [0.5, 0.01])
    assert player.calls == ["start", "freeze", "thaw", "freeze", "stop"]


def test_the_clock_starts_with_begin_and_the_first_evaluation_is_due_before():
    player, _ = play([submitted(100)], [0.01])
    assert player.told == [Begin()]
    assert player.evaluations_at == [100]


def test_the_player_is_told_its_results_once_the_row_is_written():
    player, _ = play([submitted(100), submitted(200)], [0.5, 0.01])
    told = next(message for message in player.told if isinstance(message, Evaluated))
    assert told.metrics["validation/loss"] == 0.5
    assert told.train_state["validation_goal_reached"] is False
    assert told.train_state["is_time_remaining"] is True


def test_a_nan_is_no_end_and_never_meets_a_target():
    _, store = play([submitted(100), Finished(100, "done")], [float("nan")])
    assert store.status is Status.FINISHED


def test_validation_alone_is_measured_but_for_every_tenth_and_the_hit():
    script = [submitted(100 * n) for n in range(1, 12)]
    _, store = play(script, [0.5] * 10 + [0.01])
    full = [row.step for row in store.rows if "test/loss" in row.metrics]
    assert full == [1000, 1100]


def test_what_the_contestant_logs_is_written_and_not_interpreted():
    _, store = play([Logged(5, {"loss": 0.25}), Finished(5, "done")])
    assert "step 5: loss=0.25" in store.lines


def test_what_the_contestant_logs_has_an_end_and_the_log_says_so_once():
    flood = [Logged(5, {"x" * 900_000: 1.0})] * 30
    _, store = play([*flood, Finished(5, "done")])
    logged = [line for line in store.lines if line.startswith("step 5")]
    assert 20 <= len(logged) < 25
    assert store.lines.count(LOG_IS_FULL) == 1


def test_halves_of_characters_count_in_the_log_as_they_are_written():
    flood = [Logged(5, {"\ud800" * 150_000: 1.0})] * 30
    _, store = play([*flood, Finished(5, "done")])
    assert sum(len(line.encode("utf-8", "backslashreplace")) for line in store.lines) <= LARGEST
    assert store.lines.count(LOG_IS_FULL) == 1


def test_what_the_contestant_says_of_its_end_is_cut_short():
    _, store = play([Finished(5, "x" * 900_000)])
    assert LONGEST_REASON <= len(store.reason) <= LONGEST_REASON + 2


def test_the_clock_calls_for_evaluations_where_the_rules_say_seconds():
    """It comes at the end of the step under way, 4 s after the one before."""
    by_clock = PATIENT.model_copy(update={"eval_every_steps": None, "eval_every_seconds": 4.0})
    player, _ = play(
        [*[None] * 4, submitted(3), *[None] * 4, submitted(9), Finished(9, "done")],
        [0.5, 0.4], clock=FakeClock(1.0), workload_rules=by_clock,
    )
    called_for = [step for step, _ in groupby(player.evaluations_at)]
    assert called_for == [NEVER, 0, NEVER, 0, NEVER]


@pytest.mark.parametrize("interpretation", ["met", "beaten"])
def test_referee_and_scorer_agree_on_whether_a_value_equal_to_the_target_reaches_it(
    interpretation,
):
    aggregation = {"interpretations": {"target": interpretation}}
    rules = Rules.model_validate(
        {**plan().rules.model_dump(by_alias=True), "aggregation": aggregation}
    )
    _, store = play([submitted(100), Finished(100, "done")], [0.02], rules=rules)
    scored = trial_result(
        trial(seconds=[0.5], values=[0.02], metric="loss"), rules, plan().workload_rules
    )
    assert (store.status is Status.TARGET_REACHED) == (scored.objective < math.inf)
    assert (store.status is Status.TARGET_REACHED) == (interpretation == "met")


def test_a_contestant_learns_of_an_evaluation_what_the_rules_let_it():
    silent = plan().rules.model_copy(update={"feedback": ("train",)})
    player, store = play([submitted(100), Finished(100, "done")], [0.5], rules=silent)
    told = [message for message in player.told if isinstance(message, Evaluated)]
    assert [dict(message.metrics) for message in told] == [{}]
    assert "validation/loss" in store.rows[0].metrics


@pytest.mark.parametrize(("objective", "splits"), [
    ("test_loss", {"train", "validation"}), ("test_metric", {"train", "validation"}),
    ("validation_loss", {"train", "validation", "test"}),
])  # fmt: skip
def test_nobody_is_told_of_the_test_split_where_it_decides(objective, splits):
    assert {*plan().rules.model_copy(update={"objective": objective}).told} == splits


def test_a_query_learns_what_the_rules_let_it_too():
    silent = plan().rules.model_copy(update={"feedback": ("train", "model")})
    player, _ = play([submitted(5, is_query=True), Finished(5, "done")], [0.5], rules=silent)
    told = [message for message in player.told if isinstance(message, Evaluated)]
    assert "validation/loss" not in told[0].metrics
    assert told[0].train_state["validation_goal_reached"] is False


def test_a_player_that_drives_itself_submits_when_it_likes():
    _, store = play([submitted(3), submitted(500), Finished(500, "done")], [0.5, 0.4])
    assert [row.step for row in store.rows] == [3, 500]


def test_a_replay_is_evaluated_at_the_recorded_steps_and_not_timed():
    player, store = play(
        [submitted(7), submitted(30)], [0.5, 0.4], clock=FakeClock(1000.0), evaluate_at=(7, 30)
    )
    assert player.evaluations_at == [7, 30]
    assert store.status is Status.FINISHED


def test_a_replay_keeps_the_model_of_the_step_that_it_is_asked_for_and_no_other():
    script = [submitted(7), submitted(30)]
    for step, kept in ((30, b"model"), (29, b"")):
        _, store = play(script, [0.5, 0.4], evaluate_at=(7, 30), keep_step=step)
        assert store.model == kept


def test_a_bound_holds_only_where_it_holds_for_weights_that_are_a_little_off():
    rules = plan().rules.model_copy(update={"weight_noise": 0.001})
    _, store = play([submitted(100), Finished(100, "done")], [0.01, 0.3], rules=rules)
    assert store.rows[0].metrics["validation/loss"] == 0.3
    assert store.status is Status.FINISHED


def test_noise_on_weights_is_a_share_of_each_and_the_same_for_the_same_model():
    arrays = {"a": np.array([100.0, 0.0], np.float32), "b": np.ones(1000, np.float32)}
    one, again = (with_noise(arrays, 0.01, bytes(32)) for _ in range(2))
    assert one["a"][1] == 0.0
    assert 0 < abs(one["a"][0] - 100.0) < 6.0
    assert np.std(one["b"]) == pytest.approx(0.01, rel=0.1)
    assert all(np.array_equal(one[name], again[name]) for name in arrays)
