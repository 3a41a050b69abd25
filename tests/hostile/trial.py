"""A trial of a hostile player: by which rules, with which clock, and by whom it is judged."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from hostile.by_hand import TEMPLATE, distance
from hostile.player import HostilePlayer
from hostile.scripts import Act
from numpy.typing import NDArray
from plans import plan

from mlgolf.core.hardware import HardwareClass, load_hardware
from mlgolf.core.plan import TrialPlan
from mlgolf.core.records import TrialHeader, VerdictRecord
from mlgolf.core.status import Verdict
from mlgolf.core.workload import SPLITS
from mlgolf.referee.evaluate import arrays_like
from mlgolf.referee.protocol import run_trial
from mlgolf.testing.fakes import FakeClock, MemoryStore


class HastyClock(FakeClock):
    """Runs faster once nothing more is to come."""

    def hurry(self) -> None:
        self._per_read = max(self._per_read, 5.0)


class Judge:
    """An evaluator that reads models as the real one does; its loss is how far weights are from 1.

    Attributes: judged: the models that could be read. refused: those that could not.
    """

    capacity = 64
    splits = SPLITS

    def __init__(self) -> None:
        self.judged: list[bytes] = []
        self.refused: list[bytes] = []

    def warm_up(self) -> None: ...

    def untrained(self, seed: int) -> dict[str, NDArray]:
        return {"weight": TEMPLATE["weight"]}

    def parameters(self, arrays: Mapping[str, NDArray]) -> dict[str, NDArray]:
        return {"weight": arrays["weight"]}

    def read(self, model: bytes) -> dict[str, NDArray]:
        self.refused.append(model)
        arrays = arrays_like(TEMPLATE, model, "linear")
        self.judged.append(self.refused.pop())
        return arrays

    def evaluate(
        self, arrays: Mapping[str, NDArray], splits: Sequence[str]
    ) -> dict[str, float]:
        return {f"{split}/loss": distance(arrays["weight"]) for split in splits}


class Mode(NamedTuple):
    """Rules, and what a look at the clock and a piece of the referee's work take, in seconds."""

    plan: TrialPlan
    per_read: float = 0.001
    work: float = 0.0


@cache
def modes() -> dict[str, Mode]:
    by_clock = {"eval_every_steps": None, "eval_every_seconds": 7.0}
    own_pace = plan().workload_rules.model_copy(update=by_clock)
    silent = plan().rules.model_copy(update={"feedback": ("train",), "keep_model": True})
    return {
        "plain": Mode(plan()), "costly": Mode(plan(), 0.5, 2.0),
        "silent": Mode(plan(rules=silent), 0.1),
        "entry": Mode(plan(workload_rules=own_pace, contract="entry"), 1.0),
        "replay": Mode(plan(evaluate_at=(5, 100, 300), keep_step=100)),
    }


@cache
def bounds() -> Mapping[str, float]:
    """Of the rules of all modes."""
    return plan().workload_rules.bounds


@cache
def impatient() -> HardwareClass:
    """A class that waits but a moment for a player that does not get ready."""
    hardware = load_hardware("one-thread-cpu")
    limits = hardware.limits.model_copy(update={"setup_seconds": 0.03})
    return hardware.model_copy(update={"limits": limits})


class OnceEnded(MemoryStore):
    def finish(self, verdict: VerdictRecord) -> None:
        assert self.verdict is None, "it ended twice"
        super().finish(verdict)


class Outcome(NamedTuple):
    verdict: Verdict
    store: OnceEnded
    player: HostilePlayer
    judge: Judge
    acts: Sequence[Act]
    mode: str


def played(acts: Sequence[Act], mode: str = "plain") -> Outcome:
    asked, per_read, work = modes()[mode]
    clock = HastyClock(per_read, work)
    player, store, judge = HostilePlayer(acts, clock.hurry), OnceEnded(), Judge()
    verdict = run_trial(
        asked, player, clock=clock, store=store, evaluator=judge, hardware=impatient(),
        header=TrialHeader(key=asked.key, seed=asked.seed, hyperparameters={}),
    )
    return Outcome(verdict, store, player, judge, acts, mode)
