"""Do the intervals and the sequential test of `mlgolf deploy` keep what they promise?

With known truth: how often the interval of a latency's 99th percentile and of a drop of accuracy
hold it, and how often a shadow comparison of equal models decides, though one looks after each
request. Prints shares with two standard errors. Argument: the number of simulations.
"""

import math
import sys
from collections.abc import Callable

import numpy as np

from mlgolf.analysis.deployment.latency import quantile
from mlgolf.analysis.deployment.quality import tango
from mlgolf.analysis.deployment.shadow import FRACTIONS, log_wealth

REQUESTS, RUNS, EXAMPLES = 3000, 2000, 300
Rng = np.random.Generator


def share(name: str, happens: Callable[[Rng], bool], count: int) -> None:
    rng = np.random.default_rng(0)
    found = np.mean([happens(rng) for _ in range(count)])
    print(f"{name}: {found:.3f} ± {2 * math.sqrt(max(found * (1 - found), 1e-9) / count):.3f}")


def percentile_held(rng: Rng, together: int) -> bool:
    """Args: together: runs in sequence that are slow together."""
    values = np.repeat(rng.exponential(size=RUNS // together), together)
    low, high = quantile(values, 0.99).interval
    return bool(low <= -math.log(0.01) <= high)


def drop_held(rng: Rng, worse: float, better: float) -> bool:
    first, second, _ = rng.multinomial(EXAMPLES, [worse, better, 1 - worse - better])
    low, high = tango(int(first), int(second), EXAMPLES)
    return low <= worse - better <= high


def decides(rng: Rng, old: float, new: float, margin: float = 0.0) -> bool:
    gap = (rng.random(REQUESTS) < new) * 1.0 - (rng.random(REQUESTS) < old) * 1.0
    most = max(log_wealth(gap, -margin).max(), log_wealth(-gap, margin).max())
    return bool(most >= math.log(40))


def main(count: int) -> None:
    print(f"{count} simulations each; {len(FRACTIONS)} bets")
    for together in (1, 5, 20):
        share(f"99th percentile held, {RUNS} runs, slow {together} at a time",
              lambda rng, t=together: percentile_held(rng, t), count)  # fmt: skip
    for worse, better in ((0.02, 0.02), (0.05, 0.02), (0.01, 0.0), (0.2, 0.1)):
        share(f"drop of accuracy held, {EXAMPLES} examples, {worse} worse and {better} better",
              lambda rng, w=worse, b=better: drop_held(rng, w, b), count)  # fmt: skip
    for level in (0.5, 0.8, 0.99):
        share(f"equal models of accuracy {level}: decided within {REQUESTS} requests",
              lambda rng, a=level: decides(rng, a, a), count)  # fmt: skip
    share("worse by exactly the margin of 0.02: decided",
          lambda rng: decides(rng, 0.9, 0.88, 0.02), count)  # fmt: skip
    share("worse by 0.05: decided", lambda rng: decides(rng, 0.9, 0.85), count)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
