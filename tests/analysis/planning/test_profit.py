from dataclasses import replace

import numpy as np
import pytest
from planned import ASSUMED, LAW, device, offer, question

from mlgolf.analysis.planning.answers import AnswerWays
from mlgolf.analysis.planning.profit import most_profit, profit_by_loss
from mlgolf.analysis.planning.service import Service, usual_cache_bytes
from mlgolf.core.errors import ScoringError

SERVICE = Service(
    requests=1e9, prompt_tokens=500, answer_tokens=200,
    value=lambda loss: 0.002 * np.clip(3 - loss, 0, 1),
)  # fmt: skip
ASKED = question(dollars=1000.0)


def answers(service, params):
    return AnswerWays.of(service, [offer()], 0.4).answers(params)


def cost_of_answer(params, batch, devices):
    """Dollars and seconds of a request on `offer()`, written down again; inf if not held."""
    layers = (params / 12 / 128**2) ** (1 / 3)
    cache = 4 * layers * min(1024, 128 * layers)  # bytes per token
    if 2 * params + batch * cache * 700 > 0.8 * devices * 8e10:
        return np.inf, np.inf
    prompts = batch * 2 * params * 500 / (devices * 1e15 * 0.4)
    by_memory = (2 * params + batch * cache * 600) / (devices * 3e12 * 0.6)
    by_compute = 2 * params * batch / (devices * 1e15 * 0.4)
    seconds = prompts + 200 * max(by_memory, by_compute)
    return 2.0 * devices / 3600 * seconds / batch, seconds


def cost_of_training(params, tokens, hours_allowed):
    """The least dollars on `offer()`, which fails once in 50,000 hours: of no weight here."""
    best = np.full_like(tokens, np.inf)
    for devices in 2 ** np.arange(15):
        hours = 6 * params * tokens / (devices * 1e15 * 0.4) / 3600
        held = 16 * params <= 0.6 * devices * 8e10
        fits = held & (hours <= hours_allowed)
        best = np.where(fits, np.minimum(best, 2.0 * devices * hours), best)
    return best


def brute_force(most_seconds=np.inf, hours_allowed=720.0):
    best = -np.inf
    for params in np.geomspace(1e8, 1e12, 300):
        costs = [
            cost_of_answer(params, batch, devices)
            for batch in 2 ** np.arange(11) for devices in (1, 2, 4, 8)
        ]  # fmt: skip
        allowed = [dollars for dollars, seconds in costs if seconds <= most_seconds]
        tokens = np.geomspace(1e9, 1e14, 2000)
        value = 1e9 * SERVICE.value(np.asarray(LAW.loss(params, tokens)))
        training = cost_of_training(params, tokens, hours_allowed)
        best = max(best, (value - 1e9 * min(allowed, default=np.inf) - training).max())
    return best


@pytest.mark.parametrize(("most_seconds", "hours"), [(np.inf, 720.0), (1.0, 720.0), (np.inf, 24.0)])
def test_the_most_profit_is_that_of_a_brute_force_grid(most_seconds, hours):
    service = replace(SERVICE, most_seconds=most_seconds)
    assumed = replace(ASSUMED, failures_per_device_hour=1e-12)
    found = most_profit(service, replace(ASKED, assumed=replace(assumed, most_hours=hours)))
    assert found.profit == pytest.approx(brute_force(most_seconds, hours), rel=2e-3)


def test_the_most_profit_does_not_depend_on_the_budget():
    spot = offer(0.5, kind="spot", hits=300.0, bf16=3e14, memory=3e10)
    found = {
        most_profit(SERVICE, question(offer(), spot, dollars=dollars)).profit
        for dollars in (500.0, 5e4, 5e6)
    }
    assert len(found) == 1


def test_a_model_of_most_profit_is_trained_in_time_and_in_memory():
    found = most_profit(SERVICE, question(offer(), dollars=500.0, deadline_hours=100.0))
    assert found.trained.hours <= 100
    assert 16 * found.params <= 0.6 * 8e10 * found.trained.devices


def test_training_costs_its_hours():
    trained = most_profit(SERVICE, ASKED).trained
    assert trained.dollars == pytest.approx(2.0 * trained.devices * trained.hours)


def test_value_less_costs_is_the_profit():
    found = most_profit(SERVICE, ASKED)
    assert found.profit == pytest.approx(
        found.value_dollars - found.training_dollars - found.inference_dollars
    )


