"""The protocol of a trial that plays beside others: it steps aside, plays alone, and is priced."""

import pytest
from plans import plan

from mlgolf.core.hardware import load_hardware
from mlgolf.core.messages import Ready, Submitted
from mlgolf.core.records import TrialHeader
from mlgolf.referee.clock import TrialClock
from mlgolf.referee.pairing import Pairing
from mlgolf.referee.protocol import run_trial
from mlgolf.testing.fakes import FakeClock, FakeEvaluator, MemoryStore, ScriptedPlayer

HARDWARE = load_hardware("one-thread-cpu")
HEADER = TrialHeader(key=plan().key, seed=1, hyperparameters={})


class Place:
    """Turns that somebody else waits for, for the first `wanted` looks."""

    def __init__(self, calls, wanted=0):
        self.calls, self.wanted = calls, wanted

    def is_wanted(self):
        self.wanted -= 1
        return self.wanted >= 0

    def step_aside(self):
        self.calls.append("step aside")
        return 0.0

    def take(self):
        self.calls.append("take")
        return True

    def give_back(self):
        self.calls.append("give back")


def play(steps, losses, *, wanted=0):
    script = [Ready({}), *(Submitted(step, 5) for step in steps)]
    player, store = ScriptedPlayer(script), MemoryStore()
    pairing = Pairing(Place(player.calls, wanted), seed=0, core=7)
    run_trial(
        plan(), player, clock=FakeClock(0.1), store=store, evaluator=FakeEvaluator(losses),
        header=HEADER, hardware=HARDWARE, pairing=pairing,
    )
    return player, store


def test_a_player_stands_still_while_another_trial_has_the_machine():
    player, _ = play([100, 200], [0.5, 0.01], wanted=2)
    assert player.calls == [
        "start", "freeze", "step aside", "thaw",  # while it is being set up, too
        "freeze", "thaw", "freeze", "step aside", "thaw", "freeze", "stop",
    ]  # fmt: skip


def test_a_segment_alone_begins_and_ends_while_the_player_stands_still():
    player, _ = play([100, 200, 300, 400], [0.5, 0.5, 0.5, 0.01])
    taken = player.calls.index("take")
    assert player.calls[taken - 1 : taken + 7] == [
        "freeze", "take", "use core 7", "thaw",
        "freeze", "give back", "use core None", "thaw",
    ]  # fmt: skip


def test_a_trial_that_ends_in_a_segment_alone_gives_the_machine_back():
    player, _ = play([100, 200], [0.5, 0.5])
    assert player.calls.count("take") == player.calls.count("give back")


class Disturbed(ScriptedPlayer):
    """Uses 1 s from one evaluation to the next, and 0.9 s where it has the machine alone."""

    cpu = 0.0

    def freeze(self):
        super().freeze()
        self.cpu += 0.9 if self.calls.count("take") > self.calls.count("give back") else 1.0

    def cpu_seconds(self):
        return self.cpu


def test_seconds_are_priced_by_what_segments_alone_took_and_cpu_seconds_are_not():
    script = [Ready({}), *(Submitted(100 * n, 5) for n in range(1, 11))]
    player, store = Disturbed(script), MemoryStore()
    pairing = Pairing(Place(player.calls), seed=0)
    run_trial(
        plan(), player, clock=TrialClock("cpu", price=pairing.priced), store=store,
        evaluator=FakeEvaluator([0.5] * 9 + [0.01]), header=HEADER, hardware=HARDWARE,
        pairing=pairing,
    )
    last = store.rows[-1].reading
    assert last.seconds == pytest.approx(9.0, abs=0.05)  # ten segments of 0.9 s
    assert last.cpu == pytest.approx(9.9, abs=0.05)
    assert store.verdict is not None
    assert store.verdict.clock["paired"] == {
        "factor": pytest.approx(0.9), "pairs": [[pytest.approx(0.9), pytest.approx(1.0)]],
    }  # fmt: skip
