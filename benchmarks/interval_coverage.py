"""How often do the printed intervals cover the true score? Simulated on official AlgoPerf trials.

    interval_coverage.py [BOARDS]     prints one line for each model and number of studies

The trials of a board of AlgoPerf 0.5 are the whole population. Boards of 3, 5 and 10 studies are
drawn from it, with their intervals; the true score is that of a board of 2,001 studies. External
tuning is drawn point by point, as it was played, and again as if each study drew its own points;
self-tuning has one trial a study. The levels were chosen on external tuning, so self-tuning is the
test whether they hold elsewhere.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import print_machine

from mlgolf.core.competition import Competition, load_competition
from mlgolf.results.trial_table import read_trial_table
from mlgolf.scoring.pool import EMPTY, Pool
from mlgolf.scoring.published import admit_table
from mlgolf.scoring.resampling import RESAMPLES, interval, level, resampled_studies
from mlgolf.scoring.standings import Standings

TRIALS = Path(__file__).parents[1] / "tests" / "golden" / "trials.csv"
V05 = load_competition("algoperf-0.5")
CASES = [  # tuning, whether points are the same in all studies, studies
    ("external", True, 3), ("external", True, 5), ("external", True, 10),
    ("self", True, 6), ("self", True, 10),
    ("external", False, 3), ("external", False, 5), ("external", False, 10),
]


def with_points(competition: Competition, points: str) -> Competition:
    tuning = competition.rules.tuning
    external = tuning.external.model_copy(update={"points": points})
    rules = competition.rules.model_copy(
        update={"tuning": tuning.model_copy(update={"external": external})}
    )
    return competition.model_copy(update={"rules": rules})


def drawn_pool(
    pool: Pool, studies: int, rng: np.random.Generator, *, same_points: bool = True
) -> Pool:
    """A board whose trials are drawn one by one, from those of the same point or from all."""
    trials = pool.played.shape[-1]
    shape = (*pool.played.shape[:2], studies, trials)
    if not same_points:  # as if every trial of a workload were of one and the same point
        pool, shape = pool.flattened(), (*shape[:2], studies * trials, 1)
        pool = replace(pool, **{
            name: getattr(pool, name)[..., None] for name in ("played", *EMPTY)
        })  # fmt: skip
    first = np.argsort(~pool.played, axis=2, kind="stable")  # studies that have it first
    count = pool.played.sum(axis=2, keepdims=True)
    drawn = np.minimum((rng.random(shape) * count).astype(int), np.maximum(count - 1, 0))
    at = np.take_along_axis(first, drawn, axis=2)
    return replace(pool, **{
        name: np.take_along_axis(getattr(pool, name), at, axis=2).reshape(
            *shape[:2], studies, trials
        )
        for name in ("played", *EMPTY)
    })  # fmt: skip


def main(boards: int) -> None:
    print_machine()
    table = read_trial_table(TRIALS)
    rng = np.random.default_rng(0)
    print(f"{boards} boards each; over submissions: mean (lowest to highest)")
    for ruleset, same, studies in CASES:
        rules = with_points(V05, "same" if same else "own")
        pool = admit_table(rules, table, ruleset).pool
        truth = Standings(rules, drawn_pool(pool, 2001, rng, same_points=same)).scores
        covered, width = [], []
        for _ in range(boards):
            board = Standings(rules, drawn_pool(pool, studies, rng, same_points=same))
            drawn = board.scores_of(resampled_studies(board, RESAMPLES, rng))
            low, high = interval(drawn, board.scores, level(board))
            covered.append((low - 1e-9 <= truth) & (truth <= high + 1e-9))
            width.append(high - low)
        share = np.mean(covered, axis=0)
        print(
            f"{ruleset} tuning, {'same' if same else 'own'} points, {studies} studies: covered "
            f"{share.mean():.3f} ({share.min():.2f} to {share.max():.2f}), width "
            f"{np.mean(width):.3f}", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
