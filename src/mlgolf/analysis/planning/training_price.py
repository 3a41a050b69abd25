"""What it costs to train a model: on whatever is cheapest, holds it, and ends in time."""

from dataclasses import dataclass

import numpy as np

from mlgolf.analysis.planning.offers import Offer
from mlgolf.analysis.planning.question import Question
from mlgolf.analysis.planning.ways import Ways
from mlgolf.core.arrays import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """How a model is trained."""

    offer: Offer
    precision: str
    devices: int
    hours: float
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPrice:
    """Ways to train with the hours within which a run has to end."""

    ways: Ways
    most_hours: float

    @classmethod
    def of(cls, asked: Question) -> "TrainingPrice":
        """Of any amount: the inverse of the best plan for a budget."""
        ways = Ways.of(asked.whatever_the_budget())
        return cls(ways=ways, most_hours=asked.most_training_hours)

    def dollars(self, params: FloatArray, flop: FloatArray) -> FloatArray:
        """Args: params: (sizes,); flop: (sizes, amounts). Returns: (sizes, amounts), the least;
        inf where no way holds the model and ends in time.
        """
        per_flop, most = self._by_way(params)
        order = np.argsort(per_flop, axis=0)
        per_flop = np.take_along_axis(per_flop, order, axis=0)
        # Up to which compute one of the cheapest so many ways ends in time.
        reach = np.maximum.accumulate(np.take_along_axis(most, order, axis=0), axis=0)
        first = (reach[:, :, None] < flop[None]).sum(axis=0)
        priced = np.concatenate([per_flop, np.full((1, len(params)), np.inf)])
        return flop * priced[first, np.arange(len(params))[:, None]]

    def of_one(self, params: float, flop: float) -> Trained:
        """How that is done; it has to be possible."""
        per_flop, most = (values[:, 0] for values in self._by_way(np.array([params])))
        at = int(np.argmin(np.where(most >= flop, per_flop, np.inf)))
        offer, precision = self.ways.offers[at]
        dollars = float(per_flop[at] * flop)
        return Trained(
            offer=offer, precision=precision, devices=int(self.ways.devices[at]), dollars=dollars,
            hours=dollars / float(self.ways.dollars_per_hour[at]),
        )  # fmt: skip

    def _by_way(self, params: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Dollars per FLOP, inf where memory does not hold the model; the most FLOP in time."""
        ways = self.ways
        _, longer = ways.overhead(np.broadcast_to(params, (len(ways.devices), len(params))))
        rate = ways.rate[:, None] / longer
        fits = params[None] <= ways.held[:, None]
        per_flop = np.where(fits, ways.dollars_per_hour[:, None] / (3600 * rate), np.inf)
        return per_flop, np.where(fits, 3600 * self.most_hours * rate, 0.0)
