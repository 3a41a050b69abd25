from dataclasses import replace

import numpy as np
import pytest
from scaling_runs import LAW, chinchilla, runs_of

from mlgolf.analysis.scaling.form import ScalingRuns
from mlgolf.analysis.scaling.isoflop import isoflop
from mlgolf.core.errors import ScoringError


def around_the_best(*, width: float = 1.5, off: float = 1.0) -> ScalingRuns:
    flop = np.repeat(np.geomspace(1e19, 1e22, 5), 7)
    factors = np.tile(np.geomspace(1 / width, width, 7), 5) * off
    params = LAW.best_for(flop).params * factors
    tokens = flop / 6 / params
    return ScalingRuns(params=params, tokens=tokens, loss=LAW.loss(params, tokens))


def test_lowest_points_are_the_best_sizes_where_sizes_are_close():
    found = isoflop(around_the_best(), draws=20)
    best = [LAW.best_for(budget.flop).params for budget in found.budgets]
    assert [budget.params for budget in found.budgets] == pytest.approx(best, rel=0.02)


def test_the_exponent_is_that_of_the_law():
    found = isoflop(around_the_best(), draws=20)
    assert found.exponent == pytest.approx(LAW.params_exponent, abs=0.002)


def test_the_chinchilla_runs_give_about_a_half():
    low, high = isoflop(chinchilla().runs, draws=300).exponent_interval
    assert low < 0.49 < high  # as published, Hoffmann et al. (2022), section 3.2


def test_budgets_whose_lowest_point_is_beyond_their_sizes_are_refused():
    with pytest.raises(ScoringError, match=r"found 0 of 5 compute .* lies beyond its sizes"):
        isoflop(around_the_best(off=4.0), draws=20)


def test_runs_that_share_no_compute_are_refused():
    with pytest.raises(ScoringError, match="found no compute budget with 4 runs or more"):
        isoflop(runs_of().of(np.arange(3)), draws=20)


def test_draws_that_do_not_tell_a_best_size_leave_its_interval_open():
    runs = around_the_best()
    noise = np.exp(0.05 * np.random.default_rng(0).standard_normal(len(runs)))
    noise[7:] = 1  # of the first budget alone: many draws have no lowest point there
    found = isoflop(replace(runs, loss=runs.loss * noise), draws=200)
    low, high = found.budgets[0].params_interval
    assert (low, high) == (0, np.inf)
    assert np.isfinite(found.exponent_interval).all()
