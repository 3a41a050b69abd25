"""What it takes to answer requests: seconds and dollars of each, by device, how many, and batch.

Decoding reads all weights and the keys and values of every request side by side, and computes 2 N
FLOP per token and request: what takes longer holds. The batch is full all the time, so that, by
Little's law, a request stays as long as the devices work for a batch of them. Weights and caches
fit into memory. Splitting a model over the devices of one host is taken to cost nothing.

Source: Pope et al. (2022), arXiv:2211.05102.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mlgolf.analysis.planning.offers import Offer, cheapest_of
from mlgolf.analysis.planning.service import Service
from mlgolf.analysis.scaling.law import INFERENCE_FLOP
from mlgolf.core.arrays import FloatArray

BATCHES = tuple(2**power for power in range(11))  # requests decoded side by side
DEVICES = (1, 2, 4, 8)  # of one host
BYTES = 2  # per weight
HELD = 0.8  # of the memory of devices, by weights and caches


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    offer: Offer
    devices: int
    batch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """How a model of a size answers."""

    way: Way
    seconds: float  # per request
    dollars: float  # per request


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerWays:
    """Every device with every number of them and every batch: arrays are (ways, 1)."""

    service: Service
    ways: list[Way]
    batch: FloatArray
    memory: FloatArray  # bytes, of all devices
    bandwidth: FloatArray  # bytes per second, of all devices, as reached
    rate: FloatArray  # FLOP per second, of all devices, as reached
    dollars_per_second: FloatArray  # of all devices

    @classmethod
    def of(cls, service: Service, offers: Sequence[Offer], utilisation: float) -> "AnswerWays":
        """Args: utilisation: of compute, where nobody measured it."""
        ways = [
            Way(offer=offer, devices=devices, batch=batch)
            for offer in cheapest_of(offers) if offer.device.bf16 > 0
            for devices in DEVICES for batch in BATCHES
        ]  # fmt: skip
        measured = service.measured_utilisation
        reached = [measured.get(way.offer.device.name, utilisation) for way in ways]

        def column(values: Iterable[float]) -> FloatArray:
            return np.array([*values], dtype=float)[:, None]

        devices = column(way.devices for way in ways)
        return cls(
            service=service, ways=ways, batch=column(way.batch for way in ways),
            memory=devices * column(way.offer.device.memory for way in ways),
            bandwidth=devices * column(way.offer.device.bandwidth for way in ways)
            * service.bandwidth_utilisation,
            rate=devices * column(way.offer.device.bf16 for way in ways) * column(reached),
            dollars_per_second=devices * column(way.offer.usd_per_hour for way in ways) / 3600,
        )  # fmt: skip

    def answers(self, params: FloatArray) -> "Answers":
        """Args: params: (sizes,)."""
        service, batch = self.service, self.batch
        weights, cache = BYTES * params, service.cache_bytes(params)
        prompt, answer = service.prompt_tokens, service.answer_tokens
        most = weights + batch * cache * (prompt + answer)
        read = weights + batch * cache * (prompt + answer / 2)
        compute = INFERENCE_FLOP * params * batch / self.rate  # seconds per token of a batch
        step = np.maximum(read / self.bandwidth, compute)
        seconds = np.where(most <= HELD * self.memory, compute * prompt + answer * step, np.inf)
        dollars = self.dollars_per_second * seconds / batch
        return Answers(service=service, ways=self.ways, seconds=seconds, dollars=dollars)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """By way and size, (ways, sizes): inf where memory does not hold it."""

    service: Service
    ways: list[Way]
    seconds: FloatArray
    dollars: FloatArray

    def earned(self, value: FloatArray) -> FloatArray:
        """Value of all requests less what answering them costs, by the best way for each.

        Args: value: of a request, dollars, (sizes, places). Returns: the same shape; -inf where
        no way is quick enough.
        """
        share, dollars = self._shares()
        useful = _on_frontier(share, dollars)
        left = share[useful, :, None] * value[None] - dollars[useful, :, None]
        return self.service.requests * left.max(axis=0)

    def best(self, value: float) -> Served:
        """Of a single size."""
        share, dollars = self._shares()
        at = int(np.argmax(share[:, 0] * value - dollars[:, 0]))
        return Served(
            way=self.ways[at], seconds=float(self.seconds[at, 0]), dollars=float(dollars[at, 0])
        )

    def _shares(self) -> tuple[FloatArray, FloatArray]:
        """Of the value that is left, and dollars, inf where it takes too long."""
        quick = np.isfinite(self.seconds) & (self.seconds <= self.service.most_seconds)
        share = np.ones_like(self.seconds)
        if self.service.share is not None:
            share = np.asarray(self.service.share(np.where(quick, self.seconds, 0.0)), dtype=float)
        return np.where(quick, share, 0.0), np.where(quick, self.dollars, np.inf)


def _on_frontier(share: FloatArray, dollars: FloatArray) -> list[int]:
    """Ways that, for some size, leave more value than every cheaper one: all others are useless."""
    order = np.argsort(dollars, axis=0, kind="stable")
    ordered = np.take_along_axis(share, order, axis=0)
    best_before = np.maximum.accumulate(ordered, axis=0)[:-1]
    better = np.concatenate([np.ones((1, share.shape[1]), dtype=bool), ordered[1:] > best_before])
    useful = np.zeros_like(better)
    np.put_along_axis(useful, order, better, axis=0)
    return [*map(int, np.flatnonzero(useful.any(axis=1)))]
