"""From trials to scores under one competition's rules: every score is computed here.

A leaderboard needs this once. Intervals, win probabilities and other target levels need it
thousands of times, for resampled or fewer trials: those are leading axes of the arrays.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlgolf.core.arrays import BoolArray, FloatArray, IntArray
from mlgolf.core.competition import Competition
from mlgolf.core.errors import ScoringError
from mlgolf.core.target import Goal
from mlgolf.scoring.held_out import Gates, costs_that_count
from mlgolf.scoring.objective import objective_goal
from mlgolf.scoring.pool import Pool
from mlgolf.scoring.profiles import ratios_to_best, score
from mlgolf.scoring.studies import chosen_trials, median_study, study_values


@dataclass(frozen=True)
class Standings:
    """All trials under the rules of a competition, with its workloads in its order.

    In all arrays NaN means no data and inf, never reached.
    """

    competition: Competition
    pool: Pool

    @cached_property
    def gates(self) -> Gates:
        return Gates.of(self.competition)

    @cached_property
    def minimised(self) -> BoolArray:
        """(workloads,): whether the objective is minimised there."""
        rules = self.competition.rules
        goals = [objective_goal(rules, n) for n in self.competition.workloads.values()]
        return np.array([goal is Goal.MINIMISE for goal in goals])

    @cached_property
    def chosen(self) -> IntArray:
        """(submissions, workloads, studies): index of the best trial of each study."""
        return chosen_trials(self.pool, self.competition.rules.aggregation.interpretations)

    @cached_property
    def studies(self) -> FloatArray:
        """(submissions, workloads, studies): objective value of each study, smaller is better."""
        return study_values(self.pool, self.pool.objective, self.chosen)

    @cached_property
    def medians(self) -> tuple[FloatArray, FloatArray]:
        """Objective value of the median study, and its seconds: (submissions, workloads) each."""
        seconds = study_values(self.pool, self.pool.seconds, self.chosen)
        aggregation = self.competition.rules.aggregation
        return median_study(
            self.studies, seconds, aggregation.interpretations,
            reached_share=aggregation.reached_share,
        )

    @cached_property
    def costs(self) -> FloatArray:
        """(submissions, workloads): at least 0, before the rules of `held_out.py`."""
        return self.costs_of(self.medians[0])

    @cached_property
    def counted(self) -> FloatArray:
        """(submissions, scored workloads): costs that count; inf for those that do not."""
        return costs_that_count(self.costs, self.gates)

    @cached_property
    def ratios(self) -> FloatArray:
        """(submissions, scored workloads): to the best, at least 1."""
        return ratios_to_best(self.counted)

    @cached_property
    def scores(self) -> FloatArray:
        """(submissions,), in [0, 1]."""
        return score(self.counted, self.competition.rules.aggregation)

    def costs_of(self, objective: FloatArray) -> FloatArray:
        """Costs of objective values: (..., submissions, workloads) to the same shape.

        Raises: ScoringError for an objective below 0, which has no ratio to the best.
        """
        value = np.where(self.minimised, objective, -objective)
        wrong = np.isfinite(objective) & (value < 0)
        if wrong.any():
            *_, row, column = np.argwhere(wrong)[0]
            raise ScoringError(
                f"{self.pool.submissions[row]} on {self.pool.workloads[column]}: the objective is "
                f"{value[wrong][0]:g}. Scores are computed from ratios to the best, which need "
                "values of at least 0: choose an objective that cannot be negative."
            )
        with np.errstate(divide="ignore"):
            reciprocal = np.where(np.isfinite(objective), 1 / np.abs(value), objective)
        return np.where(self.minimised, objective, reciprocal)

    def scores_of(self, studies: FloatArray) -> FloatArray:
        """Scores of other sets of studies, by the same rules.

        Args:
          studies: (..., submissions, workloads, studies), as `studies`.
        Returns: (..., submissions).
        """
        aggregation = self.competition.rules.aggregation
        objective, _ = median_study(
            studies, studies, aggregation.interpretations, reached_share=aggregation.reached_share
        )
        return score(costs_that_count(self.costs_of(objective), self.gates), aggregation)

    def ratio_to(self, baseline: str, budget_factor: float) -> FloatArray:
        """Geometric mean over scored workloads of time / the baseline's time; below 1 is faster.

        Of medians before the rules of `held_out.py`; a target that was not reached counts as one
        second more than the budget. NaN for submissions that lack data on some workload.
        Returns: (submissions,).
        Source: mlcommons/submissions_algorithms, scoring/compute_speedups.py.
        Raises: ScoringError for a baseline that is not there, or an objective other than time.
        """
        if baseline not in self.pool.submissions:
            raise ScoringError(
                f"--baseline: found {baseline!r}, allowed is one of the submissions: "
                f"{', '.join(self.pool.submissions)}"
            )
        if self.competition.rules.objective != "time":
            raise ScoringError(
                "--baseline needs a competition that minimises time; "
                f"{self.competition.name} asks for the "
                f"{self.competition.rules.objective_quantity.noun}"
            )
        rules, rows = self.competition.rules, self.competition.workloads
        late = 1 + np.array([
            rules.seconds_allowed(rows[name], budget_factor=budget_factor)
            for name in self.competition.scored_workloads
        ])
        if np.isinf(late).any():
            raise ScoringError(
                "--baseline: a target that was not reached counts as the budget and a second, and "
                f"{self.competition.name} has workloads without a budget in seconds"
            )
        times = self.costs[:, list(self.gates.scored)]
        times = np.where(np.isinf(times), late, times)
        against = times[self.pool.submissions.index(baseline)]
        return np.exp(np.log(times / against).mean(axis=-1))


def ranks(scores: FloatArray) -> IntArray:
    """(submissions,): from 1; equal scores share a rank, and the ranks after it are skipped."""
    rounded = np.asarray(scores).round(12)  # sums in another order differ in their last bits
    in_order = np.sort(rounded)
    return 1 + len(in_order) - np.searchsorted(in_order, rounded, side="right")
