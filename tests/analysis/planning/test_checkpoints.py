import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats

from mlgolf.analysis.planning.checkpoints import (
    best_interval,
    daly,
    simulated_stretch,
    stretch,
    young,
)


def of(value: float) -> np.ndarray:
    return np.array(value)


@given(save=floats(0.1, 1e4), mean=floats(10, 1e7), factor=floats(0.5, 2))
def test_no_other_interval_takes_less_time(save, mean, factor):
    best = best_interval(save=of(save), mean=of(mean))
    near, far = (
        stretch(interval, save=of(save), restart=60.0, mean=of(mean))
        for interval in (best, factor * best)
    )
    assert near <= far * (1 + 1e-9)


@given(mean=floats(1e4, 1e7))
def test_youngs_and_dalys_formulas_are_near_where_saving_is_quick(mean):
    best = best_interval(save=of(10.0), mean=of(mean))
    assert young(save=of(10.0), mean=of(mean)) == pytest.approx(best, rel=0.05)
    assert daly(save=of(10.0), mean=of(mean)) == pytest.approx(best, rel=0.001)


@pytest.mark.parametrize(("save", "mean"), [(30.0, 3600.0), (300.0, 3600.0), (5.0, 100.0)])
def test_the_expected_time_is_that_of_jobs_that_are_played(save, mean):
    interval = float(best_interval(save=of(save), mean=of(mean)))
    played = simulated_stretch(
        interval, save=save, restart=60.0, mean=mean, intervals=40_000,
        rng=np.random.default_rng(1),
    )
    expected = float(stretch(of(interval), save=of(save), restart=60.0, mean=of(mean)))
    assert played == pytest.approx(expected, rel=0.03)


def test_played_jobs_take_longer_at_twice_and_half_the_best_interval():
    rng = np.random.default_rng(2)
    best = float(best_interval(save=of(60.0), mean=of(1800.0)))
    times = [
        simulated_stretch(
            factor * best, save=60.0, restart=60.0, mean=1800.0, intervals=40_000, rng=rng
        )
        for factor in (0.4, 1.0, 2.5)
    ]
    assert times[1] < min(times[0], times[2])
