"""Do the bands of tuning curves hold as often as they say, and how long do 1,000 trials take?

    tuning_bands.py [SIMULATIONS]     prints a line for each distribution and number of results

Coverage: results are drawn from a known distribution; a band holds if it has the true median of the
best of k trials at all k up to the number of results. "Same points" draws each of 5
points equally often, as AlgoPerf's studies do, from distributions of their own: the truth is that
of drawing the points at random. Below: how often intervals of rank correlations cover, for points
whose true costs on the two workloads are normal with a correlation.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
from common import print_machine, spread

from mlgolf.analysis.tuning.curves import tuning_curve
from mlgolf.analysis.tuning.order_bands import band, kolmogorov
from mlgolf.analysis.tuning.rank_bands import rank_band
from mlgolf.analysis.tuning.transfer import rank_interval
from mlgolf.core.target import Goal

N_TIMED, CONFIDENCE = 1000, 0.95
RANKS = (0.0, 0.5, 0.9)  # correlations of the normal distribution


def uniform(at: np.ndarray) -> np.ndarray:
    return at


def exponential(at: np.ndarray) -> np.ndarray:
    return -np.log1p(-at)


def ten_values(at: np.ndarray) -> np.ndarray:
    return np.floor(10 * at)


def half_fail(at: np.ndarray) -> np.ndarray:
    """The worse half of trials have no result."""
    return np.where(at < 0.5, -np.inf, at)


def medians(quantile: Callable[[np.ndarray], np.ndarray], ks: np.ndarray) -> np.ndarray:
    return quantile(0.5 ** (1 / ks))


def covered(
    draw: Callable[[int], np.ndarray], truth: Callable[[np.ndarray], np.ndarray], n: int,
    simulations: int,
) -> float:
    ks = np.arange(1, n + 1)
    true, held = truth(ks), 0
    for _ in range(simulations):
        curve = tuning_curve(draw(n), Goal.MAXIMISE, confidence=CONFIDENCE)
        held += bool(((curve.lower <= true) & (true <= curve.upper)).all())
    return held / simulations


def same_points(rng: np.random.Generator) -> tuple[Callable, Callable]:
    """5 points, each run equally often: uniform on [p, p + 1.5]."""
    def draw(n: int) -> np.ndarray:
        return np.repeat(np.arange(5), n // 5) + 1.5 * rng.random(n // 5 * 5)

    values = np.linspace(0, 6, 60001)
    levels = np.clip((values[:, None] - np.arange(5)) / 1.5, 0, 1).mean(axis=1)
    return draw, lambda ks: np.interp(0.5 ** (1 / ks), levels, values)


def print_coverage(simulations: int, rng: np.random.Generator) -> None:
    print(f"joint coverage of {100 * CONFIDENCE:g}% bands, {simulations} simulations each:")
    cases = {
        f.__name__: (lambda n, f=f: f(rng.random(n)), lambda ks, f=f: medians(f, ks))
        for f in (uniform, exponential, ten_values, half_fail)
    } | {"same_points": same_points(rng)}
    for name, (draw, truth) in cases.items():
        found = (f"n={n} {covered(draw, truth, n, simulations):.4f}" for n in (5, 25, 100))
        print(f"  {name}: {', '.join(found)}", flush=True)


def print_ranks(simulations: int, rng: np.random.Generator) -> None:
    from scipy.stats import kendalltau, spearmanr

    print("coverage of 95% intervals of rank correlations (tau, rho):")
    for n in (5, 10, 20):
        for r in RANKS:
            true = (2 / np.pi * np.arcsin(r), 6 / np.pi * np.arcsin(r / 2))
            hits = np.zeros(2)
            for _ in range(simulations):
                x = rng.standard_normal(n)
                y = r * x + np.sqrt(1 - r * r) * rng.standard_normal(n)
                tau, rho = kendalltau(x, y).statistic, spearmanr(x, y).statistic
                ends = (
                    rank_interval(tau, n, 0.437, 4, CONFIDENCE),
                    rank_interval(rho, n, 1.06, 3, CONFIDENCE),
                )
                hits += [low <= t <= high for t, (low, high) in zip(true, ends, strict=True)]
            shares = hits / simulations
            print(f"  {n} points, r={r:g}: {shares[0]:.3f}, {shares[1]:.3f}", flush=True)


def print_reach() -> None:
    """Up to how many trials the better side is bounded, if all of F were covered, and as it is."""
    for n in (25, 100, 1000):
        whole = [
            int(np.log(0.5) / np.log(found.lower[-1]))
            for found in (kolmogorov(n, CONFIDENCE), band(n, CONFIDENCE))
        ]
        found = rank_band(n, n, CONFIDENCE)
        print(
            f"{n} results: the better side is bounded up to {(found.most < n).sum()} trials; by a "
            f"band of the whole distribution up to {whole[1]}, by Kolmogorov's up to {whole[0]}; "
            f"exact joint probability {found.coverage:.4f}"
        )


def main(simulations: int) -> None:
    print_machine()
    rng = np.random.default_rng(0)
    results, seconds = rng.random(N_TIMED), []
    for _ in range(5):
        rank_band.cache_clear()
        start = time.perf_counter()
        tuning_curve(results, Goal.MAXIMISE, confidence=CONFIDENCE)
        seconds.append(time.perf_counter() - start)
    print(f"curve and band of {N_TIMED} trials, nothing cached: {spread(seconds)} s")
    print_reach()
    print_coverage(simulations, rng)
    print_ranks(simulations // 2, rng)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
