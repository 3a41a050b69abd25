"""Where a number that the player only claims, such as its steps, decides something."""

from mlgolf.core.competition import Competition
from mlgolf.core.quantities import quantity


def claimed_quantities(competition: Competition) -> tuple[str, ...]:
    """Claimed quantities that the rules minimise, or that they bound on at least one workload."""
    rules, workloads = competition.rules, competition.workloads.values()
    used = {rules.objective} | {
        constraint.quantity for constraint in (*rules.constraints, *rules.trial_chosen_by)
        if any(row.number(constraint.bound) is not None for row in workloads)
    }
    return tuple(sorted(name for name in used if quantity(name).claimed))
