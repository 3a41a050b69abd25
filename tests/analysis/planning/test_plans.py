from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import floats
from planned import ASSUMED, FIT, LAW, device, offer, question

from mlgolf.analysis.planning.plans import (
    best_of_each_device,
    best_plan,
    frontier,
    sensitivities,
)
from mlgolf.analysis.planning.spending import Demand
from mlgolf.core.errors import ScoringError

NO_HITS = replace(ASSUMED, failures_per_device_hour=1e-12)


def brute_force(asked, places=4000):
    """The least loss over a fine grid of sizes, devices and offers, by the same arithmetic of
    costs and none of the code that plans."""
    least = np.inf
    for sold in asked.offers:
        for devices in 2 ** np.arange(15):
            rate = devices * sold.device.bf16 * asked.assumed.utilisation
            hours = asked.budget.dollars / (devices * sold.usd_per_hour)
            flop = 3600 * hours * rate
            held = devices * sold.device.memory * asked.assumed.memory_share
            params = np.geomspace(1e6, held / asked.assumed.bytes_per_param, places)
            left = flop - 2 * params * asked.demand.inference_tokens
            in_time = 3600 * asked.assumed.most_hours * rate
            tokens = np.clip(left, 1e-3, in_time) / (6 * params)
            loss = asked.demand.loss(LAW, params, tokens)
            least = min(least, float(loss[left > 0].min()))
    return least


@settings(deadline=None, max_examples=25)
@given(dollars=floats(100, 1e7))  # what 16,384 devices spend in a month is more
def test_a_plan_is_as_good_as_a_brute_force_grid(dollars):
    asked = replace(question(offer(2.0), offer(1.0, bf16=4e14), dollars=dollars), assumed=NO_HITS)
    assert best_plan(asked).loss == pytest.approx(brute_force(asked), rel=1e-4)


@pytest.mark.parametrize(
    "demand",
    [
        Demand(inference_tokens=1e12), Demand(unique_tokens=2e9, repeats_worth=15),
        Demand(inference_tokens=1e11, unique_tokens=1e10, repeats_worth=4),
        Demand(unique_tokens=2e9, repeats_worth=15, excess_worth=5),
    ],
)  # fmt: skip
def test_a_plan_under_a_demand_is_as_good_as_a_brute_force_grid(demand):
    asked = replace(question(dollars=50_000.0), assumed=NO_HITS, demand=demand)
    assert best_plan(asked).loss == pytest.approx(brute_force(asked, 40_000), rel=1e-4)


SPOT = offer(1.0, kind="spot", hits=30.0)


@pytest.mark.parametrize("dollars", [7.0, 500.0, 1234.5, 1e6])
@pytest.mark.parametrize("demand", [Demand(), Demand(inference_tokens=1e9)])
def test_a_plan_spends_its_dollars_and_not_more(dollars, demand):
    plan = best_plan(replace(question(SPOT, offer(), dollars=dollars), demand=demand))
    assert dollars * (1 - 1e-6) < plan.dollars <= dollars


def test_a_plan_spends_its_flop_and_not_more():
    assert 1e21 * (1 - 1e-9) < best_plan(question(flop=1e21)).flop <= 1e21


def test_a_plan_lasts_its_hours_and_not_longer():
    hours = best_plan(question(SPOT, hours=48.0, devices=8)).hours
    assert 48 * (1 - 1e-9) < hours <= 48


def test_answers_are_a_part_of_the_dollars():
    asked = replace(question(dollars=50_000.0), demand=Demand(inference_tokens=1e12))
    plan = best_plan(asked)
    assert plan.inference_flop == pytest.approx(2 * plan.params * 1e12)
    shares = plan.inference_dollars / plan.training_dollars
    assert shares == pytest.approx(plan.inference_flop / plan.flop)
    assert plan.dollars == plan.training_dollars + plan.inference_dollars


def test_answers_that_take_the_whole_budget_are_refused():
    asked = replace(question(dollars=500.0), demand=Demand(inference_tokens=1e30))
    with pytest.raises(ScoringError, match="1e\\+30 answers take the whole budget"):
        best_plan(asked)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ({"inference_tokens": -1.0}, "inference tokens: found -1, allowed is a number, 0 or more"),
        ({"inference_tokens": np.inf}, "inference tokens: found inf"),
        ({"unique_tokens": 0.0}, "unique tokens: found 0, allowed is a number above 0"),
        ({"unique_tokens": -1.0}, "unique tokens: found -1"),
    ],
)
def test_tokens_that_cannot_be_are_refused(tokens, message):
    with pytest.raises(ScoringError, match=message):
        Demand(**tokens)


def test_the_best_plan_of_a_device_is_that_of_its_offers_alone():
    offers = (SPOT, offer(2.0), offer(1.5, name="slow", bf16=4e14))
    found = best_of_each_device(question(*offers, dollars=1000.0))
    assert found == [
        best_plan(question(*offers[:2], dollars=1000.0)),
        best_plan(question(offers[2], dollars=1000.0)),
    ]


def test_a_precision_that_the_fit_knows_of_trades_loss_for_speed():
    def chosen(gamma):
        fit = replace(FIT, extra={"gamma_weights": gamma, "gamma_activations": gamma})
        asked = replace(question(dollars=1000.0), fit=fit, precisions=("bf16", "fp8"))
        return best_plan(asked).precision

    assert [chosen(0.1), chosen(30.0)] == ["fp8", "bf16"]


