"""What rules, outcomes and measured values are called in a report."""

import math

from mlgolf.core.quantities import quantity
from mlgolf.core.rules import Constraint, Rules
from mlgolf.core.status import Outcome
from mlgolf.core.target import Goal

NOUNS = {
    "time": "time on the clock",
    "cpu_time": "CPU time",
    "wall_time": "wall-clock time",
    "steps": "number of steps",
    "train_loss": "training loss",
    "validation_metric": "validation metric",
    "test_metric": "test metric",
}
BOUNDS = {
    "target": "each workload's target",
    "budget_seconds": "within each workload's budget",
    "step_limit": "within each workload's step limit",
}
OUTCOMES = {
    Outcome.TARGET_NOT_REACHED: "not reached",
    Outcome.NO_DATA: "no data",
    Outcome.SLOWER_THAN_4X_BEST: "over the limit",
    Outcome.HELD_OUT_NOT_REACHED: "held-out not reached",
    Outcome.HELD_OUT_NO_DATA: "held-out: no data",
    Outcome.HELD_OUT_SLOWER_THAN_4X_BEST: "held-out over the limit",
}


def question(rules: Rules) -> str:
    """The one sentence that every competition is, as a question."""
    objective = rules.objective_quantity
    if objective.accumulates:
        wanted, link = f"needs the least {noun(objective.name)}", "so that"
    else:
        wanted, link = f"reaches the best {noun(objective.name)}", "while"
    own = rules.bound_on(objective.name)
    others = [_condition(c) for c in rules.constraints if c.quantity != objective.name]
    within = f", {_bound(own)}," if own else ""
    given = f" {link} {_enumerate(others)}" if others else ""
    return f"Which submission {wanted}{within}{given}".rstrip(",") + "?"


def noun(name: str) -> str:
    return NOUNS.get(name, name.replace("_", " "))


def _condition(constraint: Constraint) -> str:
    verb = "reaches" if constraint.bound == "target" else "stays"
    return f"its {noun(constraint.quantity)} {verb} {_bound(constraint)}"


def _bound(constraint: Constraint) -> str:
    if isinstance(constraint.bound, str):
        return BOUNDS[constraint.bound]
    bounded = quantity(constraint.quantity)
    relation = {Goal.MINIMISE: "at or below", Goal.MAXIMISE: "at or above", None: "no worse than"}
    unit = "" if bounded.unit == "1" else f" {bounded.unit}"
    return f"{relation[bounded.goal]} {constraint.bound:g}{unit}"


def _enumerate(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def how_scored(rules: Rules) -> str:
    """The aggregation in a sentence or two."""
    tau_max = rules.aggregation.tau_max
    over_workloads = {
        "performance_profile": (
            "the area under its performance profile, drawn below, between ratios 1 and "
            f"{tau_max:g}, the limit, as a share of the largest possible"
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
    return three_digits(value) if unit == "1" else f"{three_digits(value)}\N{NO-BREAK SPACE}{unit}"


def three_digits(value: float) -> str:
    """Three significant digits, without an exponent where that is not needed."""
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.3g}"
    rounded = abs(float(f"{value:.3g}"))  # 9.999 counts as 10.0
    decimals = max(0, 2 - math.floor(math.log10(rounded))) if rounded else 0
    return f"{value:.{decimals}f}"
