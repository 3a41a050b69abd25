"""A plan as a competition: the smallest validation metric for its dollars, to be played."""

from mlgolf.core.competition import Competition
from mlgolf.core.errors import RulesError, UnknownName
from mlgolf.core.hardware import load_hardware

TEMPLATE = """\
# The lowest validation metric that a sum of money buys: written by mlgolf plan --as-competition.
schema_version = 2
name = "{name}"
title = "The best {workload} for {dollars:g} dollars"
size = "{size}"

[rules]
objective = "validation_metric"
constraints = [{{ quantity = "dollars", bound = "budget_dollars" }}]
hardware = "{hardware}"   # which has the price of an hour

[rules.tuning.self]
studies = 3
budget_factor = 1.0

[rules.tuning.external]
trials = 1
studies = 3

[rules.aggregation]
workloads = "geometric_mean_ratio"

[workloads.{workload}]
metric = "{metric}"
goal = "{goal}"
bounds = {{ budget_dollars = {dollars!r} }}   # {seconds:.4g} s of the class's reference machine
step_hint = {steps}
eval_every_steps = {every}
provenance = "planned: {dollars:g} dollars at {price:g} an hour are {seconds:.4g} s; \
the schedule is {steps} steps, at the seconds per step that {origin} allows"
"""
EVALUATIONS = 20


def competition_toml(dollars: float, workload: str, like: Competition, *, name: str) -> str:
    """Args: like: a competition that has the workload, whose budget says how long a step takes.

    Raises: UnknownName for a workload that it does not have.
    """
    if workload not in like.workloads:
        raise UnknownName(f"workload of {like.name}", workload, known=like.workloads)
    row, hardware = like.workloads[workload], load_hardware(like.rules.hardware)
    price = hardware.dollars_per_hour
    if price is None:
        raise RulesError(f"hardware class {hardware.name}: has no dollars_per_hour to plan by")
    if row.step_hint is None:
        raise RulesError(f"{like.name}: workload {workload} has no step_hint to plan by")
    seconds = 3600 * dollars / price
    steps = max(1, int(seconds * row.step_hint / row.bounds["budget_seconds"]))
    return TEMPLATE.format(
        name=name, workload=workload, dollars=dollars, size=like.size, hardware=hardware.name,
        metric=row.metric, goal=row.goal.value, seconds=seconds, steps=steps, price=price,
        every=max(1, steps // EVALUATIONS), origin=like.name,
    )  # fmt: skip