def test_fewer_bits_count_as_fewer_parameters():
    fit = replace(FIT, extra={"gamma_weights": 4.0})
    asked = replace(question(flop=1e21), fit=fit, precisions=("fp8",))
    plan, share = best_plan(asked), 1 - np.exp(-8 / 4.0)
    assert plan.loss == pytest.approx(LAW.loss(share * plan.params, plan.tokens))
    params = np.geomspace(1e8, 1e12, 9999)
    others = np.asarray(LAW.loss(share * params, 1e21 / 6 / params))
    assert plan.loss == pytest.approx(others.min(), rel=1e-6)


def test_other_prices_change_the_plan():
    dear, cheap = (best_plan(question(offer(usd), dollars=1000.0)) for usd in (4.0, 2.0))
    assert cheap.flop == pytest.approx(2 * dear.flop, rel=0.01)
    assert cheap.loss < dear.loss


def test_the_device_with_more_compute_per_dollar_is_chosen():
    slow = offer(1.0, name="slow", bf16=4e14)
    assert best_plan(question(offer(2.0), slow, dollars=1000.0)).offer.device.name == "fast"


def test_spot_is_chosen_where_interruptions_are_rare():
    spot = offer(1.0, kind="spot", hits=0.1)
    assert best_plan(question(offer(2.0), spot, dollars=1000.0)).offer.kind == "spot"


def test_spot_is_not_chosen_where_interruptions_cost_more_than_it_saves():
    spot = offer(1.9, kind="spot", hits=3000.0)
    assert best_plan(question(offer(2.0), spot, dollars=1000.0)).offer.kind == "on_demand"


def test_a_shorter_deadline_takes_more_devices():
    long, short = (
        best_plan(question(dollars=10_000.0, deadline_hours=hours)) for hours in (700.0, 24.0)
    )
    assert short.devices > long.devices
    assert short.hours <= 24


def test_a_model_fits_into_the_memory_of_its_devices():
    small = offer(2.0, memory=1e9)
    plan = best_plan(question(small, dollars=1000.0))
    share = ASSUMED.memory_share * 1e9 * plan.devices
    assert plan.params * ASSUMED.bytes_per_param <= share * (1 + 1e-9)


def test_devices_without_a_link_stay_on_one_host():
    alone = offer(2.0, link=0.0)
    assert best_plan(question(alone, dollars=10_000.0)).devices <= ASSUMED.most_without_link


def test_the_interval_holds_the_doubt_of_the_law_and_the_scatter_of_runs():
    asked = question(dollars=1000.0)
    plan = best_plan(asked)
    low, high = plan.loss_interval(asked)
    assert low < plan.loss - 0.02
    assert high > plan.loss + 0.02


def width(asked):
    low, high = best_plan(asked).loss_interval(asked)
    return high - low


def test_the_interval_holds_the_doubt_of_what_repeats_are_worth():
    demand = Demand(unique_tokens=1e9, repeats_worth=15.0, excess_worth=5.0)
    extra = {"R_D": 15.0, "R_N": 5.0}
    sure = replace(question(dollars=1000.0), fit=replace(FIT, extra=extra), demand=demand)
    for name in extra:
        drawn = {name: extra[name] * np.array([0.2, 1.0, 5.0])}
        unsure = replace(sure, fit=replace(sure.fit, extra_draws=drawn))
        assert width(unsure) > 1.1 * width(sure)


def test_the_interval_holds_the_doubt_of_what_precision_costs():
    sure = replace(
        question(flop=1e21), fit=replace(FIT, extra={"gamma_weights": 4.0}), precisions=("fp8",)
    )
    drawn = {"gamma_weights": np.array([1.0, 4.0, 16.0])}
    assert width(replace(sure, fit=replace(sure.fit, extra_draws=drawn))) > 1.1 * width(sure)


def test_the_distance_to_the_runs_is_told_in_decades():
    assert best_plan(question(flop=6e23)).extrapolation_decades == pytest.approx(2)
    assert best_plan(question(flop=1e21)).extrapolation_decades == 0


def test_each_lever_helps():
    found = sensitivities(
        replace(question(offer(kind="spot", hits=30.0), dollars=1000.0),
                demand=Demand(unique_tokens=1e9, repeats_worth=15))
    )  # fmt: skip
    assert {one.lever for one in found} == {
        "budget", "utilisation", "price", "interruptions", "unique tokens"
    }
    assert all(one.gain > 0 for one in found)


@pytest.mark.parametrize("offers", [[offer()], [offer(0.3629, kind="spot", hits=900.0)]])
def test_more_money_never_ends_at_a_higher_loss(offers):
    asked = question(*offers, dollars=1e5)
    losses = [plan.loss for plan in frontier(asked, [*np.geomspace(0.01, 100, 60)])]
    assert all(after <= before * (1 + 1e-9) for before, after in pairwise(losses))


def test_dollars_that_time_does_not_allow_are_not_spent():
    plan = best_plan(question(dollars=1e5, devices=1))
    assert plan.dollars == pytest.approx(2.0 * ASSUMED.most_hours)


def test_a_deadline_that_no_number_of_devices_meets_is_refused():
    with pytest.raises(ScoringError, match=r"no plan with 1 to 1 devices that ends within 1 hours"):
        best_plan(question(flop=1e23, devices=1, deadline_hours=1.0))


def test_a_precision_that_no_device_has_is_refused():
    asked = replace(question(offer(fp8=0.0), dollars=100.0), precisions=("fp8",))
    with pytest.raises(ScoringError, match="no device with a price computes in fp8"):
        best_plan(asked)


def test_the_fit_and_the_device_are_those_of_the_question():
    plan = best_plan(question(dollars=100.0))
    assert plan.offer.device == device()
    assert FIT.law.loss(plan.params, plan.tokens) == pytest.approx(plan.loss)
