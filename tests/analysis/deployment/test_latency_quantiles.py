import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from mlgolf.analysis.deployment.latency import (
    inflation,
    latency,
    quantile,
    ranks,
    runs_needed,
)


def test_a_99th_percentile_needs_368_runs():
    assert runs_needed(0.99) == 368
    assert ranks(368, 0.99)[1] == 368
    assert ranks(367, 0.99)[1] == 368  # no run bounds it from above


@given(st.integers(1, 3000), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_ranks_hold_the_quantile_with_their_confidence(runs, share):
    lower, upper = ranks(runs, share)
    # The quantile lies between if at least `lower` and fewer than `upper` runs are below it.
    below = binom.cdf(upper - 1, runs, share) - binom.cdf(lower - 1, runs, share)
    assert below >= 0.95 - 1e-9
    assert 0 <= lower <= upper <= runs + 1


def test_too_few_runs_leave_the_upper_end_open():
    found = quantile(np.arange(1.0, 101), 0.99)
    assert math.isinf(found.interval[1])


def test_an_interval_holds_the_true_99th_percentile_in_about_95_percent_of_cases():
    rng = np.random.default_rng(0)
    truth, held = -math.log(0.01), 0
    for _ in range(400):
        low, high = quantile(rng.exponential(size=1500), 0.99).interval
        held += low <= truth <= high
    assert 0.93 <= held / 400 <= 1


def test_runs_that_are_slow_together_count_as_fewer():
    rng = np.random.default_rng(0)
    alone = rng.exponential(size=2000)
    together = np.repeat(rng.exponential(size=40), 50)
    assert inflation(alone, 0.95) < 2
    assert inflation(together, 0.95) > 10
    assert quantile(together, 0.5).effective_runs < 200


def test_throughput_is_that_of_the_median_run():
    found = latency(np.array([0.002, 0.002, 0.002, 1.0]), batch_size=8, threads=1)
    assert found.examples_per_second == pytest.approx(4000)
    assert found.p50_ms == pytest.approx(2)
