"""How often do the intervals of `mlgolf curve` hold the true speed-up? Simulated, 500 times each.

    curve_coverage.py [--simulations 500] [--seed 0] [--only ends]

The true curve, quality = 0.9 - 0.5 exp(-0.8 ln t), is measured at five budgets; quality has a
standard deviation of 0.01 between seeds. A method is so many times as fast at every quality. Cases:

- plain: time has a standard deviation of 3%, and who trained for longer by chance got better by it;
- uneven: the same, and the method alone varies twice as much in quality;
- no seeds: as plain, of a table that does not tell which runs are of one seed;
- slow machines: time has 3% or 10%, and who took longer gained nothing by it;
- one state: besides such noise of 3% or 1%, all runs of a method and seed take longer by a factor,
  of 10% or 3%;
- calmer with time: as plain, but quality varies 16 times as much at the shortest budget as at the
  longest, the method has the same five budgets, and four more are measured besides, which are the
  baseline by other names;
- one noisy method: as plain, with the same six methods, of which the last varies 10 times as much
  as the others at all budgets.

Printed for 3, 5 and 10 seeds: how often the intervals of three points hold the true speed-up, the
first of them where the curve is steepest, the same of the average over the curve, and how often the
verdict of each point is "cannot tell". The last lines are the least, the mean and the most of each
case, and the mean of all.

Ends: the baseline and the method have the same five budgets, which may be named alike. Noise of
time puts half of the method's first points before those of the baseline, and half of its last after
them. Printed is how often the interval of the gain at these two holds the true gain, of those that
lie beyond the baseline's range, and how many of these are compared at all.
"""

import argparse
from dataclasses import dataclass, replace

import numpy as np
from common import print_machine

from mlgolf.analysis.curves.budget_noise import relative_noise
from mlgolf.analysis.curves.comparison import shared_by
from mlgolf.analysis.curves.dominance import compare
from mlgolf.analysis.curves.measurements import Point
from mlgolf.analysis.curves.monotone import MonotoneCurve
from mlgolf.analysis.curves.tradeoff import Judge, Verdict
from mlgolf.core.target import Goal

BUDGETS, OF_METHOD = (1.0, 2.0, 4.0, 8.0, 16.0), (1.5, 3.0, 6.0)
STDDEV = 0.01
SPEEDS, SEEDS = (1.0, 1.3, 2.0), (3, 5, 10)


@dataclass(frozen=True)
class Case:
    name: str
    uneven: float = 1.0  # standard deviation of the method's quality, over the baseline's
    time_stddev: float = 0.03
    along: bool = True  # whether who took longer by chance got the quality of that time
    at_budgets: tuple[float, ...] = (1.0,) * len(BUDGETS)  # times STDDEV, at each budget
    others: tuple[float, ...] = ()  # times that, of methods measured besides, at equal budgets
    state_stddev: float = 0.0  # of log time, of what all runs of a method and seed have in common
    has_seeds: bool = True  # whether the table tells which runs are of one seed


CASES = (
    Case("plain"), Case("no seeds", has_seeds=False), Case("uneven", uneven=2.0),
    Case("slow machines, 3%", along=False),
    Case("slow machines, 10%", time_stddev=0.1, along=False),
    Case("one state, 10%", along=False, state_stddev=0.1),
    Case("one state, 3%", time_stddev=0.01, along=False, state_stddev=0.03),
    Case("calmer with time", at_budgets=(4.0, 2.0, 1.0, 0.5, 0.25), others=(1.0,) * 4),
    Case("one noisy method", others=(1.0, 1.0, 1.0, 10.0)),
)  # fmt: skip


def quality(log_time: np.ndarray) -> np.ndarray:
    return 0.9 - 0.5 * np.exp(-0.8 * log_time)


def point(
    rng: np.random.Generator, case: Case, time: float, states: np.ndarray, speed: float = 1.0,
    uneven: float = 1.0,
) -> Point:
    """Args: states: (seeds,), by how much all runs of a seed take longer, as log time."""
    seeds = len(states)
    times = time * np.exp(states + case.time_stddev * rng.standard_normal(seeds))
    noise = STDDEV * uneven * rng.standard_normal(seeds)
    trained = times if case.along else np.full(seeds, time)
    names = tuple(map(str, range(seeds))) if case.has_seeds else ()
    return Point("method", times, quality(np.log(trained * speed)) + noise, seeds=names)


def states(rng: np.random.Generator, case: Case, seeds: int) -> np.ndarray:
    return case.state_stddev * rng.standard_normal(seeds)


def simulated(rng: np.random.Generator, case: Case, seeds: int, speed: float) -> np.ndarray:
    """(7,): which points' intervals hold the truth, the curve's, and of which nothing is told."""
    if case.others:
        baseline, method, *others = measured_alike(rng, case, seeds, speed)
    else:
        first, second = (states(rng, case, seeds) for _ in range(2))
        baseline = [point(rng, case, time, first) for time in BUDGETS]
        method = [point(rng, case, time, second, speed, case.uneven) for time in OF_METHOD]
        others = []
    curve = MonotoneCurve(baseline, Goal.MAXIMISE)
    shared = shared_by(curve, [baseline, method, *others])
    judged = Judge(curve, baseline, shared=shared).judge(method)
    judged = judged[-4:-1] if case.others else judged
    low, high = compare(curve, baseline, method, Goal.MAXIMISE, shared=shared).interval
    return np.array([
        *(one.speedup_interval[0] <= speed <= one.speedup_interval[1] for one in judged),
        low <= speed <= high, *(one.verdict is Verdict.CANNOT_TELL for one in judged),
    ])


