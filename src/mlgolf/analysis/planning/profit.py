"""What a model earns: the size and the data of most profit, whatever the budget.

    max over N, D, and ways to train and to answer, of
    V (share(latency) v(L(N, D)) - cost of an answer) - cost of training

Training is priced at its own size: on the cheapest devices that hold the model and end in time.

Source: training longer for cheaper requests, Sardana et al. (2023), arXiv:2401.00448.
"""

import math
from dataclasses import dataclass

import numpy as np

from mlgolf.analysis.intervals import CONFIDENCE, Interval
from mlgolf.analysis.planning.answers import BATCHES, AnswerWays, Served
from mlgolf.analysis.planning.offers import offers_of
from mlgolf.analysis.planning.question import Question
from mlgolf.analysis.planning.service import Service
from mlgolf.analysis.planning.training_price import Trained, TrainingPrice
from mlgolf.analysis.scaling.law import TRAINING_FLOP, ScalingLaw
from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import ScoringError

PLACES, ZOOMS, ZOOM = 60, 8, 0.35
WIDE = 3 * math.log(10)  # beyond the runs of the fit, that is searched
NEAR = math.log(10)  # about the plan, that is searched again for each draw of the law
REGRETS = 40  # draws for which the plan is made anew
AT_END = 0.005  # of the width of the value curve

Box = tuple[Interval, Interval]  # logs of parameters and tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Profit:
    params: float
    tokens: float
    loss: float
    trained: Trained
    served: Served
    value_dollars: float  # all over the life
    inference_dollars: float
    profit_interval: Interval  # of this plan, over the draws of the law
    regret: float  # median over draws: what the best plan for that draw would earn more
    beyond_value: bool  # whether the loss lies at an end of where its value is known, or outside
    most_batch: bool  # whether a larger batch than those that were tried might pay
    extrapolation_decades: float

    @property
    def training_dollars(self) -> float:
        return self.trained.dollars

    @property
    def profit(self) -> float:
        return self.value_dollars - self.inference_dollars - self.training_dollars


def most_profit(service: Service, asked: Question, confidence: float = CONFIDENCE) -> Profit:
    """Raises: ScoringError if no size answers in time, or none earns anything."""
    market, fit = Market(service, asked), asked.fit
    (params, tokens), most = market.best(fit.law, _box(asked), ZOOMS)
    if not most > 0:
        raise ScoringError(market.why_none(_box(asked), most))
    loss = float(fit.law.loss(params, tokens))
    trained = market.training.of_one(params, TRAINING_FLOP * params * tokens)
    served = market.answering.answers(np.array([params])).best(float(service.value(np.array(loss))))
    inference = service.requests * served.dollars
    share = 1.0 if service.share is None else float(service.share(np.array(served.seconds)))

    def value(law: ScalingLaw) -> FloatArray:
        return service.requests * share * service.value(np.asarray(law.loss(params, tokens)))

    drawn = value(fit.draws) - inference - trained.dollars
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Profit(
        params=params, tokens=tokens, loss=loss, trained=trained, served=served,
        value_dollars=float(value(fit.law)), inference_dollars=inference,
        profit_interval=(float(low), float(high)),
        regret=market.regret(params, tokens, drawn), beyond_value=_at_end(service, loss),
        most_batch=served.way.batch == BATCHES[-1],
        extrapolation_decades=fit.decades_beyond(params, tokens),
    )  # fmt: skip


def profit_by_loss(service: Service, asked: Question, losses: FloatArray) -> FloatArray:
    """The most profit of a model of each loss; NaN where none answers in time."""
    market, (ends, _) = Market(service, asked), _box(asked)
    params = np.exp(np.linspace(*ends, 10 * PLACES))
    tokens = np.asarray(asked.fit.law.tokens_for(params[:, None], losses[None]))
    value = np.broadcast_to(service.value(losses), tokens.shape)
    training = market.training.dollars(params, TRAINING_FLOP * params[:, None] * tokens)
    most = (market.answering.answers(params).earned(value) - training).max(axis=0)
    return np.where(np.isfinite(most), most, np.nan)


