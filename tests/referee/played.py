"""Trials played by fakes: no process, no time."""

from plans import LINEAR, plan

from mlgolf.core.competition import load_competition
from mlgolf.core.hardware import load_hardware
from mlgolf.core.messages import Ready, Submitted
from mlgolf.core.records import TrialHeader
from mlgolf.referee.protocol import run_trial
from mlgolf.testing.fakes import FakeClock, FakeEvaluator, MemoryStore, ScriptedPlayer

HARDWARE = load_hardware("one-thread-cpu")
HEADER = TrialHeader(key=plan().key, seed=1, hyperparameters={})
PATIENT = load_competition(LINEAR).workloads["linear"].model_copy(
    update={"bounds": {"target": 0.02, "budget_seconds": 1e6}}
)


def submitted(step: int, **more) -> Submitted:
    return Submitted(step, 5, **more)


def play(script, losses=(), clock=None, evaluator=None, share=0.25, store=None, **changes):
    player, store = ScriptedPlayer([Ready({"torch": "1"}), *script]), store or MemoryStore()
    end = run_trial(
        plan(**changes), player, clock=clock or FakeClock(0.1), store=store,
        evaluator=evaluator or FakeEvaluator(losses), header=HEADER,
        hardware=HARDWARE.model_copy(update={"evaluation_share": share}),
    )
    assert store.status is end.status
    return player, store
