"""Runs of one seed that are slow together: seen, and counted where budgets are averaged."""

from dataclasses import replace

import numpy as np
import pytest

from mlgolf.analysis.curves.comparison import shared_by
from mlgolf.analysis.curves.dominance import compare
from mlgolf.analysis.curves.measurements import Point
from mlgolf.analysis.curves.monotone import MonotoneCurve
from mlgolf.analysis.curves.seed_noise import Noise
from mlgolf.analysis.curves.shared_state import (
    INDEPENDENT,
    Shared,
    Spread,
    degrees_of_sum,
    spread,
)
from mlgolf.core.target import Goal

BUDGETS = (1.0, 2.0, 4.0, 8.0)
SEEDS = 40


def runs(rng, *, state, own, seeds=SEEDS, named=True):
    """Of one method: times vary by a factor of each seed, and by one of each run."""
    states = state * rng.standard_normal(seeds)
    names = tuple(map(str, range(seeds))) if named else ()
    return [
        Point("m", time * np.exp(states + own * rng.standard_normal(seeds)),
              0.5 + 0.1 * np.log(np.full(seeds, time)) + 1e-4 * rng.standard_normal(seeds),
              seeds=names)
        for time in BUDGETS
    ]  # fmt: skip


def shared_of(*methods):
    return shared_by(MonotoneCurve(methods[0], Goal.MAXIMISE), methods)


def test_runs_that_share_all_of_their_noise_have_a_correlation_near_1():
    shared = shared_of(runs(np.random.default_rng(0), state=0.1, own=0.001))
    assert shared.correlation == pytest.approx(1, abs=0.05)


def test_runs_that_share_half_of_their_variance_have_a_correlation_near_a_half():
    shared = shared_of(*(runs(np.random.default_rng(n), state=0.05, own=0.05) for n in range(4)))
    assert shared.correlation == pytest.approx(0.5, abs=0.15)


def test_runs_that_share_nothing_have_a_correlation_near_0():
    shared = shared_of(runs(np.random.default_rng(0), state=0, own=0.1))
    assert shared.correlation == pytest.approx(0, abs=0.15)


def test_each_method_adds_its_seeds_less_one():
    methods = [runs(np.random.default_rng(n), state=0.1, own=0.1, seeds=3) for n in range(2)]
    assert shared_of(*methods).degrees == 4


def test_without_seeds_runs_are_independent():
    assert shared_of(runs(np.random.default_rng(0), state=0.1, own=0.01, named=False)) == (
        INDEPENDENT
    )


def test_one_run_of_each_seed_tells_nothing():
    points = [
        Point("m", np.array([time, 1.1 * time]), np.array([time, 1.01 * time]), seeds=(f"{n}", "x"))
        for n, time in enumerate(BUDGETS)
    ]
    assert shared_of(points) == INDEPENDENT


def width(baseline, method, shared):
    curve = MonotoneCurve(baseline, Goal.MAXIMISE)
    low, high = compare(curve, baseline, method, Goal.MAXIMISE, shared=shared).interval
    return np.log(high / low)


def test_the_interval_of_an_average_is_as_much_wider_as_its_budgets_vary_together():
    baseline, method = (runs(np.random.default_rng(n), state=0.1, own=1e-3) for n in range(2))
    apart = width(baseline, method, INDEPENDENT)
    # Of four budgets that vary as one, the mean varies as much as each: twice as much.
    assert width(baseline, method, shared_of(baseline, method)) / apart == pytest.approx(2, abs=0.2)


def test_a_mean_of_means_that_vary_as_one_varies_as_their_weighted_sum():
    found = spread(np.array([0.25, 0.75]), np.array([4.0, 1.0]), Shared(1.0, 10))
    assert found.variance == pytest.approx((0.25 * 2 + 0.75 * 1) ** 2)


def test_a_single_budget_is_known_as_well_as_ever():
    found = spread(np.array([0.0, 1.0]), np.array([4.0, 1.0]), Shared(0.9, 10))
    assert (found.variance, found.by_correlation) == (1.0, 0.0)


def test_a_noise_that_both_have_is_known_by_its_values_and_counts_its_degrees_once():
    noise, part = Noise(0.1, 0.0, 0.0, 6), Spread(np.array([2.0]), np.array([0.0]))
    both = [
        degrees_of_sum((part, part), noises, INDEPENDENT)
        for noises in ((noise, noise), (noise, replace(noise)))
    ]
    assert both == [6, 6]
    apart = degrees_of_sum((part, part), (noise, replace(noise, quality=0.2)), INDEPENDENT)
    assert apart == pytest.approx(12)
