"""How often do the intervals of `mlgolf curve` hold the true speed-up? Simulated, 500 times each.

    curve_coverage.py [--simulations 500] [--seed 0]

The true curve, quality = 0.9 - 0.5 exp(-0.8 ln t), is measured at five budgets; quality has a
standard deviation of 0.01 between seeds (or 0.02 for the method alone, "uneven"), time one of 3%.
A method is so many times as fast at every quality. Printed for 3, 5 and 10 seeds: how often the
interval of one point's speed-up holds the true one, the same of the average over the curve, and how
often the verdict is "cannot tell".
"""

import argparse

import numpy as np
from common import print_machine

from mlgolf.analysis.dominance import compare
from mlgolf.analysis.measurements import Point
from mlgolf.analysis.monotone_curve import MonotoneCurve
from mlgolf.analysis.tradeoff import Judge, Verdict
from mlgolf.core.target import Goal

BUDGETS, OF_METHOD, JUDGED = (1.0, 2.0, 4.0, 8.0, 16.0), (1.5, 3.0, 6.0), 1
STDDEV, TIME_STDDEV = 0.01, 0.03
CASES = [(speed, uneven) for uneven in (1.0, 2.0) for speed in (1.0, 1.3, 2.0)]


def quality(log_time: np.ndarray) -> np.ndarray:
    return 0.9 - 0.5 * np.exp(-0.8 * log_time)


def point(
    rng: np.random.Generator, time: float, seeds: int, speed: float = 1.0, uneven: float = 1.0
) -> Point:
    times = time * np.exp(TIME_STDDEV * rng.standard_normal(seeds))
    noise = STDDEV * uneven * rng.standard_normal(seeds)
    return Point("method", times, quality(np.log(times * speed)) + noise)


def simulated(rng: np.random.Generator, seeds: int, speed: float, uneven: float) -> np.ndarray:
    """(3,): whether the point's interval holds the truth, the curve's does, nothing is told."""
    baseline = [point(rng, time, seeds) for time in BUDGETS]
    method = [point(rng, time, seeds, speed, uneven) for time in OF_METHOD]
    curve = MonotoneCurve(baseline, Goal.MAXIMISE)
    judged = Judge(curve, baseline).judge(method)[JUDGED]
    (low, high) = judged.speedup_interval
    whole = compare(curve, baseline, method, Goal.MAXIMISE)
    return np.array([
        low <= speed <= high, whole.interval[0] <= speed <= whole.interval[1],
        judged.verdict is Verdict.CANNOT_TELL,
    ])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print_machine()
    for speed, uneven in CASES:
        for seeds in (3, 5, 10):
            rng = np.random.default_rng([asked.seed, seeds, round(10 * speed), round(uneven)])
            found = np.mean(
                [simulated(rng, seeds, speed, uneven) for _ in range(asked.simulations)], axis=0
            )
            print(
                f"speed-up {speed:g}, {seeds} seeds{', uneven' if uneven > 1 else ''}: interval "
                f"of a point {found[0]:.1%}, of the average {found[1]:.1%}; cannot tell "
                f"{found[2]:.1%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
