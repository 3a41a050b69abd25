"""The protocol, played by fakes: no process, no time."""

import json
import math
import sys
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from plans import LINEAR, plan
from synthetic_trials import trial

import mlgolf
from mlgolf.core.competition import load_competition
from mlgolf.core.hardware import load_hardware
from mlgolf.core.messages import (
    Begin,
    Evaluated,
    Exited,
    Failed,
    Finished,
    Logged,
    Ready,
    Submitted,
)
from mlgolf.core.protocols import Reading
from mlgolf.core.records import TrialHeader
from mlgolf.core.rules import Rules
from mlgolf.core.status import Status
from mlgolf.player.channel import NEVER
from mlgolf.referee.evaluate import with_noise
from mlgolf.referee.evaluation_share import FreeShare
from mlgolf.referee.protocol import run_trial
from mlgolf.scoring.objective import trial_result
from mlgolf.testing.fakes import FakeClock, FakeEvaluator, MemoryStore, ScriptedPlayer

HARDWARE = load_hardware("one-thread-cpu")
HEADER = TrialHeader(key=plan().key, seed=1, hyperparameters={})
PATIENT = load_competition(LINEAR).workloads["linear"].model_copy(
    update={"bounds": {"target": 0.02, "budget_seconds": 1e6}}
)


def submitted(step: int, **more) -> Submitted:
    return Submitted(step, 5, **more)


def play(script, losses=(), clock=None, evaluator=None, share=0.25, **changes):
    player, store = ScriptedPlayer([Ready({"torch": "1"}), *script]), MemoryStore()
    end = run_trial(
        plan(**changes), player, clock=clock or FakeClock(0.1), store=store,
        evaluator=evaluator or FakeEvaluator(losses), header=HEADER,
        hardware=HARDWARE.model_copy(update={"evaluation_share": share}),
    )
    assert store.status is end.status
    return player, store


def test_a_trial_ends_at_the_first_evaluation_that_meets_every_bound():
    _, store = play([submitted(100), submitted(200), submitted(300)], [0.5, 0.02, 0.01])
    assert store.status is Status.TARGET_REACHED
    assert [row.step for row in store.rows] == [100, 200]
    assert "step 200" in store.reason


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


def test_evaluation_time_is_not_charged_to_the_submission():
    class SlowEvaluator(FakeEvaluator):
        def evaluate(self, arrays, splits):
            clock.read()  # a fake clock goes on at every read unless it is paused
            return super().evaluate(arrays, splits)

    clock = FakeClock(seconds_per_read=1.0)
    _, store = play([submitted(100)], clock=clock, evaluator=SlowEvaluator([0.01]))
    assert store.rows[0].reading.seconds == 1.0


def test_a_nan_is_no_end_and_never_meets_a_target():
    _, store = play([submitted(100), Finished(100, "done")], [float("nan")])
    assert store.status is Status.FINISHED


def test_a_verdict_says_which_model_was_the_first_with_a_nan_and_in_which_tensor():
    class Diverges(FakeEvaluator):
        def read(self, model):
            return {"bias": np.ones(1), "weight": np.array([1.0, np.nan, -np.inf, 2.0])}

    losses = [float("nan")] * 2
    script = [submitted(100), submitted(200), Finished(200, "done")]
    _, store = play(script, evaluator=Diverges(losses))
    assert store.reason.endswith(
        "; the model of step 100 has NaN or infinity: weight, in 2 of 4 numbers"
    )


def test_validation_alone_is_measured_but_for_every_tenth_and_the_hit():
    script = [submitted(100 * n) for n in range(1, 12)]
    _, store = play(script, [0.5] * 10 + [0.01])
    full = [row.step for row in store.rows if "test/loss" in row.metrics]
    assert full == [1000, 1100]


def test_a_bound_on_time_ends_a_trial_and_says_which():
    _, store = play([None] * 50, clock=FakeClock(1.0))
    assert store.status is Status.OUT_OF_TIME
    assert "bound is 30 s" in store.reason


def test_a_self_tuning_trial_has_a_longer_budget():
    _, store = play([None] * 60, clock=FakeClock(1.0), ruleset="self", hyperparameters=None)
    assert "bound is 45 s" in store.reason


def test_thawed_wall_time_is_capped_at_five_budgets():
    class Idle(FakeClock):
        def read(self):
            return Reading(0.0, 0.0, super().read().wall)

    class Stepping(ScriptedPlayer):
        def receive(self, timeout):
            self.step += 1
            return super().receive(timeout)

    player, store = Stepping([Ready({})]), MemoryStore()
    run_trial(
        plan(), player, clock=Idle(10.0), store=store, evaluator=FakeEvaluator([]), header=HEADER,
        hardware=HARDWARE,
    )
    assert store.status is Status.OUT_OF_TIME
    assert "the cap is 150 s" in store.reason


def test_a_player_without_a_step_for_a_minute_is_hung():
    class Idle(FakeClock):
        def read(self):
            return Reading(0.0, 0.0, super().read().wall)

    _, store = play([None] * 20, clock=Idle(10.0))
    assert store.status is Status.HUNG
    assert "no step for 70 s after step 0" in store.reason


def test_a_crash_is_a_result_with_a_reason_and_its_traceback_is_kept():
    _, store = play([Failed(7, "ZeroDivisionError", "division by zero", "Traceback: here")])
    assert store.status is Status.CRASHED
    assert store.reason.startswith("ZeroDivisionError at step 7: division by zero")
    assert "Traceback: here" in store.lines
    _, store = play([Failed(7, "RuntimeError", "that is not linear.", "")])
    assert store.reason.endswith("that is not linear. The traceback is in log.txt.")


