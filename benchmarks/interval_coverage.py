"""How often do the printed intervals cover the truth? Simulated on the official AlgoPerf trials.

    interval_coverage.py [FIELDS]     prints one line for each number of studies and trials

The trials of AlgoPerf 0.5, external tuning, are taken for the whole population: fields of 3, 5 and
10 studies are drawn from it, each is given its intervals, and the truth is the score of a field of
2,001 studies. Self-tuning, one trial a study, is simulated from the same population.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import print_machine

from mlgolf.core.competition import load_competition
from mlgolf.results.trial_table import read_trial_table
from mlgolf.scoring.pool import EMPTY, Pool
from mlgolf.scoring.published import admit_table
from mlgolf.scoring.resampling import FIELDS, drawn_studies, interval, level
from mlgolf.scoring.standings import Standings

TRIALS = Path(__file__).parents[1] / "tests" / "golden" / "trials.csv"
CASES = [(3, 5), (5, 5), (10, 5), (6, 1), (10, 1)]  # studies, trials a study


def drawn_pool(pool: Pool, studies: int, trials: int, rng: np.random.Generator) -> Pool:
    """A field of trials drawn one by one, with replacement, from all of each cell."""
    flat = pool.flattened()
    first = np.argsort(~flat.played, axis=-1, kind="stable")  # trials before gaps
    count = flat.played.sum(axis=-1)[..., None]
    shape = (*count.shape[:2], studies * trials)
    drawn = np.minimum((rng.random(shape) * count).astype(int), np.maximum(count - 1, 0))
    at = np.take_along_axis(first, drawn, axis=-1)
    return replace(pool, **{
        name: np.take_along_axis(getattr(flat, name), at, axis=-1).reshape(
            *count.shape[:2], studies, trials
        )
        for name in ("played", *EMPTY)
    })  # fmt: skip


def main(fields: int) -> None:
    print_machine()
    rules = load_competition("algoperf-0.5")
    pool = admit_table(rules, read_trial_table(TRIALS), "external").pool
    rng = np.random.default_rng(0)
    print(f"{fields} fields each; over submissions: mean (least to greatest)")
    for studies, trials in CASES:
        truth = Standings(rules, drawn_pool(pool, 2001, trials, rng)).scores
        covered, width = [], []
        for _ in range(fields):
            field = Standings(rules, drawn_pool(pool, studies, trials, rng))
            drawn = field.scores_of(drawn_studies(field, FIELDS, rng))
            low, high = interval(drawn, field.scores, level(field.pool))
            covered.append((low - 1e-9 <= truth) & (truth <= high + 1e-9))
            width.append(high - low)
        share = np.mean(covered, axis=0)
        print(
            f"{studies} studies of {trials}: covered {share.mean():.3f} ({share.min():.2f} to "
            f"{share.max():.2f}), width {np.mean(width):.3f}", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
