"""What the record of a trial says of the machine around it, and whether another attempt follows."""

import pytest
from plans import plan
from played import HARDWARE, HEADER, submitted

from mlgolf.core.messages import Finished, Ready
from mlgolf.core.records import VerdictRecord
from mlgolf.core.status import Status
from mlgolf.referee.background import BackgroundLoad
from mlgolf.referee.protocol import run_trial
from mlgolf.testing.fakes import FakeClock, FakeEvaluator, MemoryStore, ScriptedPlayer

FAST, SLOW = 0.03, 3.0


def verdict_after(*probes, repeated=0, most=0, **changes) -> VerdictRecord:
    """Of a trial of fakes, on a machine whose probe takes so many seconds each time."""
    left, store = [*probes], MemoryStore()
    rules = plan().rules.model_copy(update={"disturbed_above": 5.0, "repeat_disturbed": most})
    script = [Ready({"torch": "1"}), submitted(100), Finished(100, "done")]
    run_trial(
        plan(rules=rules, **changes), ScriptedPlayer(script), clock=FakeClock(0.1), store=store,
        evaluator=FakeEvaluator([0.5]), header=HEADER, hardware=HARDWARE, repeated=repeated,
        background=BackgroundLoad(HARDWARE, [0], probe=lambda hardware, cores: left.pop(0)),
    )
    assert store.verdict is not None
    return store.verdict


def test_a_trial_on_a_quiet_machine_records_both_readings():
    verdict = verdict_after(FAST, FAST)
    assert verdict.background is not None
    assert (verdict.background.before, verdict.background.after) == (FAST, FAST)
    assert (verdict.disturbed, verdict.to_repeat, verdict.repeated) == ("", False, 0)


def test_a_disturbed_trial_is_flagged_and_by_default_not_repeated():
    verdict = verdict_after(FAST, SLOW)
    assert "longer after it" in verdict.disturbed
    assert not verdict.to_repeat


@pytest.mark.parametrize(("repeated", "most", "again"), [
    (0, 2, True), (1, 2, True), (2, 2, False), (0, 0, False),
])  # fmt: skip
def test_rules_say_how_many_attempts_follow(repeated, most, again):
    verdict = verdict_after(FAST, SLOW, repeated=repeated, most=most)
    assert (verdict.to_repeat, verdict.repeated) == (again, repeated)


def test_an_attempt_that_was_not_disturbed_is_the_last():
    assert not verdict_after(FAST, FAST, repeated=1, most=2).to_repeat


def test_a_replay_is_not_repeated():
    verdict = verdict_after(FAST, SLOW, most=2, evaluate_at=(100,))
    assert verdict.disturbed
    assert not verdict.to_repeat


def test_who_stops_it_during_a_probe_finds_it_marked():
    store = MemoryStore()

    def stopped(hardware, cores):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_trial(
            plan(), ScriptedPlayer([]), clock=FakeClock(0.1), store=store, repeated=1,
            evaluator=FakeEvaluator([]), header=HEADER, hardware=HARDWARE,
            background=BackgroundLoad(HARDWARE, [0], probe=stopped),
        )
    assert store.verdict is not None
    assert (store.verdict.status, store.verdict.repeated) == (Status.INTERRUPTED, 1)


def test_who_stops_it_during_the_probe_after_it_finds_it_marked_and_its_player_gone():
    store, readings = MemoryStore(), [FAST]

    def stopped(hardware, cores):
        if readings:
            return readings.pop()
        raise KeyboardInterrupt

    player = ScriptedPlayer([Ready({"torch": "1"}), Finished(0, "done")])
    with pytest.raises(KeyboardInterrupt):
        run_trial(
            plan(), player, clock=FakeClock(0.1), store=store,
            evaluator=FakeEvaluator([]), header=HEADER, hardware=HARDWARE,
            background=BackgroundLoad(HARDWARE, [0], probe=stopped),
        )
    assert store.status is Status.INTERRUPTED
    assert player.calls[-1] == "stop"
