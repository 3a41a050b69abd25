"""The best plan for a budget: model, data, devices, how often to save, its cost and its loss.

Every offer is tried with every number of devices (powers of two) that holds the model in memory
and ends in time. The plan of the least loss is taken, of equal ones the cheapest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.analysis.planning.methods import Method
from mlgolf.analysis.planning.offers import Offer
from mlgolf.analysis.planning.question import Budget, Question
from mlgolf.analysis.planning.spending import best_sizes
from mlgolf.analysis.planning.ways import Ways, device_counts
from mlgolf.analysis.scaling.law import INFERENCE_FLOP, TRAINING_FLOP, ScalingLaw
from mlgolf.core.arrays import BoolArray, FloatArray
from mlgolf.core.errors import ScoringError

LEVER = 0.1  # what sensitivities move each lever by
ROUNDS = 3  # of: size, time to save, overhead, compute, size
SAME_LOSS = 9  # digits
WITHIN = 1 - 1e-12  # of a budget: rounding never spends more than it


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    params: float
    tokens: float
    loss: float
    flop: float  # of training
    inference_flop: float  # of the tokens that the budget has to answer with
    offer: Offer
    precision: str
    devices: int
    hours: float  # of training, expected, with saving, interruptions and restarts
    inference_hours: float  # of the same devices
    training_dollars: float
    inference_dollars: float
    overhead: float  # expected wall time over useful time, less 1
    checkpoint_seconds: float  # of work between two
    batch_tokens: float  # see `largest_batch`
    extrapolation_decades: float  # beyond the runs of the fit, the farthest of N, D and C

    @property
    def dollars(self) -> float:
        return self.training_dollars + self.inference_dollars

    def loss_interval(self, asked: Question, confidence: float = CONFIDENCE) -> Interval:
        """Of one run of this plan: with what the fit does not know of repeats and precision."""
        params, tokens = np.array(self.params), np.array(self.tokens)
        demand, counting = asked.drawn_demand, asked.drawn_counting(self.precision)

        def loss(law: ScalingLaw) -> FloatArray:
            return demand.loss(law, params, tokens, counting)

        return asked.fit.run_interval(loss, confidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """What a tenth more of a lever buys, if nothing else changes."""

    lever: str
    loss: float  # with it
    gain: float  # above 0: lower by so much


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """What a method buys, if nothing else changes."""

    method: Method
    loss: float  # with it
    gain: float
    gain_interval: Interval | None  # as its worth may be


def best_plan(asked: Question) -> Plan:
    """Raises: ScoringError if no offer can hold a model, or end in time."""
    tried = _Tried.of(asked)
    if not tried.works.any():
        raise ScoringError(_why_none(asked, tried))
    return tried.plan(tried.best(tried.works), asked)


def best_of_each_device(asked: Question) -> list[Plan]:
    """The least loss first; without the devices on which no plan works."""
    tried = _Tried.of(asked)
    names = np.array([offer.device.name for offer, _ in tried.ways.offers])
    plans = [
        tried.plan(tried.best(allowed), asked)
        for name in dict.fromkeys(names)
        if (allowed := tried.works & (names == name)).any()
    ]
    return sorted(plans, key=lambda plan: plan.loss)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """The best size for every way to train: arrays are (ways,)."""

    ways: Ways
    params: FloatArray
    tokens: FloatArray
    loss: FloatArray
    hours: FloatArray
    inference_hours: FloatArray
    longer: FloatArray
    interval: FloatArray
    works: BoolArray  # ends in time, and leaves something to train on

    @classmethod
    def of(cls, asked: Question) -> "_Tried":
        ways, law, demand = Ways.of(asked), asked.fit.law, asked.demand
        params = longer = np.ones_like(ways.devices)
        interval = ways.mean
        for _ in range(ROUNDS):
            sizes = best_sizes(
                law, _flop(asked.budget, ways, longer), demand, most_params=ways.held,
                most_flop=_most_flop(asked, ways, longer), counting=ways.counting,
            )
            params = np.asarray(sizes.params)
            interval, longer = ways.overhead(params)
        # The last size has an overhead of its own: tokens are what that leaves.
        flop = WITHIN * _flop(asked.budget, ways, longer)
        most = WITHIN * _most_flop(asked, ways, longer)
        tokens = demand.seen(demand.tokens_for(params, flop, most))
        hours_per_flop = longer / ways.rate / 3600
        hours = TRAINING_FLOP * params * tokens * hours_per_flop
        with np.errstate(divide="ignore"):
            loss = demand.loss(law, params, tokens, ways.counting)
        return cls(
            ways=ways, params=params, tokens=tokens, loss=loss, hours=hours,
            inference_hours=INFERENCE_FLOP * params * demand.inference_tokens * hours_per_flop,
            longer=longer, interval=interval, works=(hours <= asked.most_hours) & (tokens >= 1),
        )  # fmt: skip

    def best(self, allowed: BoolArray) -> int:
        """Of the least loss; of equal ones the cheapest, then that of the fewest devices."""
        dollars = self.ways.dollars_per_hour * (self.hours + self.inference_hours)
        order = np.lexsort((self.ways.devices, dollars, np.round(self.loss, SAME_LOSS)))
        return int(order[allowed[order]][0])

    def plan(self, at: int, asked: Question) -> Plan:
        params, tokens = float(self.params[at]), float(self.tokens[at])
        hours, inference_hours = float(self.hours[at]), float(self.inference_hours[at])
        price, loss = float(self.ways.dollars_per_hour[at]), float(self.loss[at])
        offer, precision = self.ways.offers[at]
        return Plan(
            params=params, tokens=tokens, loss=loss, flop=TRAINING_FLOP * params * tokens,
            inference_flop=INFERENCE_FLOP * params * asked.demand.inference_tokens,
            offer=offer, precision=precision, devices=int(self.ways.devices[at]), hours=hours,
            inference_hours=inference_hours, training_dollars=hours * price,
            inference_dollars=inference_hours * price, overhead=float(self.longer[at]) - 1,
            checkpoint_seconds=float(self.interval[at]), batch_tokens=largest_batch(loss),
            extrapolation_decades=asked.fit.decades_beyond(params, tokens),
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


def bought_by_methods(asked: Question) -> list[Bought]:
    """Of each method alone: methods together need not be worth their product."""
    if not asked.methods:
        return []
    now = best_plan(asked).loss

    def gain(times: float) -> float:
        return now - best_plan(asked.with_compute(times)).loss

    found = []
    for one in asked.methods:
        ends = None if one.interval is None else (gain(one.interval[0]), gain(one.interval[1]))
        gained = gain(one.times)
        found.append(Bought(method=one, loss=now - gained, gain=gained, gain_interval=ends))
    return found


def frontier(
    asked: Question, factors: Sequence[float] = tuple(np.geomspace(0.1, 10, 13))
) -> list[Plan]:
    """The best plans of smaller and larger budgets, as far as there are any."""
    found = []
    for factor in factors:
        scaled = replace(asked, budget=asked.budget.times(factor))
        tried = _Tried.of(scaled)
        if tried.works.any():
            found.append(tried.plan(tried.best(tried.works), scaled))
    return found


def largest_batch(loss: float) -> float:
    """Tokens: a fifth of the critical batch, at which examples cost a fifth more.

    Sources: E = E_min (1 + B / B_crit), McCandlish et al. (2018), arXiv:1812.06162; B_crit = 2e8
    tokens / L^(1 / 0.21), Kaplan et al. (2020), arXiv:2001.08361, equation 5.3.
    """
    return 0.2 * 2e8 / loss ** (1 / 0.21)


def _flop(budget: Budget, ways: Ways, longer: FloatArray) -> FloatArray:
    """What the budget pays for, training and requests, each way."""
    rate = ways.rate / longer
    if budget.flop is not None:
        return np.full_like(rate, budget.flop)
    if budget.dollars is not None:
        return 3600 * budget.dollars / ways.dollars_per_hour * rate
    assert budget.hours is not None
    return 3600 * budget.hours * rate


def _most_flop(asked: Question, ways: Ways, longer: FloatArray) -> FloatArray:
    """Of training: dollars need not all be spent where time ends first, so that a larger budget
    never ends at a higher loss. A budget of FLOP is what is trained with, in time or not.
    """
    if asked.budget.dollars is None:
        return np.full_like(longer, np.inf)
    return 3600 * asked.most_hours * ways.rate / longer


def _why_none(asked: Question, tried: _Tried) -> str:
    if not len(tried.works):
        return (
            f"no device with a price computes in {' or '.join(asked.precisions)}. Allow another "
            "precision, or give prices of other devices"
        )
    if (tried.hours <= asked.most_hours).any():
        return (
            f"inference tokens: {asked.demand.inference_tokens:g} answers take the whole budget, "
            "and leave nothing to train on. Give fewer, or a larger budget"
        )
    counts = device_counts(asked)
    return (
        f"found no plan with {counts[0]} to {counts[-1]} devices that ends within "
        f"{asked.most_hours:g} hours. Give more devices, more hours, or a smaller budget"
    )
