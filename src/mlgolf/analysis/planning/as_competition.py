"""A plan as a competition: the smallest validation metric for its dollars, to be played."""

from dataclasses import dataclass

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
hardware = "{hardware}"   # {price:g} dollars an hour, {price_provenance}

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
the schedule is {steps} steps, at the seconds per step that {origin} allows; \
the price is {price_provenance}"
"""
EVALUATIONS = 20
FEWEST_STEPS = 20  # below, nothing is trained
LONG, LONGEST = 10, 1000  # times the workload's own budget: said, refused


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCompetition:
    """What an amount of money buys of a hardware class."""

    toml: str
    workload: str
    dollars: float
    hardware: str
    dollars_per_hour: float
    price_provenance: str
    seconds: float  # of a trial, on the class's reference machine
    steps: int
    times_usual: float  # over the workload's own budget


def planned_competition(
    dollars: float, workload: str, like: Competition, *, name: str
) -> PlannedCompetition:
    """Args: like: a competition that has the workload, whose budget says how long a step takes.

    Raises: UnknownName for a workload that it does not have; RulesError for money that buys next
    to nothing, or more than anybody would play.
    """
    if workload not in like.workloads:
        raise UnknownName(f"workload of {like.name}", workload, known=like.workloads)
    row, hardware = like.workloads[workload], load_hardware(like.rules.hardware)
    price = hardware.dollars_per_hour
    if price is None:
        raise RulesError(f"hardware class {hardware.name}: has no dollars_per_hour to plan by")
    if row.step_hint is None:
        raise RulesError(f"{like.name}: workload {workload} has no step_hint to plan by")
    usual = row.bounds["budget_seconds"]
    seconds = 3600 * dollars / price
    steps = int(seconds * row.step_hint / usual)
    _check_size(dollars, seconds, steps, price / 3600 * usual, row.step_hint, hardware.name)
    provenance = hardware.dollars_per_hour_provenance.replace('"', "'") or "as its file says"
    return PlannedCompetition(
        toml=TEMPLATE.format(
            name=name, workload=workload, dollars=dollars, size=like.size, hardware=hardware.name,
            metric=row.metric, goal=row.goal.value, seconds=seconds, steps=steps, price=price,
            price_provenance=provenance, every=max(1, steps // EVALUATIONS), origin=like.name,
        ), workload=workload, dollars=dollars, hardware=hardware.name, dollars_per_hour=price,
        price_provenance=provenance, seconds=seconds, steps=steps, times_usual=seconds / usual,
    )  # fmt: skip


def _check_size(
    dollars: float, seconds: float, steps: int, usual: float, usual_steps: int, hardware: str
) -> None:
    """Args: usual: dollars of the workload's own budget."""
    fewest, most = FEWEST_STEPS * usual / usual_steps, LONGEST * usual
    if steps < FEWEST_STEPS or dollars > most:
        raise RulesError(
            f"dollars: found {dollars:g}, which buy {seconds:.3g} s of {hardware}, {steps} steps. "
            f"Allowed are {fewest:.2g} to {most:.2g} for this workload: {FEWEST_STEPS} steps to "
            f"{LONGEST} times its own budget of {usual:.2g}"
        )
