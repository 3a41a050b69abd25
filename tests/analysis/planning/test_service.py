import json
from dataclasses import replace

import numpy as np
import pytest
from planned import FIT, LAW, device, offer

from mlgolf.analysis.planning.service import Service, most_profit, profit_by_loss
from mlgolf.analysis.planning.service_file import read_service
from mlgolf.core.errors import MLGolfError, RunFolderError, ScoringError

PRICE = {"dollars_per_flop": 2 / 3600 / 4e14, "utilisation": 0.4}
SERVICE = Service(
    requests=1e9, prompt_tokens=500, answer_tokens=200,
    value=lambda loss: 0.002 * np.clip(3 - loss, 0, 1),
)  # fmt: skip


def cost_of(params, batch):
    """Dollars and seconds of a request on one device of `offer()`, written down again."""
    devices = np.ceil(2 * params / (0.8 * 8e10))
    prompt = 2 * params * 500 / (devices * 1e15 * 0.4)
    per_token = max(2 * params / (devices * 3e12), 2 * params * batch / (devices * 1e15))
    return 2.0 * devices / 3600 * (prompt + 200 * per_token / batch), prompt + 200 * per_token


def brute_force(most_seconds=np.inf):
    best = -np.inf
    for params in np.geomspace(1e8, 1e12, 300):
        costs = [cost_of(params, batch) for batch in 2 ** np.arange(9)]
        allowed = [dollars for dollars, seconds in costs if seconds <= most_seconds]
        if not allowed:
            continue
        tokens = np.geomspace(1e9, 1e14, 2000)
        value = 1e9 * SERVICE.value(LAW.loss(params, tokens))
        profit = value - 1e9 * min(allowed) - 6 * params * tokens * PRICE["dollars_per_flop"]
        best = max(best, profit.max())
    return best


@pytest.mark.parametrize("most_seconds", [np.inf, 1.0])
def test_the_most_profit_is_that_of_a_brute_force_grid(most_seconds):
    found = most_profit(replace(SERVICE, most_seconds=most_seconds), FIT, [offer()], **PRICE)
    assert found.profit == pytest.approx(brute_force(most_seconds), rel=2e-3)


def test_value_less_costs_is_the_profit():
    found = most_profit(SERVICE, FIT, [offer()], **PRICE)
    assert found.profit == pytest.approx(
        found.value_dollars - found.training_dollars - found.inference_dollars
    )


def test_a_tighter_latency_makes_the_model_smaller():
    free, bound = (
        most_profit(replace(SERVICE, most_seconds=seconds), FIT, [offer()], **PRICE)
        for seconds in (np.inf, 0.3)
    )
    assert bound.params < free.params
    assert bound.served.seconds <= 0.3


def test_more_requests_pay_for_a_lower_loss():
    few, many = (
        most_profit(replace(SERVICE, requests=requests), FIT, [offer()], **PRICE)
        for requests in (1e8, 1e10)
    )
    assert many.loss < few.loss


def test_patience_is_part_of_the_value():
    hasty = replace(SERVICE, share=lambda seconds: np.where(seconds < 0.5, 1.0, 0.1))
    assert most_profit(hasty, FIT, [offer()], **PRICE).served.seconds < 0.5


def test_no_loss_earns_more_than_the_best_model():
    best = most_profit(SERVICE, FIT, [offer()], **PRICE)
    others = profit_by_loss(SERVICE, FIT, [offer()], np.linspace(1.9, 2.8, 40), **PRICE)
    assert np.nanmax(others) <= best.profit * (1 + 1e-3)


def test_a_latency_that_nothing_meets_is_refused():
    with pytest.raises(ScoringError, match="no model answers within"):
        most_profit(replace(SERVICE, most_seconds=1e-9), FIT, [offer()], **PRICE)


def test_a_model_that_earns_nothing_is_refused():
    worthless = replace(SERVICE, value=lambda loss: 1e-12 * (4 - loss))
    with pytest.raises(ScoringError, match="no model that earns more than it costs"):
        most_profit(worthless, FIT, [offer()], **PRICE)


GOOD = """
requests = 1e6
prompt_tokens = 10
answer_tokens = 10
[value]
loss = [3.0, 2.0]
dollars = [0, 1]
"""


def test_a_service_is_read_from_a_file(tmp_path):
    (tmp_path / "a.toml").write_text(GOOD)
    service = read_service(tmp_path / "a.toml", {})
    assert service.value(np.array([2.0, 2.5, 3.0, 9.0])) == pytest.approx([1, 0.5, 0, 0])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("requests = 1e6", "requests = 0", r"a\.toml: requests: found 0, allowed is a number"),
        ("requests", "request", r"a\.toml: unknown key request\. Known: requests"),
        ("loss = [3.0, 2.0]", "loss = [3.0]", r"a\.toml: value: found .* of the same length"),
        ("dollars = [0, 1]", "dollars = [1, 0]", r"a\.toml: value: found more dollars at a higher"),
        ("[value]", "[value", r"a\.toml: "),
    ],
)
def test_a_service_that_cannot_be_is_refused_by_key(tmp_path, old, new, message):
    (tmp_path / "a.toml").write_text(GOOD.replace(old, new))
    with pytest.raises(RunFolderError, match=message):
        read_service(tmp_path / "a.toml", {})


MEASURED = """
[[measured]]
device = "fast"
deploy = "deploy.json"
params = 1e8
tokens = 500
"""


def measured(tmp_path, p50_ms, toml=MEASURED):
    (tmp_path / "a.toml").write_text(GOOD + toml)
    (tmp_path / "deploy.json").write_text(json.dumps({"latency": {"p50_ms": p50_ms}}))
    return read_service(tmp_path / "a.toml", {"fast": device()})


def test_a_measured_latency_gives_the_share_of_the_peak(tmp_path):
    service = measured(tmp_path, 1.0)  # 2 N tokens = 1e11 FLOP in 1 ms, of 1e15 FLOP/s
    assert service.measured_utilisation == pytest.approx({"fast": 0.1})


def test_prompts_take_as_long_as_was_measured():
    slower = replace(SERVICE, answer_tokens=1e-9, measured_utilisation={"fast": 0.1})
    told, assumed = (
        most_profit(one, FIT, [offer()], **PRICE)
        for one in (slower, replace(slower, measured_utilisation={}))
    )
    ratio = (told.served.seconds / told.params) / (assumed.served.seconds / assumed.params)
    assert ratio * told.served.devices / assumed.served.devices == pytest.approx(4, rel=1e-3)


@pytest.mark.parametrize(
    ("p50_ms", "old", "new", "message"),
    [
        (0.01, "", "", r"says that fast reached 10 of its peak"),
        (1.0, '"fast"', '"faster"', "unknown device of .*measured 'faster'"),
        (1.0, "tokens = 500", "", "tokens: found nothing"),
        (1.0, "deploy.json", "none.json", "none.json: No such file"),
        ("a", "", "", "has no latency. Make it by mlgolf deploy --json"),
    ],
)
def test_a_measurement_that_cannot_be_is_refused(tmp_path, p50_ms, old, new, message):
    with pytest.raises(MLGolfError, match=message):
        measured(tmp_path, p50_ms, MEASURED.replace(old, new))