def test_a_tighter_latency_makes_the_model_smaller():
    free, bound = (
        most_profit(replace(SERVICE, most_seconds=seconds), ASKED) for seconds in (np.inf, 0.3)
    )
    assert bound.params < free.params
    assert bound.served.seconds <= 0.3


def test_more_devices_answer_sooner():
    one = answers(SERVICE, np.array([1e10]))
    alone, eight = (
        min(s for s, way in zip(one.seconds[:, 0], one.ways, strict=True) if way.devices == devices)
        for devices in (1, 8)
    )
    assert eight == pytest.approx(alone / 8)


def test_more_requests_pay_for_a_lower_loss():
    few, many = (
        most_profit(replace(SERVICE, requests=requests), ASKED) for requests in (1e8, 1e10)
    )
    assert many.loss < few.loss


def test_patience_is_part_of_the_value():
    hasty = replace(SERVICE, share=lambda seconds: np.where(seconds < 0.5, 1.0, 0.1))
    assert most_profit(hasty, ASKED).served.seconds < 0.5


def test_no_loss_earns_more_than_the_best_model():
    best = most_profit(SERVICE, ASKED)
    others = profit_by_loss(SERVICE, ASKED, np.linspace(1.9, 2.8, 40))
    assert best.profit * 0.99 < np.nanmax(others) <= best.profit * (1 + 1e-3)


def test_a_latency_that_nothing_meets_is_refused():
    with pytest.raises(ScoringError, match="no model answers within"):
        most_profit(replace(SERVICE, most_seconds=1e-9), ASKED)


def test_a_model_that_earns_nothing_is_refused():
    worthless = replace(SERVICE, value=lambda loss: 1e-12 * (4 - loss))
    with pytest.raises(ScoringError, match="no model that earns more than it costs"):
        most_profit(worthless, ASKED)


def test_keys_and_values_are_as_large_as_those_of_published_models():
    """Llama 3 of 8, 70 and 405 billion: 32, 80 and 126 layers, 8 heads of 128, 2 bytes."""
    published = 2 * 2 * 1024 * np.array([32, 80, 126])
    assert usual_cache_bytes(np.array([8e9, 7e10, 4.05e11])) == pytest.approx(published, rel=0.15)


def test_keys_and_values_take_memory_from_the_batch():
    def largest_batch(cache):
        service = replace(SERVICE, cache_bytes_per_token=cache)
        found = answers(service, np.array([1e10]))
        fits = np.isfinite(found.seconds[:, 0])
        held = [way for way, fit in zip(found.ways, fits, strict=True) if fit]
        return max(way.batch for way in held if way.devices == 1)

    assert largest_batch(1e4) == 1024
    assert largest_batch(1e6) == 32  # 44 GB beside the weights hold 62 requests of 700 tokens


def test_keys_and_values_are_read_for_every_token():
    def per_token(cache):
        service = replace(SERVICE, prompt_tokens=1e-9, cache_bytes_per_token=cache)
        found = answers(service, np.array([1e9]))
        return found.seconds[found.ways.index(found.ways[6]), 0] / 200  # a batch of 64

    expected = 64 * 1e6 * 100 / (3e12 * 0.6)  # half of the answer is there on average
    assert per_token(1e6) - per_token(1e-9) == pytest.approx(expected, rel=1e-6)


def test_a_batch_at_the_end_of_those_tried_is_told():
    tiny_cache = replace(SERVICE, cache_bytes_per_token=1.0)
    quick = question(offer(bf16=2e16), dollars=1000.0)  # waits for its memory in every batch
    assert [most_profit(tiny_cache, asked).most_batch for asked in (quick, ASKED)] == [True, False]


def test_a_loss_at_the_end_of_the_value_curve_is_told():
    best = most_profit(SERVICE, ASKED).loss
    ends = [most_profit(replace(SERVICE, loss_range=(low, 3.0)), ASKED) for low in (best, 1.5)]
    assert [found.beyond_value for found in ends] == [True, False]


def test_prompts_take_as_long_as_was_measured():
    prompts = replace(SERVICE, answer_tokens=1e-9)
    told, assumed = (
        answers(one, np.array([1e9])).seconds
        for one in (replace(prompts, measured_utilisation={device().name: 0.1}), prompts)
    )
    held = np.isfinite(assumed)
    assert told[held] / assumed[held] == pytest.approx(4)
