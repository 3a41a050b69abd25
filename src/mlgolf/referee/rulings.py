"""What the rules say about a row and a clock: pure decisions, no process in sight."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from numpy.typing import NDArray

from mlgolf.core.hardware import Limits
from mlgolf.core.host_measure import measured_by, scored
from mlgolf.core.plan import TrialPlan
from mlgolf.core.protocols import Reading, measured
from mlgolf.core.quantities import Measure, Quantity, quantity, value_in
from mlgolf.core.status import Status, Verdict
from mlgolf.core.target import Goal, Target
from mlgolf.player.channel import NEVER


class Rulings:
    """The rules of one trial, asked by the referee's loop."""

    def __init__(self, plan: TrialPlan, limits: Limits, splits: Sequence[str]) -> None:
        """Args: splits: those that the workload has."""
        self._workload_rules, self._rules = plan.workload_rules, plan.rules
        self._recorded, self._metric = plan.evaluate_at, plan.workload_rules.metric
        self.bounds = plan.rules.targets(
            plan.workload_rules, budget_factor=plan.budget_factor, speed=plan.speed
        )
        self._budget_factor = plan.budget_factor
        self._timed = [b for b in self.bounds if quantity(b.metric).is_of_a_clock]
        self._metered = [b for b in self.bounds if quantity(b.metric).is_of_a_meter]
        self._scale = {  # of each bounded quantity, on this machine
            b.metric: plan.rules.scale(quantity(b.metric), plan.speed) for b in self.bounds
        }
        every = plan.workload_rules.eval_every_seconds  # of the reference machine, as budgets are
        self._every_seconds = None if every is None else every / plan.speed
        self._paces_itself = plan.paces_itself
        self._limits, self._budget_seconds = limits, plan.budget_seconds
        used = [quantity(name) for name in plan.rules.used_quantities]
        # What is computed from the parameters at every evaluation: "model/l2" -> how.
        self.measures = self._measures_of(used)
        # What is beside them, for the record, where every split is measured.
        others = [quantity(name) for name in plan.rules.recorded]
        self.recorded = self._measures_of([q for q in others if q not in used])
        # The splits that every evaluation measures; the others are measured for the record.
        columns = {q.column_for(self._metric).partition("/")[0] for q in used}
        needed = [s for s in splits if s in columns or s == "validation"]
        self.needed = tuple(sorted(needed, key=lambda split: split != "validation"))
        self.told = plan.rules.told
        self.others = tuple(split for split in splits if split not in self.needed)

    def _measures_of(self, found: Sequence[Quantity]) -> dict[str, Measure]:
        measured = [measured_by(self._rules, declared) for declared in found]
        return {q.column_for(self._metric): partial(value_in, q) for q in measured if q.measure}

    def scored(self, parameters: Mapping[str, NDArray]) -> Mapping[str, NDArray]:
        """Those that quantities of the model are measured on."""
        return scored(self._rules, parameters)

    def next_evaluation(self, evaluations: int, step: int) -> int:
        """The step at which the next evaluation is due, as far as steps say; else NEVER."""
        if self._recorded is not None:
            return self._recorded[evaluations] if evaluations < len(self._recorded) else 0
        due = self._rules.due_after(
            step, self._workload_rules, budget_factor=self._budget_factor
        )
        return NEVER if due is None else due

    def is_due(self, seconds: float, last: float) -> bool:
        """Whether the clock says that an evaluation is due, when the last one was at `last`."""
        every = self._every_seconds
        asked_for = self._recorded is None and not self._paces_itself
        return asked_for and every is not None and seconds - last >= every

    def is_too_early(self, step: int, seconds: float, last: float | None) -> bool:
        """Whether a model that was handed over is not judged yet, as the last was at `last`.

        Who submits when it likes may do so often, and is judged as often as the rules say.
        """
        if not self._paces_itself or last is None:
            return False
        if self._recorded is not None:
            return step not in self._recorded
        return self._every_seconds is not None and seconds - last < self._every_seconds

    def is_full(self, evaluation: int) -> bool:
        """Whether an evaluation, the first of which counts 1, measures every split."""
        return evaluation % self._rules.every_split_at == 0

    def end_after(self, row: Mapping[str, float]) -> Verdict | None:
        """Whether a trial is over after a row, and why."""
        unmet = [b for b in self.bounds if not b.met(self._value(b, row))]
        if not unmet and self._rules.objective_quantity.accumulates:
            spent = (*self._timed, *self._metered)
            named = [str(bound) for bound in self.bounds if bound not in spent]
            return Verdict(
                status=Status.TARGET_REACHED,
                reason=f"{', '.join(named)} at step {row['steps']:.0f}",
            )
        if self._recorded is not None and row["steps"] >= self._recorded[-1]:
            return Verdict(status=Status.FINISHED, reason="the recorded steps are used up")
        for bound in self.bounds:
            by_clock = bound in self._timed or bound in self._metered
            counted = quantity(bound.metric).accumulates and not by_clock
            if counted and self._value(bound, row) >= bound.value:
                used_up = f"its {bound.value:.0f} {bound.metric} are used up"
                return Verdict(status=Status.FINISHED, reason=used_up)
        return None

    def counted(self, row: Mapping[str, float]) -> float | None:
        """What the objective counts in a row, smaller is better; None where it does not."""
        value = row.get(self._rules.objective_quantity.column_for(self._metric), math.nan)
        if not math.isfinite(value) or not all(b.met(self._value(b, row)) for b in self.bounds):
            return None
        goal = self._rules.objective_quantity.goal or self._workload_rules.goal
        return value if goal is Goal.MINIMISE else -value

    def worse_of(
        self, metrics: Mapping[str, float], others: Mapping[str, float]
    ) -> dict[str, float]:
        """Of two sets of metrics of one model, what the rules ask for as the worse of both."""
        met = [b for b in self.bounds if b.met(self._value(b, metrics))]
        asked = {quantity(b.metric).column_for(self._metric): b.goal for b in met}
        objective = self._rules.objective_quantity
        goal = objective.goal or self._workload_rules.goal
        asked[objective.column_for(self._metric)] = goal
        worse = dict(metrics)
        for column in asked.keys() & others.keys():
            pick = max if asked[column] is Goal.MINIMISE else min
            both = metrics[column], others[column]
            worse[column] = math.nan if any(map(math.isnan, both)) else pick(both)
        return worse

    def out_of_time(self, reading: Reading) -> str | None:
        """Why the clock ends a trial, if it does. A replay is not timed."""
        if self._recorded is not None:
            return None
        row = measured(0, reading, {})
        for bound in self._timed:
            spent, scale = self._value(bound, row), self._scale[bound.metric]
            if not bound.met(spent):
                unit = quantity(bound.metric).unit
                meant = "" if unit == "s" else f": {bound.value:.4g} {unit}"
                passed, allowed = spent / scale, bound.value / scale
                return f"{passed:.4g} s passed, the bound is {allowed:.4g} s{meant}"
        for bound in self._metered:
            spent = self._value(bound, row)
            if not bound.met(spent):
                return f"{spent:.4g} J were spent, the bound is {bound.value:.4g} J"
        if reading.wall > (cap := self._wall_cap(reading)):
            return f"{reading.wall:.0f} s of wall time passed, the cap is {cap:g} s"
        return None

    def _wall_cap(self, reading: Reading) -> float:
        """A busy machine takes long over a short budget of who works: that has a longer one."""
        limits, least = self._limits, self._budget_seconds
        if reading.cpu >= limits.hung_core_share * reading.wall:
            least = max(least, limits.hung_seconds)
        return limits.wall_time_factor * least

    def _value(self, bound: Target, row: Mapping[str, float]) -> float:
        declared = quantity(bound.metric)
        found = row.get(declared.column_for(self._metric), math.nan)
        return found * self._scale.get(bound.metric, declared.factor)

    def train_state(self, row: Mapping[str, float], reading: Reading) -> dict[str, Any]:
        """What AlgoPerf's train_state tells a submission after an evaluation."""

        def reached(name: str) -> bool:
            target = self._rules.asked(name, self._workload_rules)
            return target is not None and target.met(self._value(target, row))

        return {
            "validation_goal_reached": reached("validation_metric"),
            "test_goal_reached": reached("test_metric"),
            "is_time_remaining": self.out_of_time(reading) is None,
            "accumulated_submission_time": reading.seconds,
        }
