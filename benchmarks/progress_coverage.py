"""How often do the intervals of `mlgolf progress` hold the true doubling time? Simulated.

    progress_coverage.py [--simulations 2000] [--seed 0]

The truth: the compute that an entry of any given inefficiency needs halves every 16 months, so the
trend of the frontier is that of all entries. Entries have dates at random within seven years, and
an inefficiency each, which multiplies their compute. Cases: 8, 16 or 40 entries, whose
inefficiencies are lognormal with a standard deviation of 0.3 or 1.2 halvings (a factor of 1.2 or
2.3; entries at AlexNet's level have 1.1); at 16 entries also exponential (a floor that nobody comes
below, and a long tail), two kinds of entries (a third was made for something else and needs 8
times as much), and dates that get denser with time.

Printed for each case: how often the interval holds the truth, how often it lies below and above it,
how often it has no upper end, the median of what its ends and the estimate are, and how often two
other intervals hold it, which are not used: quantiles of t of a regression on the records, and
percentiles of a bootstrap over entries (in 200 simulations, of draws that have two records).

Last, the same share for language models at 20, 44 and 100 entries, whose log perplexity is
c - g ln(compute) - d years, with compute that grows over the years and normal noise of 0.3 nats.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from common import print_machine

from mlgolf.analysis.progress.intervals import trend_interval
from mlgolf.analysis.progress.perplexity import perplexity_trend
from mlgolf.analysis.progress.trend import months, months_interval, record_trend

MONTHS, YEARS = 16.0, 7.0
SLOPE = 12 / MONTHS
DRAWS = 1000  # half of what the command takes
RESAMPLED, COMPARED = 200, 200  # draws of the plain bootstrap, and in how many simulations
LANGUAGE_MODELS = (20, 44, 100)

Draw = Callable[[np.random.Generator, int], np.ndarray]


@dataclass(frozen=True)
class Case:
    name: str
    entries: int
    inefficiency: Draw  # in halvings
    dates: Draw  # in years


def uniform(rng: np.random.Generator, entries: int) -> np.ndarray:
    return rng.uniform(0, YEARS, entries)


def denser(rng: np.random.Generator, entries: int) -> np.ndarray:
    return YEARS * np.sqrt(rng.uniform(0, 1, entries))


def lognormal(halvings: float) -> Draw:
    return lambda rng, entries: halvings * rng.standard_normal(entries)


def exponential(rng: np.random.Generator, entries: int) -> np.ndarray:
    return 1.2 * rng.exponential(size=entries)


def two_kinds(rng: np.random.Generator, entries: int) -> np.ndarray:
    return 0.6 * rng.standard_normal(entries) + 3.0 * (rng.random(entries) < 1 / 3)


CASES = (
    *(
        Case(f"{entries} entries, {halvings:g} halvings", entries, lognormal(halvings), uniform)
        for entries in (8, 16, 40) for halvings in (0.3, 1.2)
    ),
    Case("16 entries, exponential", 16, exponential, uniform),
    Case("16 entries, two kinds", 16, two_kinds, uniform),
    Case("16 entries, denser with time", 16, lognormal(1.2), denser),
)  # fmt: skip


def simulated(rng: np.random.Generator, case: Case, seed: int) -> np.ndarray:
    """(9,): holds, too low, too high, open; low, high, estimate, and whether two others hold."""
    years = np.sort(case.dates(rng, case.entries))
    log2 = 100 - SLOPE * years + case.inefficiency(rng, case.entries)
    low, high = months_interval(trend_interval(years, log2, draws=DRAWS, seed=seed).interval)
    found = record_trend(years, log2)
    by_t = months_interval(found.slope_interval()) if found.records > 2 else (np.nan, np.nan)
    plain = resampled(rng, years, log2) if seed < COMPARED else None
    return np.array([
        low <= MONTHS <= high, high < MONTHS, low > MONTHS, np.isinf(high), low, high,
        months(found.slope) if found.records > 1 else np.inf, by_t[0] <= MONTHS <= by_t[1],
        np.nan if plain is None else plain[0] <= MONTHS <= plain[1],
    ])


def resampled(
    rng: np.random.Generator, years: np.ndarray, log2: np.ndarray
) -> tuple[float, float]:
    """Percentiles of the doubling time of entries that are drawn with replacement."""
    drawn = []
    for _ in range(RESAMPLED):
        rows = np.sort(rng.integers(0, len(years), len(years)))
        slope = record_trend(years[rows], log2[rows]).slope
        if slope > 0:
            drawn.append(months(slope))
    low, high = np.quantile(drawn, [0.025, 0.975]) if drawn else (np.nan, np.nan)
    return float(low), float(high)


def language_models(rng: np.random.Generator, entries: int, seed: int) -> tuple[bool, bool]:
    """Whether the interval holds the true doubling time, and whether it is open."""
    gain, yearly, truth = 0.08, 0.08, 12 * np.log(2)
    years = rng.uniform(0, 9, entries)
    log_compute = rng.normal(40 + 0.6 * years, 2.5)
    loss = 6 - gain * (log_compute - 40) - yearly * years + 0.3 * rng.standard_normal(entries)
    low, high = perplexity_trend(
        years, np.exp(log_compute), loss, draws=1000, seed=seed
    ).interval
    return low <= truth <= high, bool(np.isinf(high))


def said(found: np.ndarray) -> str:
    holds, below, above, is_open = found[:, :4].mean(axis=0)
    low, high, estimate = np.median(found[:, 4:7], axis=0)
    by_t, plain = np.nanmean(found[:, 7:], axis=0)
    return (
        f"holds {holds:.1%} (below {below:.1%}, above {above:.1%}; no upper end {is_open:.1%}); "
        f"median {low:.3g} to {high:.3g} months, estimate {estimate:.3g}; "
        f"t of the records {by_t:.1%}, plain bootstrap {plain:.1%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print_machine()
    shares = []
    for number, case in enumerate(CASES):
        rng = np.random.default_rng([asked.seed, number])
        found = np.array([simulated(rng, case, seed) for seed in range(asked.simulations)])
        shares.append(found[:, 0].mean())
        print(f"{case.name}: {said(found)}", flush=True)
    print(f"all: {min(shares):.1%} to {max(shares):.1%}, mean {np.mean(shares):.1%}")
    for entries in LANGUAGE_MODELS:
        rng = np.random.default_rng([asked.seed, entries])
        found = np.array([
            language_models(rng, entries, seed) for seed in range(asked.simulations)
        ])
        holds, is_open = found.mean(axis=0)
        print(
            f"language models, {entries} entries: holds {holds:.1%}; no upper end {is_open:.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
