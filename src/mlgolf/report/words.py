"""Rules, outcomes and measured values in words, for a report."""

import math
from collections.abc import Sequence

from mlgolf.core.competition import Competition
from mlgolf.core.hardware import HardwareClass, load_hardware
from mlgolf.core.quantities import DIGITS, bound_noun, quantity
from mlgolf.core.rules import (
    Constraint,
    NamedData,
    PinnedModel,
    Pretraining,
    Rules,
    Ruleset,
    Tuning,
    WorkloadRules,
)
from mlgolf.core.status import Outcome
from mlgolf.core.target import Goal, Target
from mlgolf.core.text import enumerated, number_of, significant

OUTCOMES = {
    Outcome.TARGET_NOT_REACHED: "not reached",
    Outcome.NO_DATA: "no data",
    Outcome.SLOWER_THAN_4X_BEST: "too slow",
    Outcome.HELD_OUT_NOT_REACHED: "held-out workload not reached",
    Outcome.HELD_OUT_NO_DATA: "held-out workload: no data",
    Outcome.HELD_OUT_SLOWER_THAN_4X_BEST: "held-out workload: too slow",
}

_AT_MOST = {Goal.MINIMISE: "at most", Goal.MAXIMISE: "at least", None: "no worse than"}
_AT_OR_BELOW = {Goal.MINIMISE: "at or below", Goal.MAXIMISE: "at or above", None: "no worse than"}


def question(
    rules: Rules, rows: Sequence[WorkloadRules] = (), *, budget_factor: float = 1.0
) -> str:
    """The rules of a competition as one question, or as one task where its numbers are known.

    Args: rows: of the scored workloads; what is bounded by one number on all of them shows it.
    """
    if len({_task(rules, row, budget_factor) for row in rows}) == 1:
        return _task(rules, rows[0], budget_factor)
    objective = rules.objective_quantity
    others = [c for c in rules.constraints if c.quantity != objective.name]
    if objective.accumulates:
        wanted = f"needs the least {noun(objective.name)}"
        link = "until" if all(c.is_target for c in others) else "so that"
    else:
        wanted, link = f"reaches the best {noun(objective.name)}", "while"
    own = rules.bound_on(objective.name)
    within = f", {_limit(own, rows)}" if own else ""
    given = f" {link} {enumerated([_condition(c, rows) for c in others])}" if others else ""
    return f"Which submission {wanted}{given}{within}?"


def _task(rules: Rules, row: WorkloadRules, budget_factor: float) -> str:
    """What one workload asks for, with its numbers."""
    goal = rules.objective_quantity.goal or row.goal
    targets = rules.targets(row, budget_factor=budget_factor)
    bounds = ", ".join(_bounded(target, row) for target in targets)
    given = f" subject to {bounds}" if bounds else ""
    wanted = noun_on(rules.objective, row)
    return f"{goal.value.capitalize()} the {wanted}{given} on {rules.hardware}."


def _bounded(target: Target, row: WorkloadRules) -> str:
    unit = row.unit(target.metric)
    number = quantity(target.metric).given(target.value) + ("" if unit == "1" else f" {unit}")
    strictly = "below" if target.goal is Goal.MINIMISE else "above"
    relation = strictly if target.strict else target.goal.limit
    return f"{noun_on(target.metric, row)} {relation} {number}"


def noun_on(name: str, row: WorkloadRules) -> str:
    """A quantity in words, with the workload's metric where it is that."""
    metric = row.metric.replace("_", " ")
    return f"{noun(name)} ({metric})" if quantity(name).goal is None else noun(name)


def tuning_in_words(tuning: Tuning) -> list[str]:
    """A sentence each: external tuning, and self-tuning."""
    external, own, said = tuning.external, tuning.self_, []
    if external:
        points = "the same in all studies" if tuning.same_points else "each study draws its own"
        said.append(
            f"External tuning: {number_of(external.studies, 'study')} of "
            f"{number_of(external.trials, 'trial')}, each at one point of the search space "
            f"({points}){_longer(external.budget_factor)}."
        )
    if own:
        said.append(
            f"Self-tuning: {number_of(own.studies, 'study')} of {number_of(own.trials, 'trial')}"
            f"{_longer(own.budget_factor)}."
        )
    return said


