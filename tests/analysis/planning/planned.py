"""A small world to plan in: a known law, two devices, prices."""

from typing import Any

import numpy as np

from mlgolf.analysis.planning.assumptions import Assumptions
from mlgolf.analysis.planning.offers import Device, Offer
from mlgolf.analysis.planning.question import Budget, Question
from mlgolf.analysis.scaling.law import ScalingLaw
from mlgolf.analysis.scaling.saved_fit import SavedFit

LAW = ScalingLaw(E=1.8, A=480.0, B=2100.0, alpha=0.35, beta=0.37)
ASSUMED = Assumptions(
    utilisation=0.4, utilisation_range=(0.3, 0.5), utilisation_source="made up"
)
FIT = SavedFit(
    law=LAW,
    draws=ScalingLaw(
        E=np.array([1.78, 1.8, 1.82]), A=np.full(3, 480.0), B=np.full(3, 2100.0),
        alpha=np.full(3, 0.35), beta=np.full(3, 0.37),
    ),
    extra={}, residuals=np.array([-0.01, 0.0, 0.01]), params=(1e8, 1e10), tokens=(1e9, 1e11),
    flop=(6e17, 6e21), source="made up",
)  # fmt: skip


def device(name: str = "fast", **changes: Any) -> Device:
    facts = {
        "bf16": 1e15, "fp8": 2e15, "fp32": 5e13, "memory": 8e10, "bandwidth": 3e12, "link": 9e11
    }  # fmt: skip
    return Device(name=name, source="a data sheet", **{**facts, **changes})


def offer(
    usd: float = 2.0, kind: str = "on_demand", hits: float = float("nan"), **of: Any
) -> Offer:
    return Offer(
        device=device(**of), kind=kind, usd_per_hour=usd, interruptions_per_month=hits, vendor="",
        date="2026-01", source="a price list",
    )  # fmt: skip


def question(*offers: Offer, **budget: Any) -> Question:
    return Question(
        budget=Budget(**budget), fit=FIT, offers=offers or [offer()], assumed=ASSUMED
    )
