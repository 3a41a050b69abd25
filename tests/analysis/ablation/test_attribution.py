"""Factors of ideas that are added one after the other."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers, lists, permutations

from mlgolf.analysis.ablation.attribution import Reached, attributed, per_year, recipes_in
from mlgolf.core.errors import ScoringError

IDEAS = ("norm", "residuals", "schedule", "averages")
BACK = IDEAS[::-1]


def reached(*costs, limit=100.0):
    return Reached(costs=np.array(costs, float), limits=np.full(len(costs), limit))


def measured(costs, seeds=3, orders=(IDEAS, BACK)):
    """Every recipe of the orders, with costs from a list that is gone round."""
    recipes = dict.fromkeys(recipe for order in orders for recipe in recipes_in(order))
    return {
        recipe: reached(*np.resize(costs, (len(recipes), seeds))[at])
        for at, recipe in enumerate(recipes)
    }


costs = lists(floats(0.01, 1e4), min_size=1, max_size=24)


@given(costs, permutations(IDEAS))
def test_the_factors_multiply_to_the_total_in_every_order(values, order):
    found = attributed(measured(values, orders=(order,)), order)
    product = math.prod(math.exp(gain.estimate) for gain in found.gains)
    assert product == pytest.approx(math.exp(found.total.estimate))


@given(costs)
def test_the_total_is_the_same_in_both_orders(values):
    table = measured(values)
    forth, back = attributed(table, IDEAS), attributed(table, BACK)
    assert forth.total.estimate == pytest.approx(back.total.estimate)


@given(costs)
def test_the_shares_add_up_to_one_where_anything_was_gained(values):
    found = attributed(measured(values), IDEAS)
    if found.total.estimate:
        assert sum(found.shares) == pytest.approx(1.0)
    else:
        assert np.isnan(found.shares).all()


@given(costs, integers(-3, 3))
def test_factors_do_not_depend_on_the_unit_of_costs(values, power):
    unit = 2.0**power
    one = attributed(measured(values), BACK)
    other = attributed(measured([unit * value for value in values]), BACK)
    for a, b in zip(one.gains, other.gains, strict=True):
        assert a.estimate == pytest.approx(b.estimate, abs=1e-9)


def test_an_idea_that_halves_the_cost_has_the_factor_two_and_its_interval_holds_it():
    table = {
        frozenset(): reached(8.0, 8.4, 7.7), frozenset(["norm"]): reached(4.0, 4.2, 3.85),
    }  # fmt: skip
    (gain,) = attributed(table, ["norm"]).gains
    assert math.exp(gain.estimate) == pytest.approx(2.0)
    assert gain.interval[0] < math.log(2.0) < gain.interval[1]


def test_an_idea_may_give_more_where_another_is_on_already():
    table = {
        frozenset(): reached(8.0), frozenset("a"): reached(4.0), frozenset("b"): reached(8.0),
        frozenset("ab"): reached(1.0),
    }  # fmt: skip
    forth, back = attributed(table, "ab"), attributed(table, "ba")
    assert [math.exp(gain.estimate) for gain in forth.gains] == pytest.approx([2.0, 4.0])
    assert [math.exp(gain.estimate) for gain in back.gains] == pytest.approx([1.0, 8.0])


def test_where_the_earlier_recipe_missed_the_result_its_limit_counts_and_the_factor_is_at_least():
    table = {frozenset(): reached(math.inf, 60.0), frozenset("a"): reached(10.0, 10.0)}
    (gain,) = attributed(table, "a").gains
    assert gain.bound == "at least"
    assert gain.estimate == pytest.approx((math.log(10) + math.log(6)) / 2)
    assert gain.interval[1] == math.inf


def test_where_both_missed_it_nothing_is_known():
    table = {frozenset(): reached(math.inf), frozenset("a"): reached(math.inf)}
    assert attributed(table, "a").gains[0].bound == "either"


def test_a_recipe_that_was_not_measured_is_named():
    table = {frozenset(): reached(1.0), frozenset("ab"): reached(1.0)}
    with pytest.raises(ScoringError, match="no result of the recipe with b, which the order b, a"):
        attributed(table, "ba")


def test_costs_that_are_not_above_zero_are_refused():
    with pytest.raises(ScoringError, match="costs are above 0"):
        attributed({frozenset(): reached(0.0), frozenset("a"): reached(1.0)}, "a")


def test_the_code_of_the_guide_runs():
    guide = (Path(__file__).parents[3] / "docs" / "recipes.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(block, {"__name__": "guide"})


def test_a_factor_of_eight_in_three_years_is_two_a_year():
    assert per_year(math.log(8.0), 3) == pytest.approx(2.0)
    assert math.isnan(per_year(1.0, 0))
