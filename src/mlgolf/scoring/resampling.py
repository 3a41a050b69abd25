"""Uncertainty of scores: a bootstrap that resamples the trials of every study.

Each study is resampled trial by trial. In the official results trial i has the same hyperparameter
point in every study, so it is resampled from the trials with that point: only the seed varies.
Where each study draws its own points, a trial is resampled from all trials of the submission on the
workload. Resampling whole studies instead would use only three or five values: with three studies,
its 95% interval covers the true score 74% of the time.

An interval takes the quantiles of the resampled scores or their mirror image about the score,
whichever is further out, because with few trials the resampled scores vary too little, and are
biased where a score depends on one rare trial. The quantiles that cover 95% were found by
simulation on the official results: `benchmarks/interval_coverage.py` repeats it, docs/scoring.md
has a table.

Source: Efron and Tibshirani (1993), An Introduction to the Bootstrap, sections 13.3 and 13.4.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlgolf.core.arrays import BoolArray, FloatArray, IntArray
from mlgolf.scoring.pool import Pool
from mlgolf.scoring.standings import Standings
from mlgolf.scoring.studies import order_of_choice

RESAMPLES = 1000
LEAST_STUDIES = 3
LEAST_STUDIES_OF_ONE_TRIAL = 6
# The share of resampled scores between the quantiles that cover 95% in the simulation.
LEVEL_OF_SAME_POINTS = 0.90  # and of one trial a study
LEVELS_OF_OWN_POINTS = {3: 0.97, 4: 0.96}  # by the number of studies; with more studies:
LEVEL = 0.95
_MANY = np.iinfo(np.int64).max
_MOST_DIFFERENCES = 20_000_000  # of resampled scores that are in memory at a time
SEED = 0  # the same trials always give the same interval


def resampled_studies(
    standings: Standings, resamples: int, rng: np.random.Generator, studies: int | None = None
) -> FloatArray:
    """Objective values of resampled studies: (resamples, submissions, workloads, studies).

    As many studies as there are, or `studies` of them wherever there is a trial. NaN without one.
    """
    pool = standings.pool
    present = pool.played.any(axis=-1)
    if studies is not None:
        present = np.repeat(present.any(axis=-1, keepdims=True), studies, axis=-1)
    order = order_of_choice(
        pool.flattened(), standings.competition.rules.aggregation.interpretations
    )
    objective = np.take_along_axis(pool.flattened().objective, order, axis=-1)
    same_points = standings.competition.rules.tuning.same_points
    draw = _by_point if same_points else _from_all
    chosen = np.stack([
        draw(pool.played[row], order[row], (resamples, *present.shape[1:]), rng)
        for row in range(len(pool.submissions))
    ], axis=1) if pool.submissions else np.empty((resamples, *present.shape), dtype=int)
    return np.where(present, np.take_along_axis(objective[None], chosen, axis=-1), np.nan)


def _from_all(
    played: BoolArray, order: IntArray, shape: tuple[int, ...], rng: np.random.Generator
) -> IntArray:
    """The selected trial of each study, in order of choice, of draws from all of a workload's.

    Args:
      played: (workloads, studies, trials) of one submission; `order` is flat in the last two.
      shape: (resamples, workloads, studies).
    """
    count = played.sum(axis=(-2, -1))[:, None]
    # The first in order of choice among several draws, without drawing them one by one.
    first = (count * (1 - rng.random(shape) ** (1 / played.shape[-1]))).astype(int)
    return np.minimum(first, np.maximum(count - 1, 0))


def _by_point(
    played: BoolArray, order: IntArray, shape: tuple[int, ...], rng: np.random.Generator
) -> IntArray:
    """The same where trial i has the same point in all studies: it is drawn from those studies."""
    place = np.argsort(order, axis=-1).reshape(played.shape)  # of each trial, in order of choice
    place = np.where(played, place, order.shape[-1] - 1)
    with_it = np.argsort(~played, axis=1, kind="stable")  # studies, those that have it first
    count = played.sum(axis=1)[:, None, :]
    taken = (rng.random((*shape, played.shape[-1])) * count).astype(int)
    study = np.take_along_axis(with_it[None], taken, axis=2)
    return np.take_along_axis(place[None], study, axis=2).min(axis=-1)


@dataclass(frozen=True)
class Uncertainty:
    """The scores of resampled studies. Arrays are in the order of the pool's submissions."""

    standings: Standings

    @cached_property
    def scores(self) -> FloatArray:
        """(resamples, submissions)."""
        rng = np.random.default_rng(SEED)
        return self.standings.scores_of(resampled_studies(self.standings, RESAMPLES, rng))

    @cached_property
    def level(self) -> float:
        return level(self.standings)

    @cached_property
    def intervals(self) -> list[tuple[float, float] | None]:
        """95% for each score; None where there are too few studies to say."""
        if not enough_studies(self.standings.pool).any():
            return [None] * len(self.standings.pool.submissions)
        low, high = interval(self.scores, self.standings.scores, self.level)
        enough = enough_studies(self.standings.pool)
        return [
            (max(float(a), 0.0), min(float(b), 1.0)) if known else None
            for a, b, known in zip(low, high, enough, strict=True)
        ]

    @cached_property
    def ranges(self) -> list[tuple[float, float] | None]:
        """The lowest and the highest score from one study alone.

        Of the studies that every submission with data has; None if there are fewer than two.
        """
        studies = self.standings.studies
        has: BoolArray = np.asarray((~np.isnan(studies)).any(axis=1))  # (submissions, studies)
        present: BoolArray = np.asarray(has.any(axis=-1))
        common = has[present].all(axis=0)
        if common.sum() < 2 or not present.any():
            return [None] * len(present)
        alone = np.moveaxis(studies[:, :, common, None], 2, 0)  # one board for each study
        scores = self.standings.scores_of(alone)
        return [
            (low, high) if known else None
            for low, high, known in zip(
                scores.min(axis=0).tolist(), scores.max(axis=0).tolist(), present, strict=True
            )
        ]

    @cached_property
    def win_probability(self) -> FloatArray:
        """(submissions, submissions): of the row against the column; ties count half."""
        difference = self._differences.round(12)
        return (difference > 0).mean(axis=0) + (difference == 0).mean(axis=0) / 2

    @cached_property
    def significant(self) -> BoolArray:
        """(submissions, submissions): the row scores higher than the column, at 95%."""
        scores = self.standings.scores
        enough = enough_studies(self.standings.pool)
        found = np.zeros((len(scores), len(scores)), dtype=bool)
        # Some rows at a time: the differences of all pairs of a large board would fill the memory.
        rows = max(1, _MOST_DIFFERENCES // max(self.scores.size, 1))
        for start in range(0, len(scores), rows):
            some = slice(start, start + rows)
            drawn = self.scores[:, some, None] - self.scores[:, None, :]
            low, _ = interval(drawn, scores[some, None] - scores, self.level)
            found[some] = (low > 1e-12) & enough[some, None] & enough
        return found

    @cached_property
    def rank_groups(self) -> list[int]:
        """1 + the number of submissions that score significantly higher.

        Where nothing is tested it is 1. Two of different groups may not differ significantly
        either, since this is not transitive; `significant` has every pair.
        """
        if enough_studies(self.standings.pool).sum() < 2:
            return [1] * len(self.standings.pool.submissions)
        return (1 + self.significant.sum(axis=0)).tolist()

    @cached_property
    def _differences(self) -> FloatArray:
        return self.scores[:, :, None] - self.scores[:, None, :]


def interval(
    drawn: FloatArray, found: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Bounds of 95% intervals from resampled values, (resamples, ...), about the values, (...)."""
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.minimum(low, 2 * found - high), np.maximum(high, 2 * found - low)


def level(standings: Standings) -> float:
    """The share of resampled scores between the quantiles of a 95% interval."""
    pool = standings.pool
    same_points = standings.competition.rules.tuning.same_points
    if same_points or pool.played.shape[-1] == 1:
        return LEVEL_OF_SAME_POINTS
    fewest = _fewest_studies(pool)[enough_studies(pool)].min(initial=_MANY)
    return LEVELS_OF_OWN_POINTS.get(int(fewest), LEVEL)


def enough_studies(pool: Pool) -> BoolArray:
    """(submissions,): whether there are enough studies wherever there is data at all."""
    least = LEAST_STUDIES if pool.played.shape[-1] > 1 else LEAST_STUDIES_OF_ONE_TRIAL
    fewest = _fewest_studies(pool)
    return (fewest >= least) & (fewest < _MANY)


def _fewest_studies(pool: Pool) -> IntArray:
    """(submissions,): over the workloads with data; as many as can be where there are none."""
    studies = pool.played.any(axis=-1).sum(axis=-1)
    return np.where(studies > 0, studies, _MANY).min(axis=-1, initial=_MANY)
