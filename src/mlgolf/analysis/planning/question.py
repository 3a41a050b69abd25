"""What a plan is asked: what there is to spend, by which law, on which offers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlgolf.analysis.planning.assumptions import Assumptions
from mlgolf.analysis.planning.methods import Method
from mlgolf.analysis.planning.offers import Offer
from mlgolf.analysis.planning.spending import ANY, Demand
from mlgolf.analysis.scaling.form import GAMMA
from mlgolf.analysis.scaling.law import Numbers
from mlgolf.analysis.scaling.saved_fit import SavedFit

SPENDABLE = ("flop", "dollars", "hours")
BITS = {"bf16": 16, "fp8": 8, "fp32": 32}


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
    methods: Sequence[Method] = ()  # none of which the plan uses: see what each would buy

    @property
    def gammas(self) -> dict[str, float]:
        """What the fit knows of precision; empty if nothing."""
        return {name: value for name, value in self.fit.extra.items() if name.startswith(GAMMA)}

    def counting(self, precision: str) -> float:
        """The share of parameters that counts at a precision: Kumar et al. (2024)."""
        return float(_counting(precision, self.gammas))

    def drawn_counting(self, precision: str) -> Numbers:
        """The same of each draw of the fit, (draws,)."""
        drawn = {name: self.fit.extra_draws.get(name, value) for name, value in self.gammas.items()}
        return _counting(precision, drawn)

    @property
    def drawn_demand(self) -> Demand:
        """The demand by each draw of what the fit says of repeats."""
        drawn, demand = self.fit.extra_draws, self.demand
        return replace(
            demand, repeats_worth=drawn.get("R_D", demand.repeats_worth),
            excess_worth=drawn.get("R_N", demand.excess_worth),
        )

    @property
    def most_hours(self) -> float:
        budget = self.budget
        return budget.deadline_hours or budget.hours or self.assumed.most_hours

    @property
    def most_training_hours(self) -> float:
        """Of a model that no amount bounds."""
        return self.budget.deadline_hours or self.assumed.most_hours

    def with_compute(self, factor: float) -> "Question":
        """The same where compute does what takes `factor` times as much without."""
        fit = self.fit
        law, draws = fit.law.with_compute(factor), fit.draws.with_compute(factor)
        return replace(self, fit=replace(fit, law=law, draws=draws))

    def whatever_the_budget(self) -> "Question":
        """The same without an amount: a deadline holds on, and how many devices were asked for."""
        devices = None if self.budget.hours is not None else self.budget.devices
        deadline = self.budget.deadline_hours
        return replace(self, budget=Budget(devices=devices, deadline_hours=deadline))


def _counting(precision: str, gammas: Mapping[str, Numbers]) -> Numbers:
    return math.prod(-np.expm1(-BITS[precision] / gamma) for gamma in gammas.values())
