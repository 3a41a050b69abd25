"""What a model earns: the size and the data of most profit, requests and their latency included.

    max over N, D, device, batch of
    V (share(latency) v(L(N, D)) - cost per request) - cost of 6 N D

A request is a prompt, computed at once, and an answer, whose tokens are decoded one by one, as many
requests side by side as the batch says. Decoding reads all weights per token, and computes 2 N FLOP
per token and request: what takes longer holds.

Sources: analysis of decoding as bound by bandwidth, Pope et al. (2022), arXiv:2211.05102; training
longer for cheaper requests, Sardana et al. (2023), arXiv:2401.00448.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.analysis.planning.offers import Offer
from mlgolf.analysis.scaling.law import INFERENCE_FLOP, TRAINING_FLOP, ScalingLaw
from mlgolf.analysis.scaling.saved_fit import SavedFit
from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import ScoringError

Curve = Callable[[FloatArray], FloatArray]
BATCHES = 2 ** np.arange(9)  # requests decoded side by side
BYTES = 2  # per weight that is read
HELD = 0.8  # of a device's memory, by weights
PLACES, ZOOMS, ZOOM = 60, 8, 0.35
REGRETS = 40  # draws for which the plan is made anew


@dataclass(frozen=True, kw_only=True, eq=False)
class Service:
    """Over the life of the model."""

    requests: float
    prompt_tokens: float
    answer_tokens: float
    value: Curve  # dollars per request, by loss
    share: Curve | None = None  # of the value that is left, by latency in seconds
    most_seconds: float = math.inf  # of a request
    loss_range: Interval = (-math.inf, math.inf)  # where the value is known
    # Of prompts, by device, where that was measured: share of the peak in 16 bits.
    measured_utilisation: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """How a model of a size answers."""

    offer: Offer
    batch: int
    devices: float
    seconds: float  # per request
    dollars: float  # per request


@dataclass(frozen=True, slots=True, kw_only=True)
class Profit:
    params: float
    tokens: float
    loss: float
    served: Served
    value_dollars: float  # all over the life
    training_dollars: float
    inference_dollars: float
    profit: float
    profit_interval: Interval  # of this plan, over the draws of the law
    regret: float  # median over draws: what the best plan for that draw would earn more
    beyond_value: bool  # whether the loss lies outside where its value is known


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ways:
    """Every way of answering, by size: arrays (ways, sizes)."""

    offers: list[tuple[Offer, int]]
    devices: FloatArray
    seconds: FloatArray
    dollars: FloatArray


def most_profit(
    service: Service,
    fit: SavedFit,
    offers: Sequence[Offer],
    *,
    dollars_per_flop: float,
    utilisation: float,
    confidence: float = CONFIDENCE,
) -> Profit:
    """Args:
      dollars_per_flop: of training, with all overheads.
      utilisation: of prompts, which are computed like training where nobody measured them.
    Raises: ScoringError if no size answers in time, or none earns anything.
    """
    box = _box(fit)
    best = _best(service, fit.law, offers, dollars_per_flop, utilisation, box)
    params, tokens, at, ways = best
    served = Served(
        offer=ways.offers[at][0],
        batch=ways.offers[at][1],
        devices=float(ways.devices[at, 0]),
        seconds=float(ways.seconds[at, 0]),
        dollars=float(ways.dollars[at, 0]),
    )
    training = TRAINING_FLOP * params * tokens * dollars_per_flop
    inference = service.requests * served.dollars

    def earned(law: ScalingLaw) -> FloatArray:
        return _value(service, np.asarray(law.loss(params, tokens)), np.array(served.seconds))

    drawn = earned(fit.draws) - inference - training
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    loss = float(fit.law.loss(params, tokens))
    value = float(earned(fit.law))
    return Profit(
        params=params, tokens=tokens, loss=loss, served=served, value_dollars=value,
        training_dollars=training, inference_dollars=inference,
        profit=value - inference - training, profit_interval=(float(low), float(high)),
        regret=_regret(service, fit, offers, dollars_per_flop, utilisation, box, drawn),
        beyond_value=not service.loss_range[0] <= loss <= service.loss_range[1],
    )  # fmt: skip


def profit_by_loss(
    service: Service,
    fit: SavedFit,
    offers: Sequence[Offer],
    losses: FloatArray,
    *,
    dollars_per_flop: float,
    utilisation: float,
) -> FloatArray:
    """The most profit of a model of each loss; NaN where none answers in time."""
    (low, high), _ = _box(fit)
    params = np.exp(np.linspace(low, high, 10 * PLACES))
    ways = _ways(offers, params, service, utilisation)
    found = []
    for loss in losses:
        tokens = np.asarray(fit.law.tokens_for(params, float(loss)))
        with np.errstate(invalid="ignore"):
            training = TRAINING_FLOP * params * tokens * dollars_per_flop
            value = _value(service, np.full_like(ways.seconds, loss), ways.seconds)
            profit = value - service.requests * ways.dollars - training
        profit = np.where(ways.seconds <= service.most_seconds, profit, -np.inf)
        most = float(np.nanmax(profit))
        found.append(most if math.isfinite(most) else math.nan)
    return np.array(found)


def _box(fit: SavedFit) -> tuple[Interval, Interval]:
    """Logs of parameters and tokens that are tried: three decades beyond the runs."""
    wide = 3 * math.log(10)
    return (
        (math.log(fit.params[0]) - wide, math.log(fit.params[1]) + wide),
        (math.log(fit.tokens[0]) - wide, math.log(fit.tokens[1]) + wide),
    )


def _best(
    service: Service,
    law: ScalingLaw,
    offers: Sequence[Offer],
    dollars_per_flop: float,
    utilisation: float,
    box: tuple[Interval, Interval],
) -> tuple[float, float, int, _Ways]:
    """By grids that close in on the best place of the last one."""
    (n_low, n_high), (d_low, d_high) = box
    params = tokens = np.nan
    for _ in range(ZOOMS):
        sizes, data = np.linspace(n_low, n_high, PLACES), np.linspace(d_low, d_high, PLACES)
        ways = _ways(offers, np.exp(sizes), service, utilisation)
        loss = np.asarray(law.loss(np.exp(sizes)[:, None], np.exp(data)[None, :]))
        training = TRAINING_FLOP * np.exp(sizes[:, None] + data[None, :]) * dollars_per_flop
        profit = (
            _value(service, loss[None], ways.seconds[:, :, None])
            - service.requests * ways.dollars[:, :, None]
            - training[None]
        )
        profit[ways.seconds > service.most_seconds] = -np.inf
        way, n, d = np.unravel_index(np.argmax(profit), profit.shape)
        if not np.isfinite(profit[way, n, d]):
            raise ScoringError(
                f"latency: no model answers within {service.most_seconds:g} seconds on the "
                f"devices with a price; the quickest takes {ways.seconds.min():.3g}. Allow more, "
                "or shorter answers"
            )
        if profit[way, n, d] <= 0:
            raise ScoringError(
                f"found no model that earns more than it costs: the best loses "
                f"{-profit[way, n, d]:.3g} dollars. More requests, or a value that rises earlier, "
                "would change that"
            )
        params, tokens = math.exp(sizes[n]), math.exp(data[d])
        n_half, d_half = ZOOM * (n_high - n_low) / 2, ZOOM * (d_high - d_low) / 2
        n_low, n_high = sizes[n] - n_half, sizes[n] + n_half
        d_low, d_high = data[d] - d_half, data[d] + d_half
    return params, tokens, int(way), _ways(offers, np.array([params]), service, utilisation)


def _ways(
    offers: Sequence[Offer], params: FloatArray, service: Service, utilisation: float
) -> _Ways:
    """Times of a request and its cost, for every device that computes in 16 bits, every batch."""
    able = [offer for offer in offers if offer.device.bf16 > 0]
    pairs = [(offer, int(batch)) for offer in able for batch in BATCHES]
    peak, bandwidth, memory, price = (
        np.array(values)[:, None] for values in zip(*(
            (offer.device.bf16, offer.device.bandwidth, offer.device.memory, offer.usd_per_hour)
            for offer, _ in pairs
        ), strict=True)
    )  # fmt: skip
    batch = np.array([size for _, size in pairs], dtype=float)[:, None]
    devices = np.ceil(BYTES * params / (HELD * memory))
    reached = np.array([
        service.measured_utilisation.get(offer.device.name, utilisation) for offer, _ in pairs
    ])[:, None]  # fmt: skip
    prompt = INFERENCE_FLOP * params * service.prompt_tokens / (devices * peak * reached)
    per_token = np.maximum(
        BYTES * params / (devices * bandwidth), INFERENCE_FLOP * params * batch / (devices * peak)
    )
    answer = service.answer_tokens * per_token
    return _Ways(
        offers=pairs,
        devices=devices,
        seconds=prompt + answer,
        dollars=price * devices / 3600 * (prompt + answer / batch),
    )


def _value(service: Service, loss: FloatArray, seconds: FloatArray) -> FloatArray:
    share = 1.0 if service.share is None else service.share(seconds)
    return service.requests * share * service.value(loss)


def _regret(
    service: Service, fit: SavedFit, offers: Sequence[Offer], dollars_per_flop: float,
    utilisation: float, box: tuple[Interval, Interval], drawn: FloatArray,
) -> float:  # fmt: skip
    lost = []
    for at in range(min(REGRETS, len(drawn))):
        law = ScalingLaw(**{
            name: float(np.asarray(getattr(fit.draws, name))[at])
            for name in ("E", "A", "B", "alpha", "beta")
        })  # fmt: skip
        params, tokens, way, ways = _best(service, law, offers, dollars_per_flop, utilisation, box)
        value = _value(service, np.asarray(law.loss(params, tokens)), ways.seconds[way, 0])
        costs = service.requests * ways.dollars[way, 0]
        costs += TRAINING_FLOP * params * tokens * dollars_per_flop
        lost.append(float(value - costs) - float(drawn[at]))
    return float(np.median(lost)) if lost else math.nan