def test_no_folder_of_the_machine_is_named_in_what_is_kept_of_a_crash():
    run = Path("/home/me/runs/a")
    named = [
        f'File "{run}/nadamw/code/s.py", line 1', f'File "{mlgolf.__file__}", line 2',
        f'File "{sys.prefix}/lib/torch/nn.py", line 3', f'File "{json.__file__}", line 4',
        f"no file {run}s/b or /x{run}/c",
    ]
    failed = Failed(7, "OSError", f"cannot read {run}/x", "\n".join(named))
    _, store = play([failed], run_folder=run)
    assert store.lines[-1].splitlines() == [
        'File "<run>/nadamw/code/s.py", line 1', 'File "<mlgolf>/__init__.py", line 2',
        'File "<python>/lib/torch/nn.py", line 3', 'File "<stdlib>/json/__init__.py", line 4',
        f"no file {run}s/b or /x{run}/c",
    ]
    assert "cannot read <run>/x" in store.reason


@pytest.mark.parametrize(
    ("kind", "message"),
    [("MemoryError", ""), ("RuntimeError", "DefaultCPUAllocator: can't allocate memory")],
)
def test_an_allocators_error_is_evidence_of_want_of_memory(kind, message):
    _, store = play([Failed(7, kind, message, "")])
    assert store.status is Status.OUT_OF_MEMORY


def test_a_signal_from_elsewhere_is_no_want_of_memory():
    _, store = play([Exited(-9)])
    assert store.status is Status.KILLED
    assert not store.status.is_final


def test_a_player_that_exits_without_a_word_crashed():
    _, store = play([Exited(3)])
    assert store.status is Status.CRASHED
    assert "code 3" in store.reason


@pytest.mark.parametrize("kind", ["SubmissionError", "ModelError"])
def test_a_broken_contract_is_marked_as_such(kind):
    _, store = play([Failed(1, kind, "returned None", "")])
    assert store.status is Status.CRASHED
    assert store.verdict.broke_contract
    assert store.reason == "returned None"


def test_a_submission_that_changes_nothing_breaks_its_contract():
    class Unchanged(FakeEvaluator):
        def read(self, model):
            return self.untrained(0)

    _, store = play([submitted(100)], evaluator=Unchanged([0.5]))
    assert store.verdict.broke_contract
    assert "changed no parameter in 100 steps" in store.reason


def test_a_player_that_sends_what_is_not_its_to_send_is_disqualified():
    _, store = play([Begin()])
    assert store.status is Status.DISQUALIFIED
    assert "Begin is not the player's to send" in store.reason


def test_what_the_contestant_logs_is_written_and_not_interpreted():
    _, store = play([Logged(5, {"loss": 0.25}), Finished(5, "done")])
    assert "step 5: loss=0.25" in store.lines


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


def test_a_query_is_charged_and_never_scored():
    clock = FakeClock(0.0, work_per_look=0.1)
    player, store = play(
        [submitted(50, is_query=True), Finished(50, "done")], [0.001], clock=clock
    )
    assert store.rows == []
    assert clock.read().seconds > 0
    assert any(isinstance(message, Evaluated) for message in player.told)


def test_a_query_before_the_first_step_is_no_broken_contract():
    class Unchanged(FakeEvaluator):
        def read(self, model):
            return self.untrained(0)

    _, store = play(
        [submitted(0, is_query=True), Finished(0, "done")], evaluator=Unchanged([0.5])
    )
    assert store.status is Status.FINISHED


@pytest.mark.parametrize("is_query", [False, True])
def test_the_budget_holds_however_fast_models_are_submitted(is_query):
    script = [submitted(100 * n, is_query=is_query) for n in range(1, 100)]
    _, store = play(script, [0.5] * 100, clock=FakeClock(1.0))
    assert store.status is Status.OUT_OF_TIME


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


def test_a_crash_by_the_players_own_signal_is_a_result():
    _, store = play([Exited(-11)])
    assert store.status is Status.CRASHED
    assert "SIGSEGV" in store.reason


def test_a_player_that_drives_itself_submits_when_it_likes():
    _, store = play([submitted(3), submitted(500), Finished(500, "done")], [0.5, 0.4])
    assert [row.step for row in store.rows] == [3, 500]


def test_ctrl_c_marks_the_trial_as_interrupted_and_passes_on():
    class Interrupting(ScriptedPlayer):
        def receive(self, timeout):
            raise KeyboardInterrupt

    player, store = Interrupting([]), MemoryStore()
    with pytest.raises(KeyboardInterrupt):
        run_trial(
            plan(), player, clock=FakeClock(), store=store, evaluator=FakeEvaluator([]),
            header=HEADER, hardware=HARDWARE,
        )
    assert store.status is Status.INTERRUPTED
    assert player.calls[-1] == "stop"


def test_ctrl_c_while_the_player_starts_marks_the_trial_as_interrupted():
    class Starting(ScriptedPlayer):
        def start(self, plan, capacity):
            raise KeyboardInterrupt

    store = MemoryStore()
    with pytest.raises(KeyboardInterrupt):
        run_trial(
            plan(), Starting([]), clock=FakeClock(), store=store, evaluator=FakeEvaluator([]),
            header=HEADER, hardware=HARDWARE,
        )
    assert store.status is Status.INTERRUPTED


def test_a_player_that_is_never_ready_is_hung():
    player, store = ScriptedPlayer([]), MemoryStore()
    impatient = HARDWARE.limits.model_copy(update={"setup_seconds": 0.0})
    run_trial(
        plan(), player, clock=FakeClock(), store=store, evaluator=FakeEvaluator([]), header=HEADER,
        hardware=HARDWARE.model_copy(update={"limits": impatient}),
    )
    assert store.status is Status.HUNG


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