def hardware_in_words(hardware: HardwareClass) -> str:
    clock = {"cpu": "CPU time", "wall": "wall-clock time"}[hardware.clock]
    memory = f"{hardware.memory_bytes / 1e9:g} GB of memory"
    played = f"Played on {hardware.name}: {hardware.meaning}, {memory}. The clock counts {clock}."
    if hardware.self_reported:
        return f"{played} Self-reported: nobody checks that a trial ran on such a machine."
    if hardware.reference is None:
        return played
    machine = hardware.reference.machine
    return f"{played} Budgets are in seconds of the reference machine: {machine}."


def price_in_words(rules: Rules) -> str:
    """What an hour costs, and where the price is from; empty where rules count no money."""
    if not any(quantity(name).priced for name in rules.used_quantities):
        return ""
    hardware = load_hardware(rules.hardware)
    whose = "there" if hardware.reference is None else "of the reference machine"
    provenance = hardware.dollars_per_hour_provenance
    source = f" ({provenance})" if provenance else ""
    return f"An hour {whose} costs {hardware.dollars_per_hour} dollars{source}."


def pretraining_in_words(allowed: Pretraining) -> str:
    match allowed:
        case "forbidden":
            return "Pre-training: forbidden."
        case "declared":
            return "Pre-training: allowed if it is declared."
        case PinnedModel():
            return (
                f"Pre-training: the model {allowed.model} and no other, SHA-256 {allowed.sha256}. "
                "The compute behind it is unbounded."
            )
        case NamedData():
            relation = allowed.relation.replace("_", " ").replace("input output", "input-output")
            return (
                f"Pre-training: on {allowed.data} and nothing else; they are {relation}. The host "
                f"says: {allowed.words}"
            )


def energy_in_words(rules: Rules, row: WorkloadRules) -> str:
    """The ceiling of a trial's energy; empty where there is none."""
    if rules.watts is None:
        return ""
    joules = rules.watts * rules.seconds_allowed(row)
    return (
        f"Energy: at most {joules:g} J, {rules.watts:g} W times the budget. This is declared, and "
        "nobody checks it: a bound on the quantity energy is measured."
    )


def seeds_in_words(rules: Rules, ruleset: str) -> str:
    """How many runs make a score."""
    studies, share = rules.tuning.under(ruleset).studies, rules.aggregation.reached_share
    enough = f"; with less than {100 * share:g}% of them within the bounds it is none" * bool(share)
    return (
        f"Runs: {number_of(studies, 'seed')}, drawn after the code was hashed. The score is the "
        f"median over them{enough}. All runs are kept."
    )


def _longer(budget_factor: float) -> str:
    return "" if budget_factor == 1 else f", with {budget_factor:g} times the budget"


def noun(name: str) -> str:
    measured = quantity(name)
    return f"{measured.noun} (as claimed by the submission)" if measured.claimed else measured.noun


def _condition(constraint: Constraint, rows: Sequence[WorkloadRules] = ()) -> str:
    bounded, verb = constraint.bounded, f"stays {_limit(constraint, rows)}"
    if constraint.is_target:  # a metric is reached; a size of the model just is
        reached = f"reaches each workload's {bound_noun(str(constraint.bound))}"
        verb = f"is {_limit(constraint, rows)}" if bounded.goal else reached
    return f"its {noun(constraint.quantity)} {verb}"