class Market:
    """What models cost to train and to answer with, and what they are worth."""

    def __init__(self, service: Service, asked: Question) -> None:
        self.service, self.asked = service, asked
        self.training = TrainingPrice.of(asked)
        # Requests are answered by devices that nobody takes away, where any are sold.
        sold = offers_of(asked.offers, kind="on_demand") or asked.offers
        self.answering = AnswerWays.of(service, sold, asked.assumed.utilisation)

    def profit(self, law: ScalingLaw, params: FloatArray, tokens: FloatArray) -> FloatArray:
        """Args: params: (sizes,); tokens: (amounts,). Returns: (sizes, amounts)."""
        flop = TRAINING_FLOP * params[:, None] * tokens[None]
        value = np.asarray(self.service.value(np.asarray(law.loss(params[:, None], tokens[None]))))
        return self.answering.answers(params).earned(value) - self.training.dollars(params, flop)

    def best(
        self, law: ScalingLaw, box: Box, zooms: int
    ) -> tuple[tuple[float, float], float]:
        """Parameters and tokens, and what they earn: -inf where nothing is possible.

        By grids that close in on the best place of the last one.
        """
        (n_low, n_high), (d_low, d_high) = box
        place, most = (math.nan, math.nan), -math.inf
        for _ in range(zooms):
            sizes, data = np.linspace(n_low, n_high, PLACES), np.linspace(d_low, d_high, PLACES)
            profit = self.profit(law, np.exp(sizes), np.exp(data))
            n, d = np.unravel_index(np.argmax(profit), profit.shape)
            place, most = (math.exp(sizes[n]), math.exp(data[d])), float(profit[n, d])
            n_half, d_half = ZOOM * (n_high - n_low) / 2, ZOOM * (d_high - d_low) / 2
            n_low, n_high = sizes[n] - n_half, sizes[n] + n_half
            d_low, d_high = data[d] - d_half, data[d] + d_half
        return place, most

    def regret(self, params: float, tokens: float, drawn: FloatArray) -> float:
        """What a plan for each draw of the law would earn more than this one, in the median.

        Args: drawn: what this one earns by each draw.
        """
        n, d = math.log(params), math.log(tokens)
        box, draws = ((n - NEAR, n + NEAR), (d - NEAR, d + NEAR)), self.asked.fit.draws
        lost = []
        for at in range(min(REGRETS, len(drawn))):
            law = ScalingLaw(**{
                name: float(np.asarray(getattr(draws, name))[at])
                for name in ("E", "A", "B", "alpha", "beta")
            })  # fmt: skip
            _, most = self.best(law, box, ZOOMS // 2)
            this = float(drawn[at])
            lost.append(max(most, this, 0.0) - this)  # 0: not to train at all
        return float(np.median(lost)) if lost else math.nan

    def why_none(self, box: Box, most: float) -> str:
        if math.isfinite(most):
            return (
                f"found no model that earns more than it costs: the best loses {-most:.3g} "
                "dollars. More requests, or a value that rises earlier, would change that"
            )
        params = np.exp(np.linspace(*box[0], PLACES))
        quickest = float(self.answering.answers(params).seconds.min())
        if quickest > self.service.most_seconds:
            return (
                f"latency: no model answers within {self.service.most_seconds:g} seconds on the "
                f"devices with a price; the quickest takes {quickest:.3g}. Allow more, or shorter "
                "answers"
            )
        return (
            "found no model that the devices with a price both hold and train within "
            f"{self.training.most_hours:g} hours. Give more hours, or prices of other devices"
        )


def _box(asked: Question) -> Box:
    (n_low, n_high), (d_low, d_high) = asked.fit.params, asked.fit.tokens
    return (
        (math.log(n_low) - WIDE, math.log(n_high) + WIDE),
        (math.log(d_low) - WIDE, math.log(d_high) + WIDE),
    )


def _at_end(service: Service, loss: float) -> bool:
    low, high = service.loss_range
    near = AT_END * (high - low) if math.isfinite(high - low) else 0.0
    return not low + near < loss < high - near
