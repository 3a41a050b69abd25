"""How sure a score is: fields drawn anew from a model of trials within studies.

A field is drawn by making each study anew, trial by trial. In the official results trial i has the
same hyperparameter point in every study, so it is drawn from the trials that have its point: what
varies is the seed. Where each study draws its own points, all trials of a submission on a workload
are draws from one distribution, whichever study they were counted to. To resample whole studies
instead knows of three or five values only: its interval covers the truth 74% of the time at three
studies, where it says 95%.

An interval takes the quantiles of the drawn scores and their mirror image about the score itself,
whichever lie further out: few trials make the drawn fields too narrow, and biased where much hangs
on a rare trial. Which quantiles cover 95%, and how often they do so for each submission, was
simulated on the official results; `benchmarks/interval_coverage.py` repeats that and
docs/scoring.md prints it.

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
# Between which quantiles lie 95% in the simulation.
LEVEL_OF_SAME_POINTS = 0.90  # and of one trial a study
LEVELS_OF_OWN_POINTS = {3: 0.97, 4: 0.96}  # by the number of studies; above, as it says:
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
    present = pool.played.any(axis=-1)
    if studies is not None:
        present = np.repeat(present.any(axis=-1, keepdims=True), studies, axis=-1)
    order = order_of_choice(
        pool.flattened(), standings.competition.rules.aggregation.readings
    )
    worth = np.take_along_axis(pool.flattened().worth, order, axis=-1)
    same_points = standings.competition.rules.tuning.external.same_points
    draw = _by_point if same_points else _from_all
    chosen = np.stack([
        draw(pool.played[row], order[row], (fields, *present.shape[1:]), rng)
        for row in range(len(pool.submissions))
    ], axis=1) if pool.submissions else np.empty((fields, *present.shape), dtype=int)
    return np.where(present, np.take_along_axis(worth[None], chosen, axis=-1), np.nan)


def _from_all(
    played: BoolArray, order: IntArray, shape: tuple[int, ...], rng: np.random.Generator
) -> IntArray:
    """Which trial, in order of choice, stands for each study: of draws from all of a workload's.

    Args:
      played: (workloads, studies, trials) of one submission; `order` is flat in the last two.
      shape: (fields, workloads, studies).
    """
    count = played.sum(axis=(-2, -1))[:, None]
    # The first in order of choice among several draws, without drawing them one by one.
    first = (count * (1 - rng.random(shape) ** (1 / played.shape[-1]))).astype(int)
    return np.minimum(first, np.maximum(count - 1, 0))


def _by_point(
    played: BoolArray, order: IntArray, shape: tuple[int, ...], rng: np.random.Generator
) -> IntArray:
    """The same where trial i is a point of its own: each is drawn from the studies that have it."""
    place = np.argsort(order, axis=-1).reshape(played.shape)  # of each trial, in order of choice
    place = np.where(played, place, order.shape[-1] - 1)
    with_it = np.argsort(~played, axis=1, kind="stable")  # studies, those that have it first
    count = played.sum(axis=1)[:, None, :]
    taken = (rng.random((*shape, played.shape[-1])) * count).astype(int)
    study = np.take_along_axis(with_it[None], taken, axis=2)
    return np.take_along_axis(place[None], study, axis=2).min(axis=-1)


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
        return level(self.standings)

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
        """The best rank that each may hold: 1 + how many are ahead of it beyond doubt.

        Who is behind the same submissions shares a group. Doubt is not transitive: two of
        neighbouring groups may not be told apart either; `decided` has every pair.
        """
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


def level(standings: Standings) -> float:
    """How much lies between the quantiles that make a 95% interval of this field."""
    pool = standings.pool
    same_points = standings.competition.rules.tuning.external.same_points
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
