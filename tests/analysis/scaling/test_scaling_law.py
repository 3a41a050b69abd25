import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats
from scaling_runs import LAW

from mlgolf.analysis.scaling.law import ScalingLaw

FLOP = floats(1e17, 1e27)


@given(flop=FLOP, factor=floats(0.2, 5))
def test_no_other_size_of_the_same_compute_ends_lower(flop, factor):
    best = LAW.best_for(flop)
    assert LAW.loss(best.params * factor, best.tokens / factor) >= LAW.loss(*best) * (1 - 1e-12)


@given(flop=FLOP)
def test_the_best_size_uses_all_of_the_compute(flop):
    assert LAW.best_for(flop).flop == pytest.approx(flop)


@given(flop=FLOP, factor=floats(0.2, 5))
def test_compute_that_does_more_ends_where_more_of_it_does(flop, factor):
    least = LAW.with_compute(factor).loss(*LAW.with_compute(factor).best_for(flop))
    assert least == pytest.approx(LAW.loss(*LAW.best_for(factor * flop)))


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
