"""How much more seeds vary at some budgets than at others."""

from types import SimpleNamespace

import numpy as np
import pytest

from mlgolf.analysis.budget_noise import relative_noise


def methods(count: int, stddevs, seeds: int = 3, rng_seed: int = 0):
    rng = np.random.default_rng(rng_seed)
    return [
        [SimpleNamespace(qualities=at + s * rng.standard_normal(seeds)) for s in stddevs]
        for at in range(count)
    ]


def test_the_ratio_of_deviations_is_found_from_many_methods():
    found = relative_noise(methods(400, (4.0, 2.0, 1.0)))
    assert found[0] / found[2] == pytest.approx(4, rel=0.1)
    assert found[1] / found[2] == pytest.approx(2, rel=0.1)


def test_the_mean_square_is_one_so_that_a_pooled_variance_stays_what_it_was():
    assert np.square(relative_noise(methods(8, (4.0, 2.0, 1.0)))).mean() == pytest.approx(1)


def test_budgets_that_vary_alike_are_left_alone_in_99_of_100_cases():
    found = [relative_noise(methods(6, (1.0,) * 5, rng_seed=seed)) for seed in range(500)]
    assert np.mean([(noise == 1).all() for noise in found]) > 0.975


@pytest.mark.parametrize(
    "found", [methods(4, (9.0, 1.0)), [*methods(8, (9.0, 1.0)), *methods(1, (9.0, 1.0, 1.0))]],
    ids=["few runs", "other budgets"],
)
def test_where_it_cannot_be_told_nothing_is_said(found):
    assert relative_noise(found) is None


def test_a_budget_without_any_scatter_does_not_count_as_certain():
    assert relative_noise(methods(8, (1.0, 0.0)))[1] > 0.03
