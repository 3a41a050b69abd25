import numpy as np
import pytest

from mlgolf.analysis.units import apart, fractions_beside_percents, widest_gap


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ([0.6, 0.7, 72.0, 75.0], (0, 2)),
        ([72.0, 0.7], (1, 0)),
        ([0.6, np.nan, 72.0], (0, 2)),
        ([0.6, 0.7, 0.75], None),
        ([60.0, 70.0, 75.0], None),
        ([0.02, 0.3, 0.9, 2.4], None),  # losses, without a gap
        ([0.6, 2.3], None),  # too near each other
        ([0.6, 72.0, 720.0], None),  # no percent
        ([-0.6, 72.0], None),  # no fraction
    ],
)
def test_fractions_and_percents_are_told_where_all_values_are_either(values, places):
    assert fractions_beside_percents(np.array(values)) == places


def test_ranges_that_overlap_are_not_apart():
    assert apart(np.array([1.0, 4.0]), np.array([2.0, 8.0])) == 1
    assert apart(np.array([1.0, 4.0]), np.array([40.0, 80.0])) == 10


def test_the_widest_gap_has_its_two_neighbours():
    assert widest_gap(np.array([60.0, 61.0, np.inf, 610.0])) == (1, 3, 10.0)
    assert widest_gap(np.array([60.0])) is None
