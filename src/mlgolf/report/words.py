"""What rules, outcomes and measured values are called in a report."""

import math

from mlgolf.core.quantities import quantity
from mlgolf.core.rules import Constraint, Rules
from mlgolf.core.status import Outcome
from mlgolf.core.target import Goal

NOUNS = {
    "time": "time on the referee's clock",
    "cpu_time": "CPU time",
    "wall_time": "wall-clock time",
    "steps": "number of steps",
    "train_loss": "training loss",
    "validation_metric": "validation metric",
    "test_metric": "test metric",
}
BOUNDS = {
    "target": "reaches the workload's target",
    "budget_seconds": "stays within the workload's budget",
    "step_limit": "stays within the workload's step limit",
}
OUTCOMES = {
    Outcome.TARGET_NOT_REACHED: "not reached",
    Outcome.NO_DATA: "no data",
    Outcome.SLOWER_THAN_4X_BEST: "past τ max",
    Outcome.HELD_OUT_NOT_REACHED: "held-out not reached",
    Outcome.HELD_OUT_NO_DATA: "held-out: no data",
    Outcome.HELD_OUT_SLOWER_THAN_4X_BEST: "held-out past τ max",
}


def question(rules: Rules) -> str:
    """The one sentence that every competition is, as a question."""
    objective = quantity(rules.objective)
    wanted = "best" if objective.goal is None else _EXTREME[objective.goal]
    conditions = [_condition(constraint) for constraint in rules.constraints]
    provided = f" such that {_enumerate(conditions)}" if conditions else ""
    return f"Which submission has the {wanted} {noun(rules.objective)}{provided}?"


_EXTREME = {Goal.MINIMISE: "smallest", Goal.MAXIMISE: "largest"}


def noun(name: str) -> str:
    return NOUNS.get(name, name.replace("_", " "))


def _condition(constraint: Constraint) -> str:
    what = noun(constraint.quantity)
    if isinstance(constraint.bound, str):
        return f"its {what} {BOUNDS[constraint.bound]}"
    bounded = quantity(constraint.quantity)
    relation = {Goal.MINIMISE: "at most", Goal.MAXIMISE: "at least", None: "no worse than"}
    unit = "" if bounded.unit == "1" else f" {bounded.unit}"
    return f"its {what} is {relation[bounded.goal]} {constraint.bound:g}{unit}"


def _enumerate(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def how_scored(rules: Rules) -> str:
    """The aggregation in a sentence or two."""
    tau_max = rules.aggregation.tau_max
    over_workloads = {
        "performance_profile": (
            f"the area under its performance profile (Figure 3) between ratios 1 and {tau_max:g}, "
            "as a share of the largest possible"
        ),
        "geometric_mean_ratio": (
            "the geometric mean over workloads of best value to own value, where a workload that "
            f"was not reached counts as {tau_max:g} times the best"
        ),
    }[rules.aggregation.workloads]
    return (
        "A study is worth its best trial, a workload the median of its studies, and the ratio "
        f"compares that with the best submission on the workload. The score is {over_workloads}: "
        "1 is the best at everything."
    )


def measure(value: float, name: str) -> str:
    """A value of a quantity with its unit, to three digits; a dash where it is not finite."""
    if not math.isfinite(value):
        return "–"
    unit = quantity(name).unit
    return three_digits(value) if unit == "1" else f"{three_digits(value)} {unit}"


def three_digits(value: float) -> str:
    """Three significant digits, without an exponent where that is not needed."""
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.3g}"
    decimals = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:.{decimals}f}"
