"""How much more seeds vary at some budgets than at others."""

from itertools import chain

import numpy as np
import pytest

from mlgolf.analysis.curves.budget_noise import relative_noise
from mlgolf.analysis.curves.measurements import Point

ALIKE = (1.0,) * 5


def method(rng, stddevs, *, seeds=3, longer=1.0, named=False):
    """Budgets of 1, 2, 4, ... times `longer`."""
    return [
        Point(
            "m", np.full(seeds, longer * 2.0**at), s * rng.standard_normal(seeds),
            str(at) if named else None,
        )
        for at, s in enumerate(stddevs)
    ]  # fmt: skip


def methods(count, stddevs, *, rng_seed=0, **options):
    rng = np.random.default_rng(rng_seed)
    return [method(rng, stddevs, **options) for _ in range(count)]


def share_left_alone(*groups):
    """Args: groups: functions of a seed, each giving methods of one table."""
    found = [
        relative_noise([*chain.from_iterable(group(seed) for group in groups)])
        for seed in range(500)
    ]
    return np.mean([(noise == 1).all() for noise in found])


def test_the_ratio_of_deviations_is_found_from_many_methods():
    found = relative_noise(methods(400, (4.0, 2.0, 1.0)))
    assert found[0] / found[2] == pytest.approx(4, rel=0.1)
    assert found[1] / found[2] == pytest.approx(2, rel=0.1)


def test_the_mean_square_is_one_so_that_a_pooled_variance_stays_what_it_was():
    assert np.square(relative_noise(methods(8, (4.0, 2.0, 1.0)))).mean() == pytest.approx(1)


def test_budgets_that_vary_alike_are_left_alone_in_99_of_100_cases():
    assert share_left_alone(lambda seed: methods(6, ALIKE, rng_seed=seed)) > 0.975


def test_a_method_that_varies_more_at_all_budgets_does_not_decide_for_the_others():
    assert share_left_alone(
        lambda seed: methods(5, ALIKE, rng_seed=seed),
        lambda seed: methods(1, (10.0,) * 5, rng_seed=1000 + seed),
    ) > 0.975


def test_methods_that_vary_more_or_less_show_the_same_ratio_of_budgets():
    pattern = np.array([4.0, 2.0, 1.0])
    found = relative_noise([*methods(200, pattern), *methods(200, 100 * pattern, rng_seed=1)])
    assert found / found[2] == pytest.approx(pattern, rel=0.1)


def test_a_method_without_any_scatter_changes_nothing():
    others = methods(8, (4.0, 2.0, 1.0))
    constant = [Point("m", point.times, np.full(3, 0.1)) for point in others[0]]
    assert (relative_noise([*others, constant]) == relative_noise(others)).all()


@pytest.mark.parametrize(
    "found",
    [
        methods(4, (9.0, 1.0)),
        [*methods(8, (9.0, 1.0)), *methods(1, (9.0, 1.0, 1.0))],
        [*methods(8, (9.0, 1.0)), *methods(1, (9.0, 1.0), longer=8.0)],
        methods(8, (0.0, 0.0)),
    ],
    ids=["few runs", "more budgets", "longer budgets", "no scatter"],
)
def test_where_it_cannot_be_told_nothing_is_said(found):
    assert relative_noise(found) is None


def test_budgets_of_one_name_are_one_however_long_they_took():
    fast, slow = methods(4, (9.0, 1.0), named=True), methods(4, (9.0, 1.0), longer=8.0, named=True)
    assert relative_noise([*fast, *slow])[0] > 1


def test_a_budget_without_any_scatter_does_not_count_as_certain():
    assert relative_noise(methods(8, (1.0, 0.0)))[1] > 0.03
