"""How sure a score is: fields drawn anew from a model of trials within studies.

Trials of one submission on one workload are draws from one distribution, whichever study they were
counted to. So all of them are pooled, and a field is drawn by making each study anew of as many
trials as the rules give it. To resample whole studies instead knows of three or five values only:
its interval covers the truth 74% of the time at three studies, where it says 95%.

An interval takes the quantiles of the drawn scores and their mirror image about the score itself,
whichever lie further out: the drawn fields are biased where a submission's fate hangs on a rare
trial, to either side. How often it covers the truth was simulated on the official results;
`benchmarks/interval_coverage.py` repeats that and docs/scoring.md prints it.

Source: Efron and Tibshirani (1993), An Introduction to the Bootstrap, sections 13.3 and 13.4.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlgolf.core.arrays import BoolArray, FloatArray, IntArray
from mlgolf.scoring.pool import Pool
from mlgolf.scoring.standings import Standings
from mlgolf.scoring.studies import order_of_choice

FIELDS = 1000
LEAST_STUDIES = 3
LEAST_STUDIES_OF_ONE_TRIAL = 6
# Of the quantiles, by the number of studies: what covers 95% in the simulation.
LEVELS = {3: 0.97, 4: 0.96}
LEVELS_OF_ONE_TRIAL = {6: 0.975, 7: 0.97, 8: 0.97, 9: 0.96}
LEVEL = 0.95
_MANY = np.iinfo(np.int64).max
SEED = 0  # the same trials give the same interval, whoever computes it


def drawn_studies(
    standings: Standings, fields: int, rng: np.random.Generator, studies: int | None = None
) -> FloatArray:
    """What each study of each drawn field is worth: (fields, submissions, workloads, studies).

    As many studies as there are, or `studies` of them wherever there is a trial. NaN without one.
    """
    pool = standings.pool
    worth, count = _in_order_of_choice(standings)
    present = pool.played.any(axis=-1)
    if studies is not None:
        present = np.repeat(present.any(axis=-1, keepdims=True), studies, axis=-1)
    trials = pool.played.shape[-1]
    uniform = rng.random((fields, *present.shape))
    # The first in order of choice among several draws, without drawing them one by one.
    first = (count[..., None] * (1 - uniform ** (1 / trials))).astype(int)
    first = np.minimum(first, np.maximum(count - 1, 0)[..., None])
    taken = np.take_along_axis(worth[None], first, axis=-1)
    return np.where(present, taken, np.nan)


def _in_order_of_choice(standings: Standings) -> tuple[FloatArray, FloatArray]:
    """Worth of every trial of a cell, the one to be chosen first, and how many there are."""
    pool = standings.pool
    flat = pool.flattened()
    order = order_of_choice(flat, standings.competition.rules.aggregation.readings)
    return np.take_along_axis(flat.worth, order, axis=-1), flat.played.sum(axis=-1)


@dataclass(frozen=True)
class Doubt:
    """A board drawn many times over. Arrays are in the order of the pool's submissions."""

    standings: Standings

    @cached_property
    def scores(self) -> FloatArray:
        """(fields, submissions)."""
        rng = np.random.default_rng(SEED)
        return self.standings.scores_of(drawn_studies(self.standings, FIELDS, rng))

    @cached_property
    def level(self) -> float:
        return level(self.standings.pool)

    @cached_property
    def intervals(self) -> list[tuple[float, float] | None]:
        """95% for each score; None where there are too few studies to say."""
        low, high = interval(self.scores, self.standings.scores, self.level)
        told = enough_studies(self.standings.pool)
        return [
            (max(float(a), 0.0), min(float(b), 1.0)) if known else None
            for a, b, known in zip(low, high, told, strict=True)
        ]

    @cached_property
    def ranges(self) -> list[tuple[float, float] | None]:
        """The least and the greatest score if each study were the only one.

        Of the studies that everybody has who has data at all; None below two.
        """
        studies = self.standings.studies
        has: BoolArray = np.asarray((~np.isnan(studies)).any(axis=1))  # (submissions, studies)
        present: BoolArray = np.asarray(has.any(axis=-1))
        common = has[present].all(axis=0)
        if common.sum() < 2 or not present.any():
            return [None] * len(present)
        alone = np.moveaxis(studies[:, :, common, None], 2, 0)  # one field for each study
        scores = self.standings.scores_of(alone)
        return [
            (float(own.min()), float(own.max())) if known else None
            for own, known in zip(scores.T, present, strict=True)
        ]

    @cached_property
    def probability_ahead(self) -> FloatArray:
        """(submissions, submissions): how likely the row scores more than the column; ties half."""
        difference = self._differences.round(12)
        return (difference > 0).mean(axis=0) + (difference == 0).mean(axis=0) / 2

    @cached_property
    def decided(self) -> BoolArray:
        """(submissions, submissions): the row is ahead of the column beyond doubt, at 95%."""
        scores = self.standings.scores
        low, _ = interval(self._differences, scores[:, None] - scores, self.level)
        told = enough_studies(self.standings.pool)
        return (low > 1e-12) & told[:, None] & told

    @cached_property
    def rank_groups(self) -> list[int]:
        """1 + how many are ahead beyond doubt: who cannot be told from another shares a rank."""
        return (1 + self.decided.sum(axis=0)).tolist()

    @cached_property
    def _differences(self) -> FloatArray:
        return self.scores[:, :, None] - self.scores[:, None, :]


def interval(
    drawn: FloatArray, found: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Bounds of 95% intervals from drawn values, (fields, ...), about the values found, (...)."""
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.minimum(low, 2 * found - high), np.maximum(high, 2 * found - low)


def level(pool: Pool) -> float:
    """Of the quantiles that make a 95% interval, with as many studies as the pool has."""
    fewest = _fewest_studies(pool)[enough_studies(pool)].min(initial=_MANY)
    levels = LEVELS if pool.played.shape[-1] > 1 else LEVELS_OF_ONE_TRIAL
    return levels.get(int(fewest), LEVEL)


def enough_studies(pool: Pool) -> BoolArray:
    """(submissions,): whether there are enough studies wherever there is data at all."""
    least = LEAST_STUDIES if pool.played.shape[-1] > 1 else LEAST_STUDIES_OF_ONE_TRIAL
    fewest = _fewest_studies(pool)
    return (fewest >= least) & (fewest < _MANY)


def _fewest_studies(pool: Pool) -> IntArray:
    """(submissions,): over the workloads with data; as many as can be where there are none."""
    studies = pool.played.any(axis=-1).sum(axis=-1)
    return np.where(studies > 0, studies, _MANY).min(axis=-1, initial=_MANY)
