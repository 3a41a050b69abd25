"""The best plan for a budget: model, data, devices, how often to save, its cost and its loss.

Every offer is tried with every number of devices (powers of two) that holds the model in memory
and ends in time. The plan of the least loss is taken, of equal ones the cheapest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.analysis.planning.assumptions import Assumptions
from mlgolf.analysis.planning.checkpoints import best_interval, stretch
from mlgolf.analysis.planning.offers import HOURS_PER_MONTH, Offer
from mlgolf.analysis.planning.spending import ANY, Demand, best_sizes
from mlgolf.analysis.scaling.law import TRAINING_FLOP, ScalingLaw
from mlgolf.analysis.scaling.saved_fit import SavedFit
from mlgolf.core.arrays import BoolArray, FloatArray
from mlgolf.core.errors import ScoringError

LEVER = 0.1  # what sensitivities move each lever by
ROUNDS = 3  # of: size, time to save, overhead, compute, size
SAME_LOSS = 9  # digits
SPENDABLE = ("flop", "dollars", "hours")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What there is to spend: one of FLOP, dollars, or hours of so many devices."""

    flop: float | None = None
    dollars: float | None = None
    hours: float | None = None
    devices: int | None = None  # as many as needed, unless given; of hours 1
    deadline_hours: float | None = None

    def times(self, factor: float) -> "Budget":
        spent = {name: getattr(self, name) for name in SPENDABLE}
        return replace(
            self, **{name: factor * value for name, value in spent.items() if value is not None}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """All that a plan depends on."""

    budget: Budget
    fit: SavedFit
    offers: Sequence[Offer]
    assumed: Assumptions
    demand: Demand = ANY
    precisions: Sequence[str] = ("bf16",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    params: float
    tokens: float
    loss: float
    flop: float  # of training
    offer: Offer
    precision: str
    devices: int
    hours: float  # expected, with saving, interruptions and restarts
    dollars: float
    overhead: float  # expected wall time over useful time, less 1
    checkpoint_seconds: float  # of work between two
    batch_tokens: float  # see `largest_batch`
    extrapolation_decades: float  # beyond the runs of the fit, the farthest of N, D and C

    def loss_interval(self, asked: Question, confidence: float = CONFIDENCE) -> Interval:
        """Of one run of this plan."""
        counted = asked.demand.counted(np.array(self.tokens))

        def loss(law: ScalingLaw) -> FloatArray:
            return np.asarray(law.loss(self.params, counted))

        return asked.fit.run_interval(loss, confidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """What a tenth more of a lever buys, if nothing else changes."""

    lever: str
    loss: float  # with it
    gain: float  # above 0: lower by so much


def best_plan(asked: Question) -> Plan:
    """Raises: ScoringError if no offer can hold a model, or end in time."""
    tried = _Tried.of(asked)
    if not tried.works.any():
        raise ScoringError(_why_none(asked))
    order = np.lexsort((tried.devices, tried.dollars, np.round(tried.loss, SAME_LOSS)))
    at = int(order[tried.works[order]][0])
    offer, precision = tried.offers[at]
    params, tokens = float(tried.params[at]), float(tried.tokens[at])
    return Plan(
        params=params, tokens=tokens, loss=float(tried.loss[at]),
        flop=TRAINING_FLOP * params * tokens, offer=offer, precision=precision,
        devices=int(tried.devices[at]), hours=float(tried.hours[at]),
        dollars=float(tried.dollars[at]), overhead=float(tried.longer[at]) - 1,
        checkpoint_seconds=float(tried.interval[at]),
        batch_tokens=largest_batch(float(tried.loss[at])),
        extrapolation_decades=asked.fit.decades_beyond(params, tokens),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """Every offer with every number of devices, side by side: all arrays are (plans,)."""

    offers: list[tuple[Offer, str]]  # with a precision
    devices: FloatArray
    params: FloatArray
    tokens: FloatArray
    loss: FloatArray
    hours: FloatArray
    dollars: FloatArray
    longer: FloatArray
    interval: FloatArray
    works: BoolArray  # ends in time

    @classmethod
    def of(cls, asked: Question) -> "_Tried":
        assumed, fit = asked.assumed, asked.fit
        able = [
            (offer, precision, devices)
            for offer in asked.offers
            for precision in asked.precisions if offer.device.peak(precision) > 0
            for devices in _counts(asked)
            if devices <= _most_devices(offer, assumed)
        ]  # fmt: skip
        devices = np.array([count for *_, count in able], dtype=float)
        price = np.array([offer.usd_per_hour for offer, *_ in able])
        peak = np.array([offer.device.peak(precision) for offer, precision, _ in able])
        memory = np.array([offer.device.memory for offer, *_ in able])
        hit = np.array([_hits_per_hour(offer, assumed) for offer, *_ in able])
        rate = devices * peak * assumed.utilisation  # useful FLOP per second
        mean = 3600 / (hit * devices)
        held = devices * memory * assumed.memory_share / assumed.bytes_per_param
        params, longer = np.ones_like(devices), np.ones_like(devices)
        tokens, interval = params, mean
        for _ in range(ROUNDS):
            flop = _flop(asked.budget, devices * price, rate / longer)
            sizes = best_sizes(fit.law, flop, asked.demand, most_params=held)
            params, tokens = np.asarray(sizes.params), np.asarray(sizes.tokens)
            save = assumed.save_seconds(params, devices)
            interval = best_interval(save=save, mean=mean)
            longer = stretch(interval, save=save, restart=assumed.restart_seconds, mean=mean)
            longer = np.minimum(longer, 1e6)  # such a plan never ends; keep numbers finite
        hours = TRAINING_FLOP * params * tokens / rate * longer / 3600
        return cls(
            offers=[(offer, precision) for offer, precision, _ in able], devices=devices,
            params=params, tokens=tokens,
            loss=np.asarray(fit.law.loss(params, asked.demand.counted(tokens))), hours=hours,
            dollars=hours * devices * price, longer=longer, interval=interval,
            works=hours <= _most_hours(asked) * (1 + 1e-3),
        )  # fmt: skip


def sensitivities(asked: Question) -> list[Sensitivity]:
    """Of every lever that this budget has."""
    more, assumed, demand = 1 + LEVER, asked.assumed, asked.demand
    levers = {
        "budget": replace(asked, budget=asked.budget.times(more)),
        "utilisation": replace(
            asked, assumed=replace(assumed, utilisation=more * assumed.utilisation)
        ),
    }
    if asked.budget.dollars is not None:
        levers["price"] = replace(
            asked, offers=[replace(o, usd_per_hour=o.usd_per_hour / more) for o in asked.offers]
        )
    if asked.budget.flop is None:
        rarer = replace(
            assumed, failures_per_device_hour=assumed.failures_per_device_hour / more,
            spot_interruptions_per_month=assumed.spot_interruptions_per_month / more,
        )
        levers["interruptions"] = replace(
            asked, assumed=rarer, offers=[
                replace(o, interruptions_per_month=o.interruptions_per_month / more)
                for o in asked.offers
            ],
        )
    if math.isfinite(demand.unique_tokens):
        levers["unique tokens"] = replace(
            asked, demand=replace(demand, unique_tokens=more * demand.unique_tokens)
        )
    now = best_plan(asked).loss
    plans = {name: best_plan(question) for name, question in levers.items()}
    return [
        Sensitivity(lever=name, loss=plan.loss, gain=now - plan.loss)
        for name, plan in plans.items()
    ]


def frontier(
    asked: Question, factors: Sequence[float] = tuple(np.geomspace(0.1, 10, 13))
) -> list[Plan]:
    """The best plans of smaller and larger budgets, as far as there are any."""
    found = []
    for factor in factors:
        scaled = replace(asked, budget=asked.budget.times(factor))
        if _Tried.of(scaled).works.any():
            found.append(best_plan(scaled))
    return found


def largest_batch(loss: float) -> float:
    """Tokens: a fifth of the critical batch, at which examples cost a fifth more.

    Sources: E = E_min (1 + B / B_crit), McCandlish et al. (2018), arXiv:1812.06162; B_crit = 2e8
    tokens / L^(1 / 0.21), Kaplan et al. (2020), arXiv:2001.08361, equation 5.3.
    """
    return 0.2 * 2e8 / loss ** (1 / 0.21)


def _counts(asked: Question) -> list[int]:
    if asked.budget.devices is not None:
        return [asked.budget.devices]
    if asked.budget.hours is not None:
        return [1]
    return [2**power for power in range(int(math.log2(asked.assumed.most_devices)) + 1)]


def _most_devices(offer: Offer, assumed: Assumptions) -> int:
    linked = offer.device.link >= assumed.least_link
    return assumed.most_devices if linked else assumed.most_without_link


def _flop(budget: Budget, dollars_per_hour: FloatArray, rate: FloatArray) -> FloatArray:
    """What the budget pays for, training and requests. Args: rate: useful, with overheads."""
    if budget.flop is not None:
        return np.full_like(rate, budget.flop)
    if budget.dollars is not None:
        return 3600 * budget.dollars / dollars_per_hour * rate
    assert budget.hours is not None
    return 3600 * budget.hours * rate


def _hits_per_hour(offer: Offer, assumed: Assumptions) -> float:
    """Of one device."""
    if offer.kind != "spot":
        return assumed.failures_per_device_hour
    told = offer.interruptions_per_month
    monthly = assumed.spot_interruptions_per_month if math.isnan(told) else told
    return assumed.failures_per_device_hour + monthly / HOURS_PER_MONTH


def _most_hours(asked: Question) -> float:
    budget = asked.budget
    return budget.deadline_hours or budget.hours or asked.assumed.most_hours


def _why_none(asked: Question) -> str:
    if not any(o.device.peak(p) > 0 for o in asked.offers for p in asked.precisions):
        return (
            f"no device with a price computes in {' or '.join(asked.precisions)}. Allow another "
            "precision, or give prices of other devices"
        )
    counts = _counts(asked)
    return (
        f"found no plan with {counts[0]} to {counts[-1]} devices that ends within "
        f"{_most_hours(asked):g} hours. Give more devices, more hours, or a smaller budget"
    )