def measured_alike(
    rng: np.random.Generator, case: Case, seeds: int, speed: float
) -> list[list[Point]]:
    """The baseline, the method, others: which know what all tell of each budget's noise."""
    paces, of_methods = (1.0, speed, *[1.0] * len(case.others)), (1.0, 1.0, *case.others)
    methods = [
        [replace(point(rng, case, time / pace, state, pace, own * here), budget=f"{time:g}")
         for time, here in zip(BUDGETS, case.at_budgets, strict=True)]
        for pace, own in zip(paces, of_methods, strict=True)
        for state in [states(rng, case, seeds)]
    ]  # fmt: skip
    noise = relative_noise(methods)
    told = np.ones(len(BUDGETS)) if noise is None else noise
    return [
        [replace(one, relative_noise=float(of)) for one, of in zip(points, told, strict=True)]
        for points in methods
    ]


def at_ends(
    rng: np.random.Generator, case: Case, seeds: int, speed: float, *, named: bool
) -> list[tuple[bool, bool]]:
    """Of first and last points beyond the baseline's: whether they are compared, and rightly."""
    baseline, method = (
        [replace(point(rng, case, time, state, pace), budget=f"{time:g}" if named else None)
         for time in BUDGETS] for pace in (1.0, speed) for state in [states(rng, case, seeds)]
    )  # fmt: skip
    curve = MonotoneCurve(baseline, Goal.MAXIMISE)
    judged = Judge(curve, baseline, shared=shared_by(curve, [baseline, method])).judge(method)
    found = []
    for at, sign in ((0, -1), (-1, 1)):
        if sign * (method[at].log_time - baseline[at].log_time) > 0:
            gain = float(np.diff(quality(np.log(BUDGETS[at] * np.array([1.0, speed]))))[0])
            low, high = judged[at].quality_gain_interval
            found.append((not np.isnan(low), bool(low <= gain <= high)))
    return found


def simulate_ends(simulations: int, seed: int) -> None:
    of_time = [
        replace(case, time_stddev=stddev) for case in (CASES[0], CASES[2])
        for stddev in (0.01, 0.03, 0.1)
    ]
    for number, case in enumerate(of_time):
        how = "better by it" if case.along else "no better by it"
        for named in (True, False):
            found = np.concatenate([
                at_ends(rng, case, seeds, speed, named=named) or np.zeros((0, 2))
                for seeds in SEEDS for speed in SPEEDS[:2]
                for rng in [np.random.default_rng([seed, seeds, round(10 * speed), number, named])]
                for _ in range(simulations)
            ])  # fmt: skip
            compared = found[:, 0] > 0
            print(
                f"ends, {case.time_stddev:.0%} of noise in time, {how}, "
                f"{'named' if named else 'without names'}: {compared.mean():.1%} of {len(found)} "
                f"compared, {found[compared, 1].mean():.1%} of their intervals hold", flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("ends",))
    asked = parser.parse_args()
    print_machine()
    simulate_ends(asked.simulations, asked.seed)
    if asked.only == "ends":
        return
    shares = {}
    for number, case in enumerate(CASES):
        for speed in SPEEDS:
            for seeds in SEEDS:
                rng = np.random.default_rng([asked.seed, seeds, round(10 * speed), number])
                found = np.mean([
                    simulated(rng, case, seeds, speed) for _ in range(asked.simulations)
                ], axis=0)  # fmt: skip
                shares[case.name, speed, seeds] = found
                print(f"{case.name}, speed-up {speed:g}, {seeds} seeds: {said(found)}", flush=True)
    summarise(shares)


def said(found: np.ndarray) -> str:
    points, nothing = ("/".join(f"{100 * p:.1f}" for p in part) for part in (found[:3], found[4:]))
    return (
        f"intervals of points {points}%, of the average {found[3]:.1%}; cannot tell {nothing}%"
    )


def summarise(shares: dict[tuple[str, float, int], np.ndarray]) -> None:
    for case in CASES:
        own = {key: found for key, found in shares.items() if key[0] == case.name}
        print(f"{case.name}: {ranges(own)}")
    print(f"all: {ranges(shares)}")


def ranges(shares: dict[tuple[str, float, int], np.ndarray]) -> str:
    own = np.array([*shares.values()])
    alike = np.array([found for (_, speed, _), found in shares.items() if speed == 1])
    parts = (
        ("points", own[:, :3]), ("averages", own[:, 3]), ("no difference told", alike[:, 4:]),
    )
    return "; ".join(
        f"{what} {part.min():.1%} to {part.max():.1%}, mean {part.mean():.1%}"
        for what, part in parts
    )


if __name__ == "__main__":
    main()
