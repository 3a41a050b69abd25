"""Ways to train: every offer with every number of devices and every precision, side by side.

Numbers of devices are powers of two.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlgolf.analysis.planning.assumptions import Assumptions
from mlgolf.analysis.planning.checkpoints import best_interval, stretch
from mlgolf.analysis.planning.offers import HOURS_PER_MONTH, Offer, cheapest_of
from mlgolf.analysis.planning.question import Question
from mlgolf.core.arrays import FloatArray

NEVER = 1e6  # times as long as its useful work: such a job never ends; numbers stay finite


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Arrays are (ways,)."""

    offers: list[tuple[Offer, str]]  # with a precision
    devices: FloatArray
    dollars_per_hour: FloatArray  # of all devices
    rate: FloatArray  # useful FLOP per second, while nothing interrupts
    mean: FloatArray  # seconds between interruptions
    held: FloatArray  # parameters that fit into memory
    counting: FloatArray  # share of the parameters that counts at the precision
    assumed: Assumptions

    @classmethod
    def of(cls, asked: Question) -> "Ways":
        assumed = asked.assumed
        able = [
            (offer, precision, devices)
            for offer in cheapest_of(asked.offers)
            for precision in asked.precisions if offer.device.peak(precision) > 0
            for devices in device_counts(asked)
            if devices <= _most_devices(offer, assumed)
        ]  # fmt: skip
        devices = np.array([count for *_, count in able], dtype=float)
        peak = np.array([offer.device.peak(precision) for offer, precision, _ in able])
        memory = np.array([offer.device.memory for offer, *_ in able])
        hits = np.array([hits_per_hour(offer, assumed) for offer, *_ in able])
        return cls(
            offers=[(offer, precision) for offer, precision, _ in able], devices=devices,
            dollars_per_hour=devices * np.array([offer.usd_per_hour for offer, *_ in able]),
            rate=devices * peak * assumed.utilisation, mean=3600 / (hits * devices),
            held=devices * memory * assumed.memory_share / assumed.bytes_per_param,
            counting=np.array([asked.counting(precision) for _, precision, _ in able]),
            assumed=assumed,
        )  # fmt: skip

    def overhead(self, params: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Args: params: (ways,) or (ways, sizes).

        Returns: seconds of work between two checkpoints, and expected time over useful time.
        """
        shape = (-1, *[1] * (params.ndim - 1))
        devices, mean = self.devices.reshape(shape), self.mean.reshape(shape)
        save = self.assumed.save_seconds(params, devices)
        interval = best_interval(save=save, mean=mean)
        longer = stretch(interval, save=save, restart=self.assumed.restart_seconds, mean=mean)
        return interval, np.minimum(longer, NEVER)


def device_counts(asked: Question) -> Sequence[int]:
    if asked.budget.devices is not None:
        return [asked.budget.devices]
    if asked.budget.hours is not None:
        return [1]
    return [2**power for power in range(int(math.log2(asked.assumed.most_devices)) + 1)]


def _most_devices(offer: Offer, assumed: Assumptions) -> int:
    linked = offer.device.link >= assumed.least_link
    return assumed.most_devices if linked else assumed.most_without_link


def hits_per_hour(offer: Offer, assumed: Assumptions) -> float:
    """Of one device."""
    if offer.kind != "spot":
        return assumed.failures_per_device_hour
    told = offer.interruptions_per_month
    monthly = assumed.spot_interruptions_per_month if math.isnan(told) else told
    return assumed.failures_per_device_hour + monthly / HOURS_PER_MONTH
