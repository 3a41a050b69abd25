"""What the rules say about a row and a clock: pure decisions, no process in sight."""

import math
import statistics
from collections import deque
from collections.abc import Mapping
from typing import Any

from mlgolf.core.plan import TrialPlan
from mlgolf.core.protocols import Reading
from mlgolf.core.rules import constraint_target
from mlgolf.core.status import Status
from mlgolf.core.target import Target
from mlgolf.core.workload import SPLITS

FULL_EVALUATION_EVERY = 10  # validation at each evaluation, every split at each tenth
WALL_TIME_LIMIT = 5.0  # thawed wall time is capped at this multiple of the budget
HUNG_SECONDS, HUNG_STEPS = 60.0, 20.0  # no tick for the larger of these, seconds or median steps

_TIMES = ("time", "cpu_time", "wall_time")


class Rulings:
    """The rules of one trial, asked by the referee's loop."""

    def __init__(self, plan: TrialPlan) -> None:
        self._numbers, self._rules = plan.numbers, plan.rules
        self._recorded = plan.evaluate_at
        bounds = [
            constraint_target(
                c, plan.numbers, budget_factor=plan.budget_factor, speed=plan.speed
            )
            for c in plan.rules.constraints
        ]
        self.bounds: list[Target] = [bound for bound in bounds if bound is not None]
        self.budget_seconds = plan.budget_seconds
        used = {plan.rules.objective, *(bound.metric for bound in self.bounds)}
        # The splits that every evaluation measures; the others are measured for the record.
        self.needed = (
            "validation",
            *(
                split
                for split, name in (("train", "train_loss"), ("test", "test_metric"))
                if name in used
            ),
        )
        self.others = tuple(split for split in SPLITS if split not in self.needed)

    def first_evaluation(self) -> int:
        return self.next_evaluation(0, 0)

    def next_evaluation(self, evaluations: int, step: int) -> int:
        """The step at which the next evaluation is due."""
        if self._recorded is not None:
            return self._recorded[evaluations] if evaluations < len(self._recorded) else 0
        return step + self._numbers.evaluation_steps

    def is_full(self, evaluation: int) -> bool:
        """Whether an evaluation, the first of which counts 1, measures every split."""
        return evaluation % FULL_EVALUATION_EVERY == 0

    def quantities(
        self, step: int, reading: Reading, metrics: Mapping[str, float]
    ) -> dict[str, float]:
        """The declared quantities that a row measures."""
        measured = {
            "time": reading.seconds,
            "cpu_time": reading.cpu,
            "wall_time": reading.wall,
            "steps": float(step),
            "train_loss": metrics.get("train/loss", math.nan),
        }
        for split in ("validation", "test"):
            measured[f"{split}_metric"] = metrics.get(f"{split}/{self._numbers.metric}", math.nan)
        return measured

    def all_hold(self, measured: Mapping[str, float]) -> bool:
        return all(bound.met(measured[bound.metric]) for bound in self.bounds)

    def end_after(self, measured: Mapping[str, float]) -> tuple[Status, str] | None:
        """Whether a trial is over after this row, and why."""
        if self.all_hold(measured) and self._rules.objective_quantity.accumulates:
            named = [str(b) for b in self.bounds if b.metric not in _TIMES]
            return Status.TARGET_REACHED, f"{', '.join(named)} at step {measured['steps']:.0f}"
        if self._recorded is not None and measured["steps"] >= self._recorded[-1]:
            return Status.FINISHED, "the recorded steps are used up"
        for bound in self.bounds:
            if bound.metric == "steps" and measured["steps"] >= bound.value:
                return Status.FINISHED, f"its {bound.value:.0f} steps are used up"
        return None

    def out_of_time(self, reading: Reading) -> str | None:
        """Why the clock ends a trial, if it does. A replay is not timed."""
        if self._recorded is not None:
            return None
        measured = {"time": reading.seconds, "cpu_time": reading.cpu, "wall_time": reading.wall}
        for bound in self.bounds:
            if bound.metric in measured and not bound.met(measured[bound.metric]):
                return f"{measured[bound.metric]:.1f} s passed, the bound is {bound.value:.4g} s"
        cap = WALL_TIME_LIMIT * self.budget_seconds
        if reading.wall > cap:
            return f"{reading.wall:.0f} s of wall time passed, the cap is {cap:g} s"
        return None

    def train_state(self, measured: Mapping[str, float], reading: Reading) -> dict[str, Any]:
        """What AlgoPerf's train_state tells a submission after an evaluation."""
        numbers = self._numbers

        def reached(split: str, value: float | None) -> bool:
            if value is None:
                return False
            target = Target(metric=split, value=value, goal=numbers.goal)
            return target.met(measured[f"{split}_metric"])

        return {
            "validation_goal_reached": reached("validation", numbers.target),
            "test_goal_reached": reached("test", numbers.test_target),
            "is_time_remaining": self.out_of_time(reading) is None,
            "accumulated_submission_time": reading.seconds,
        }


class FreeShare:
    """How much of an evaluation is off the clock.

    A step count is a claim, so evaluations cannot be free for having come at the right step: who
    claims steps that were never done would get answers about held-out data for nothing.
    """

    def __init__(self, share: float) -> None:
        self._share, self._last = share, 0.0

    def excess(self, cost: float, seconds: float) -> float:
        """What an evaluation at `seconds` of the clock cost beyond its share, in seconds."""
        excess = max(0.0, cost - self._share * (seconds - self._last))
        self._last = seconds + excess
        return excess


class Heartbeat:
    """Notices a player that no longer steps, by thawed wall time."""

    def __init__(self) -> None:
        self._step, self._since = 0, 0.0
        self._step_seconds: deque[float] = deque(maxlen=101)  # the latest

    def hung_for(self, step: int, reading: Reading) -> float | None:
        """Seconds without a tick, once they are too many."""
        if step != self._step:
            self._step_seconds.append((reading.wall - self._since) / max(step - self._step, 1))
            self._step, self._since = step, reading.wall
            return None
        median = statistics.median(self._step_seconds) if self._step_seconds else 0.0
        idle = reading.wall - self._since
        return idle if idle > max(HUNG_SECONDS, HUNG_STEPS * median) else None
