"""How a trial ends, and with which reason; played by fakes."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from plans import plan
from played import HARDWARE, HEADER, play, submitted

import mlgolf
from mlgolf.core.messages import Begin, Exited, Failed, Finished, Ready
from mlgolf.core.protocols import Reading
from mlgolf.core.status import Status
from mlgolf.referee.protocol import run_trial
from mlgolf.testing.fakes import FakeClock, FakeEvaluator, MemoryStore, ScriptedPlayer


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


def test_a_player_that_is_never_ready_is_hung():
    player, store = ScriptedPlayer([]), MemoryStore()
    impatient = HARDWARE.limits.model_copy(update={"setup_seconds": 0.0})
    run_trial(
        plan(), player, clock=FakeClock(), store=store, evaluator=FakeEvaluator([]), header=HEADER,
        hardware=HARDWARE.model_copy(update={"limits": impatient}),
    )
    assert store.status is Status.HUNG


@pytest.mark.parametrize("is_query", [False, True])
def test_the_budget_holds_however_fast_models_are_submitted(is_query):
    script = [submitted(100 * n, is_query=is_query) for n in range(1, 100)]
    _, store = play(script, [0.5] * 100, clock=FakeClock(1.0))
    assert store.status is Status.OUT_OF_TIME


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


def test_a_crash_by_the_players_own_signal_is_a_result():
    _, store = play([Exited(-11)])
    assert store.status is Status.CRASHED
    assert "SIGSEGV" in store.reason


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


def test_a_query_before_the_first_step_is_no_broken_contract():
    class Unchanged(FakeEvaluator):
        def read(self, model):
            return self.untrained(0)

    _, store = play(
        [submitted(0, is_query=True), Finished(0, "done")], evaluator=Unchanged([0.5])
    )
    assert store.status is Status.FINISHED


def test_a_player_that_sends_what_is_not_its_to_send_is_disqualified():
    _, store = play([Begin()])
    assert store.status is Status.DISQUALIFIED
    assert "Begin is not the player's to send" in store.reason


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
