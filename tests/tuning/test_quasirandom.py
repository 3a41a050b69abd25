"""What the points of a study promise."""

import numpy as np
from hypothesis import given, settings
from hypothesis.strategies import (
    composite,
    dictionaries,
    floats,
    from_regex,
    integers,
    lists,
    sampled_from,
)

from mlgolf.tuning.optlist import OptList
from mlgolf.tuning.quasirandom import points, unit_points
from mlgolf.tuning.space import Box, Choice, Interval, Scaling

seeds = integers(0, 2**64)
counts = integers(0, 40)


@composite
def intervals(draw) -> Interval:
    scaling = draw(sampled_from(Scaling))
    least = 1e-300 if scaling is Scaling.LOG else -1e300
    low, high = sorted(draw(floats(least, 1e300)) for _ in range(2))
    return Interval(low=low, high=high, scaling=scaling)


choices = lists(integers(), min_size=1).map(lambda p: Choice(feasible_points=tuple(p)))
names = from_regex("[a-z]{1,4}", fullmatch=True)
boxes = dictionaries(names, intervals() | choices, max_size=9).map(lambda d: Box(dimensions=d))


@given(space=boxes, count=counts, seed=seeds)
def test_points_lie_in_the_space(space, count, seed):
    drawn = points(space, count, seed)
    assert len(drawn) == count
    for point in drawn:
        assert list(point) == list(space.dimensions)
        for name, dimension in space.dimensions.items():
            match dimension:
                case Interval(low=low, high=high):
                    assert low <= point[name] <= high
                case Choice(feasible_points=feasible):
                    assert point[name] in feasible


@given(space=boxes, count=counts, more=counts, seed=seeds, study=integers(0, 9))
def test_a_longer_draw_begins_with_the_shorter_one(space, count, more, seed, study):
    longer = points(space, count + more, seed, study)
    assert longer[:count] == points(space, count, seed, study)


@given(seed=seeds, study=integers(0, 9))
def test_another_study_or_seed_has_other_points(seed, study):
    here = unit_points(5, 3, seed, study)
    assert not np.array_equal(here, unit_points(5, 3, seed, study + 1))
    assert not np.array_equal(here, unit_points(5, 3, seed + 1, study))


@given(seed=seeds, power=integers(0, 6), dimensions=integers(1, 12))
@settings(max_examples=30)
def test_every_hyperparameter_takes_one_value_from_each_equal_share_of_its_range(
    seed, power, dimensions
):
    shares = np.floor(unit_points(2**power, dimensions, seed) * 2**power).astype(int)
    for share in shares.T:
        assert sorted(share) == list(range(2**power))


def test_log_scaling_spreads_points_evenly_over_decades():
    space = Box(dimensions={"lr": Interval(low=1e-4, high=1, scaling=Scaling.LOG)})
    decades = [np.floor(np.log10(p["lr"])) for p in points(space, 4, seed=1)]
    assert sorted(decades) == [-4, -3, -2, -1]


def test_points_are_those_they_have_always_been():
    """A published seed must give the same hyperparameters years later."""
    expected = [
        [0.0604194347, 0.4644177295, 0.7467643134],
        [0.5033670664, 0.9101338647, 0.3146409011],
        [0.9495661892, 0.0932905935, 0.8255548431],
        [0.4872710090, 0.5389933921, 0.2380401790],
        [0.2914691446, 0.1904043108, 0.4743010337],
    ]
    np.testing.assert_allclose(unit_points(5, 3, seed=7, study=1), expected, atol=1e-9)


@given(seed=seeds, study=integers(0, 9))
def test_an_optlist_is_played_in_file_order_whatever_the_seed(seed, study):
    space = OptList(entries=({"lr": 3}, {"lr": 1}, {"lr": 2}))
    assert points(space, 2, seed, study) == [{"lr": 3}, {"lr": 1}]
