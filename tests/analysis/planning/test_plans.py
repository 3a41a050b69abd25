from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import floats
from planned import ASSUMED, FIT, LAW, device, offer, question

from mlgolf.analysis.planning.plans import best_plan, frontier, sensitivities
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
            if hours > asked.assumed.most_hours:
                continue
            flop = 3600 * hours * rate
            held = devices * sold.device.memory * asked.assumed.memory_share
            params = np.geomspace(1e6, held / asked.assumed.bytes_per_param, places)
            left = flop - 2 * params * asked.demand.inference_tokens
            tokens = np.maximum(left, 1e-3) / (6 * params)
            counted = asked.demand.counted(tokens)
            least = min(least, float(LAW.loss(params, counted)[left > 0].min()))
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
    ],
)  # fmt: skip
def test_a_plan_under_a_demand_is_as_good_as_a_brute_force_grid(demand):
    asked = replace(question(dollars=50_000.0), assumed=NO_HITS, demand=demand)
    assert best_plan(asked).loss == pytest.approx(brute_force(asked, 40_000), rel=1e-4)


def test_a_plan_spends_its_dollars():
    assert best_plan(question(dollars=1000.0)).dollars == pytest.approx(1000, rel=1e-3)


def test_a_plan_spends_its_flop():
    assert best_plan(question(flop=1e21)).flop == pytest.approx(1e21)


def test_a_plan_lasts_its_hours():
    assert best_plan(question(hours=48.0, devices=8)).hours == pytest.approx(48, rel=1e-3)


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
    assert short.hours <= 24 * 1.001


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


def test_more_money_never_ends_at_a_higher_loss():
    losses = [plan.loss for plan in frontier(question(dollars=1e5))]
    assert losses == sorted(losses, reverse=True)


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