def _limit(constraint: Constraint, rows: Sequence[WorkloadRules]) -> str:
    bounded = constraint.bounded
    if isinstance(constraint.bound, str):
        relation = _AT_MOST[bounded.goal] if constraint.is_target else "within"
        return f"{relation} each workload's {bound_noun(constraint.bound)}"
    units = {row.unit(bounded.name) for row in rows} or {bounded.unit}
    unit = "" if "1" in units else f" {bounded.unit}"
    return f"{_AT_OR_BELOW[bounded.goal]} {bounded.given(constraint.bound)}{unit}"


def how_ranked(competition: Competition, ruleset: Ruleset, below: str = " (see below)") -> str:
    """How trials rank submissions: by a value where one workload is scored, else by a score."""
    scored = competition.scored_workloads
    if len(scored) == 1:
        return how_valued(competition.rules, ruleset, competition.workloads[scored[0]])
    return how_scored(competition.rules, below)


def how_scored(rules: Rules, below: str = " (see below)") -> str:
    """How trials become a score, in a few sentences. below: where the profile is shown."""
    tau_max = rules.aggregation.tau_max
    over_workloads = {
        "performance_profile": (
            f"the area under the performance profile{below} for ratios between 1 and "
            f"{tau_max:g}, divided by the largest possible area"
        ),
        "geometric_mean_ratio": (
            "the geometric mean over workloads of 1 / ratio, where a target that was not reached, "
            f"and any ratio above {tau_max:g}, counts as {tau_max:g}"
        ),
    }[rules.aggregation.workloads]
    return (
        f"{_selected(rules)}. On each workload the median over studies is scored. The ratio (×) "
        "compares it with the best submission on the workload: 1 is the best, larger is worse. The "
        "score is "
        f"{over_workloads}. A score of 1 means best on every workload."
    )


def _selected(rules: Rules) -> str:
    """Which trial of a study counts."""
    if not rules.trial_chosen_by:
        return "In each study the best trial counts"
    chosen, scored = (
        enumerated([_condition(c) for c in constraints if c.is_target])
        for constraints in (rules.trial_chosen_by, rules.constraints)
    )
    measured = noun(rules.objective)
    return (
        f"In each study the trial with the best {measured} until {chosen} is selected; its "
        f"{measured} until {scored} is scored"
    )


def how_valued(rules: Rules, ruleset: str, row: WorkloadRules) -> str:
    """How the runs on the one scored workload become the value by which submissions are ranked."""
    alone, measured = rules.tuning.stands_alone(ruleset), noun_on(rules.objective, row)
    what, each = ("runs", "qualify") if alone else ("studies", "reach a value")
    until = rules.objective_quantity.accumulates
    of_run = "until all bounds hold" if until else "of a model that keeps all bounds"
    counted = f"Of each run the best {measured} {of_run} counts" if alone else _selected(rules)
    share = rules.aggregation.reached_share
    enough = f", if at least {100 * share:g}% of them {each}" if share else ""
    par = " To par: how far the median is from the best value that is known." if row.par else ""
    return f"{counted}. Submissions are ranked by the median over {what}{enough}.{par}"


def with_unit(value: float, unit: str, digits: int = 3) -> str:
    """A value with its unit ("1": none), so many digits; a dash where it is not finite."""
    return _united(significant(value, digits), unit) if math.isfinite(value) else "–"


def valued(name: str, value: float, unit: str, digits: int = DIGITS) -> str:
    """A value of a quantity with its unit, as `with_unit`; a count as a whole number."""
    number = quantity(name).number(value, digits)
    return _united(number, unit) if math.isfinite(value) else "–"


def _united(number: str, unit: str) -> str:
    return number if unit == "1" else f"{number}\N{NO-BREAK SPACE}{unit}"


def missed_in_words(rules: Rules) -> str:
    """For sentences, of trials without a value."""
    return "did not reach the target" if rules.objective_quantity.accumulates else "did not qualify"


def duration(hours: float) -> str:
    """Hours with their unit; below one hour, seconds."""
    return f"{three_digits(hours)} hours" if hours >= 1 else f"{three_digits(3600 * hours)} s"


def three_digits(value: float) -> str:
    return significant(value, 3)
