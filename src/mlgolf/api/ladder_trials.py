"""Trials of a ladder, while they are played: each is a point of a curve, or none, and why."""

from collections.abc import Iterable

from mlgolf.analysis.curves.study_points import chosen_by, left_out, why_no_point
from mlgolf.core.competition import Competition
from mlgolf.core.quantities import DIGITS
from mlgolf.core.text import significant
from mlgolf.core.trial import Trial


class LadderTrials:
    """As `mlgolf curve` will take them. Empty where nothing is trained at several budgets."""

    def __init__(self, competition: Competition) -> None:
        rows = () if competition.rules.objective_quantity.accumulates else (
            row for rows in competition.ladders.values() for row in rows
        )
        self._rows = {row: competition.workloads[row] for row in rows}

    def __bool__(self) -> bool:
        return bool(self._rows)

    def __contains__(self, trial: Trial) -> bool:
        return trial.key.workload in self._rows

    def why_no_point(self, trial: Trial) -> str:
        row = self._rows[trial.key.workload]
        return why_no_point(trial, row, chosen_by(row))

    def came_to(self, trial: Trial) -> str:
        if self.why_no_point(trial):
            return f"{trial.status}, no point of its curve"
        metric = self._rows[trial.key.workload].metric
        value = float(trial.metrics[f"validation/{metric}"][-1])
        return f"{trial.status}  {metric} {significant(value, DIGITS)}"

    def left_out(self, trials: Iterable[Trial]) -> list[str]:
        """A sentence for each reason that trials are no points."""
        return left_out({
            trial.key: self.why_no_point(trial) for trial in trials if trial in self
        })
