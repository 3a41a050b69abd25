"""Which trial speaks for a study at a budget, and which point a study shares between budgets.

Trials are chosen by the validation metric at their end. One that broke off is no point, since its
schedule was made for more.
"""

import math
from collections.abc import Mapping, Sequence

from mlgolf.core.rules import WorkloadRules
from mlgolf.core.status import Status
from mlgolf.core.target import Goal
from mlgolf.core.text import number_of, several
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey


def chosen_by(row: WorkloadRules) -> str:
    """The column that chooses between the trials of a study."""
    return f"validation/{row.metric}"


def tuned_trial(trials: Sequence[Trial], row: WorkloadRules) -> Trial | None:
    """The trial whose point a study takes to its other budgets; None if none ended as planned.

    Args: trials: of one study at one budget.
    """
    column = chosen_by(row)
    counted = [trial for trial in trials if not why_no_point(trial, row, column)]
    return best(counted, column, row.goal) if counted else None


def with_point_of(chosen: Trial, trials: Sequence[Trial]) -> Trial | None:
    """The trial that was played with the point of another one; None if there is none.

    Args: trials: of its study at one budget. A search space may list a point twice: then it is the
      one of the same number, so that results choose nothing.
    """
    same = [trial for trial in trials if trial.hyperparameters == chosen.hyperparameters]
    number = chosen.key.trial
    return min(same, key=lambda t: (t.key.trial != number, t.key.trial), default=None)


def best(trials: Sequence[Trial], column: str, goal: Goal) -> Trial:
    """By its last value; one that was not measured, or is NaN, is the worst."""

    def cost(trial: Trial) -> float:
        last = goal.sign * float(trial.metrics.get(column, [math.nan])[-1])
        return math.inf if math.isnan(last) else last

    return min(trials, key=cost)


def why_no_point(trial: Trial, row: WorkloadRules, column: str) -> str:
    """Why a trial tells nothing of its budget, as words after "left out: "; empty if it does."""
    as_planned = [Status.FINISHED, Status.TARGET_REACHED]
    if row.number("step_limit") is None:
        as_planned.append(Status.OUT_OF_TIME)  # time is what its budget is
    if trial.status not in as_planned:
        return f"{trial.status}, before its budget was used"
    values = trial.metrics.get(column)
    if values is None or not len(values) or not math.isfinite(values[-1]):
        return f"without a finite {column} at the end{_rarely_measured(column)}"
    return ""


def left_out(why_not: Mapping[TrialKey, str]) -> list[str]:
    """A sentence for each reason, with the trials that it leaves out.

    Args: why_not: as of `why_no_point`, also of trials that are points.
    """
    by_reason: dict[str, list[TrialKey]] = {}
    for key, reason in why_not.items():
        if reason:
            by_reason.setdefault(reason, []).append(key)
    return [
        f"{number_of(len(keys), 'trial')} left out: {reason} ({several(keys)})"
        for reason, keys in sorted(by_reason.items())
    ]


def _rarely_measured(column: str) -> str:
    split = column.partition("/")[0]
    return "" if split == "validation" else (
        f": the {split} split is measured at every tenth evaluation, and where the bound on steps "
        f"ends a trial. Train until then, or leave out --quality {split}"
    )
