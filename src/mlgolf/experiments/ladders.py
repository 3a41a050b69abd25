"""A competition at several budgets: what a baseline's trade-off curve is measured with.

Each workload becomes a row for each factor, trained for that many times its step hint, with the
schedule made for just that length: points read off one long run would show the baseline as worse
than it is. Nothing has to be reached; what counts is the validation metric when training ends.
"""

from collections.abc import Sequence

from mlgolf.core.competition import Competition
from mlgolf.core.errors import RulesError
from mlgolf.core.rules import Aggregation, Constraint, WorkloadRules

EVALUATIONS = 10  # of a trial, at most; no more often than the competition, whose share is free
SLACK = 3.0  # times the competition's own budget for as many steps: who is slow is still measured


def parse_factors(text: str) -> tuple[float, ...]:
    """ "0.25,0.5,1" as numbers, from small to large. Raises: RulesError."""
    try:
        factors = sorted({float(part) for part in text.split(",")})
    except ValueError:
        factors = []
    if len(factors) < 2 or not 0 < factors[0] <= factors[-1] < 1000:
        raise RulesError(
            f"--ladder: found {text!r}; give two budgets at least, as multiples of the step hint "
            "above 0: 0.25,0.5,1,2,4"
        )
    return tuple(factors)


def check_tuned_at(factor: float, factors: Sequence[float]) -> None:
    """Raises: RulesError for a factor at which nothing is trained."""
    if not factors:
        raise RulesError(
            f"--tune-at: found {factor:g} without --ladder. It names the budget of a ladder at "
            "which points are searched: give both, such as --ladder 0.25,0.5,1 --tune-at 0.5"
        )
    if factor not in factors:
        known = ", ".join(f"{one:g}" for one in factors)
        raise RulesError(f"--tune-at: found {factor:g}, allowed are those of --ladder: {known}")


def ladder(
    competition: Competition, factors: Sequence[float], *, tune_at: float | None = None
) -> Competition:
    """Args: tune_at: the only factor at which points are searched; None: at all of them.

    Raises: RulesError for a workload without a step hint.
    """
    rows = {
        _row(name, factor): _at(competition, name, factor).model_copy(update={
            "tuned_at": None if tune_at in (None, factor) else _row(name, tune_at)
        })
        for name in competition.scored_workloads for factor in factors
    }  # fmt: skip
    tuning = competition.rules.tuning
    # The budget is the factor's alone: longer ones for self-tuning would outlast the schedule.
    alike = {
        name: found.model_copy(update={"budget_factor": 1.0})
        for name in ("external", "self_") if (found := getattr(tuning, name)) is not None
    }
    rules = competition.rules.model_copy(update={
        "tuning": tuning.model_copy(update=alike), "objective": "validation_metric",
        "constraints": (
            Constraint(quantity="steps", bound="step_limit"),
            Constraint(quantity="time", bound="budget_seconds"),
        ),
        "trial_chosen_by": (),
        "aggregation": Aggregation(workloads="geometric_mean_ratio"),
    })
    return Competition.model_validate({
        **competition.as_record(), "name": f"{competition.name}-ladder",
        "title": f"{competition.title}, at {len(factors)} budgets",
        "rules": rules.model_dump(by_alias=True),
        "workloads": {name: row.model_dump() for name, row in rows.items()},
    }).with_files_in(competition.folder)


def _row(name: str, factor: float) -> str:
    return f"{name}_x{factor:g}"


def _at(competition: Competition, name: str, factor: float) -> WorkloadRules:
    row = competition.workloads[name]
    if row.step_hint is None:
        raise RulesError(
            f"{competition.name}: workload {name} has no step_hint, which --ladder multiplies"
        )
    steps = max(1, round(row.step_hint * factor))
    bounds: dict[str, float] = {"step_limit": steps}
    if (budget := row.number("budget_seconds")) is not None:
        bounds["budget_seconds"] = budget * factor * SLACK
    return row.model_copy(update={
        "workload": row.workload or name, "step_hint": steps, "bounds": bounds, "sources": {},
        "eval_every_steps": min(steps, max(1, steps // EVALUATIONS, row.eval_every_steps or 1)),
        "eval_every_seconds": None,
        "par": None, "incumbent": None,
        "provenance": f"{factor:g} times the step hint of {name} in {competition.name}",
    })
