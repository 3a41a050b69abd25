from dataclasses import replace

import numpy as np
import pytest
from planned import FIT, question

from mlgolf.analysis.planning.methods import Method, methods_of
from mlgolf.analysis.planning.plans import bought_by_methods, sensitivities
from mlgolf.core.errors import ScoringError

WITH_LEVER = replace(
    FIT, extra={"moe": 2.9, "R_D": 15.0}, extra_draws={"moe": np.linspace(2.5, 3.3, 41)}
)


def bought(times, interval=None, **budget):
    method = Method(name="moe", times=times, interval=interval, source="as given")
    return bought_by_methods(replace(question(**budget), methods=[method]))[0]


def test_a_method_buys_what_as_much_more_of_the_budget_buys():
    budget, *_ = sensitivities(question(flop=1e21))
    assert bought(1.1, flop=1e21).gain == pytest.approx(budget.gain)


def test_what_a_method_buys_is_as_sure_as_its_worth():
    low, high = (bought(times, dollars=500.0).gain for times in (2.6, 3.2))
    assert bought(2.9, (2.6, 3.2), dollars=500.0).gain_interval == pytest.approx((low, high))
    assert bought(2.9, dollars=500.0).gain_interval is None


def test_a_method_that_is_worth_nothing_buys_nothing():
    assert bought(1.0, dollars=500.0).gain == 0


def test_levers_of_a_fit_are_methods_with_the_interval_of_its_draws():
    (moe,) = methods_of(WITH_LEVER, {})
    assert (moe.name, moe.times, moe.source) == ("moe", 2.9, "the fit of made up")
    assert moe.interval == pytest.approx((2.52, 3.28))


def test_a_claim_takes_the_place_of_the_lever_of_its_name():
    found = methods_of(WITH_LEVER, {"moe": 2.0, "ours": (1.5, 1.2, 1.9)})
    assert {one.name: (one.times, one.interval) for one in found} == {
        "moe": (2.0, None), "ours": (1.5, (1.2, 1.9))
    }  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        (0, "lever ours: found 0, allowed is a number above 0"),
        ([2.0, -1, 3], "lever ours: found -1, allowed is a number above 0"),
        ([2.0, 1.5], "lever ours: found 2, 1.5; allowed is how many times the compute"),
        ([2.0, 2.5, 3], "lever ours: found 2, 2.5, 3; allowed is how many times the compute"),
    ],
)
def test_a_claim_that_cannot_be_is_refused(claim, message):
    with pytest.raises(ScoringError, match=message):
        methods_of(FIT, {"ours": claim})
