import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats
from scaling_runs import LAW

from mlgolf.analysis.scaling.inference import cheapest_for
from mlgolf.analysis.scaling.law import ScalingLaw
from mlgolf.core.errors import ScoringError

FLOP = floats(1e17, 1e27)


@given(flop=FLOP, factor=floats(0.2, 5))
def test_no_other_size_of_the_same_compute_ends_lower(flop, factor):
    best = LAW.best_for(flop)
    assert LAW.loss(best.params * factor, best.tokens / factor) >= LAW.loss(*best) * (1 - 1e-12)


@given(flop=FLOP)
def test_the_best_size_uses_all_of_the_compute(flop):
    assert LAW.best_for(flop).flop == pytest.approx(flop)


@given(flop=FLOP)
def test_params_for_tokens_is_the_inverse_of_the_best_size(flop):
    best = LAW.best_for(flop)
    assert LAW.params_for(best.tokens) == pytest.approx(best.params)


@given(flop=FLOP)
def test_tokens_for_a_loss_reach_it(flop):
    best = LAW.best_for(flop)
    assert LAW.tokens_for(best.params, LAW.loss(*best)) == pytest.approx(best.tokens, rel=1e-6)


def test_a_model_too_small_for_a_loss_needs_infinitely_many_tokens():
    assert LAW.tokens_for(1e6, 2.0) == np.inf


def test_laws_of_several_draws_are_taken_side_by_side():
    draws = ScalingLaw(E=np.array([1.8, 1.9]), A=480.0, B=2100.0, alpha=0.35, beta=0.37)
    assert draws.loss(1e9, 1e10) - LAW.loss(1e9, 1e10) == pytest.approx([0, 0.1])


@given(flop=floats(1e19, 1e24))
def test_without_requests_the_cheapest_model_is_the_best_for_its_compute(flop):
    best = LAW.best_for(flop)
    found = cheapest_for(LAW, float(LAW.loss(*best)), 0)
    assert found.params == pytest.approx(best.params, rel=1e-3)


def test_the_more_requests_the_smaller_the_cheapest_model():
    sizes = [cheapest_for(LAW, 2.1, tokens).params for tokens in (0, 1e11, 1e12, 1e13)]
    assert sizes == sorted(sizes, reverse=True)


def test_no_other_model_of_the_loss_is_cheaper_over_its_life():
    found = cheapest_for(LAW, 2.1, 1e12)
    params = found.params * np.geomspace(0.7, 5, 2001)
    others = 6 * params * LAW.tokens_for(params, 2.1) + 2 * params * 1e12
    assert others.min() >= found.flop + 2 * found.params * 1e12 * (1 - 1e-9)


def test_a_loss_below_what_no_model_removes_is_refused():
    with pytest.raises(ScoringError, match=r"no model is below E = 1\.8"):
        cheapest_for(LAW, 1.7, 0)
