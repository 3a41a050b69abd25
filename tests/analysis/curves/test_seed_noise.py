import numpy as np
import pytest

from mlgolf.analysis.curves.measurements import Point
from mlgolf.analysis.curves.seed_noise import Sloped, pooled


def measured(log_times, qualities):
    return Sloped([Point("m", np.exp(log_times), np.asarray(qualities))], np.array([0.5]))


@pytest.mark.parametrize(
    "qualities", [[0.1, 0.2, 0.3], [0.3, 0.2, 0.1], [0.2, 0.2, 0.2]], ids=["along", "against", "no"]
)
def test_the_variance_is_that_of_distances_from_a_curve_of_the_same_slope(qualities):
    log_times = np.array([-0.2, 0.0, 0.2])
    noise = pooled([measured(log_times, qualities)], 1.0)
    distances = np.asarray(qualities) - 0.5 * log_times
    assert noise.variance(0.5, 1.0) == pytest.approx(np.var(distances, ddof=1))


def test_who_trained_for_longer_and_got_that_much_better_only_moved_along_the_curve():
    log_times = np.array([-0.2, 0.0, 0.2])
    noise = pooled([measured(log_times, 0.5 * log_times)], 1.0)
    assert noise.along == pytest.approx(1)
    assert noise.variance(0.5, 1.0) == pytest.approx(0)
