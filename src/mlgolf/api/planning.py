"""The budget planner: what FLOP, dollars or hours are best spent on, and what they buy."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlgolf.analysis.intervals import CONFIDENCE, checked_confidence
from mlgolf.analysis.planning.as_competition import competition_toml
from mlgolf.analysis.planning.assumptions import Assumptions
from mlgolf.analysis.planning.offers import offers_of, read_devices, read_offers
from mlgolf.analysis.planning.plans import (
    Budget,
    Plan,
    Question,
    best_plan,
    frontier,
    sensitivities,
)
from mlgolf.analysis.planning.service import Profit, Service, most_profit, profit_by_loss
from mlgolf.analysis.planning.service_file import read_service
from mlgolf.analysis.planning.spending import Demand
from mlgolf.analysis.planning.utilisation import Utilisation, read_utilisation
from mlgolf.analysis.scaling.saved_fit import read_fit
from mlgolf.api.results import AnyPath
from mlgolf.api.saved import Saved
from mlgolf.api.shown import Table
from mlgolf.core.competition import FILE, load_competition
from mlgolf.core.disk import disk_errors_told, naming
from mlgolf.core.errors import ScoringError, UnknownName
from mlgolf.data.tables import FOLDER, published_table, table_or_file
from mlgolf.plots.planning import frontier_chart, frontier_table, profit_chart, profit_table
from mlgolf.plots.theme import Style
from mlgolf.report.planning import (
    HEADS,
    LEVER_HEADS,
    lever_rows,
    plan_lines,
    plan_rows,
    plan_title,
    profit_lines,
    profit_rows,
    source_lines,
    sources,
)

NAME = "plan"  # of its files
PRECISIONS = ("bf16", "fp8", "fp32")
LOSSES = 60  # at which profit is drawn


class BudgetPlan(Saved):
    """A plan and what it rests on. It displays itself, as text or in a notebook."""

    _name = NAME

    def __init__(
        self, asked: Question, used: Utilisation | None, service: Service | None = None,
        confidence: float = CONFIDENCE,
    ) -> None:
        self.asked, self.used, self.service, self.confidence = asked, used, service, confidence
        self.plan: Plan = best_plan(asked)

    @cached_property
    def profit(self) -> Profit | None:
        """Of a service: what its best model is, whatever the budget."""
        return None if self.service is None else most_profit(
            self.service, self.asked.fit, self._sold, dollars_per_flop=self._per_flop,
            utilisation=self.asked.assumed.utilisation, confidence=self.confidence,
        )  # fmt: skip

    @property
    def _sold(self) -> Sequence[Any]:
        """Requests are answered by devices that nobody takes away."""
        return offers_of(self.asked.offers, kind="on_demand") or self.asked.offers

    @property
    def _per_flop(self) -> float:
        return self.plan.dollars / self.plan.flop

    def as_json(self) -> dict[str, Any]:
        plan, asked = self.plan, self.asked
        record = {
            "params": plan.params, "tokens": plan.tokens, "loss": plan.loss,
            "loss_interval": [*plan.loss_interval(asked, self.confidence)],
            "confidence": self.confidence, "devices": plan.devices,
            "device": plan.offer.device.name, "vendor": plan.offer.vendor,
            "kind": plan.offer.kind, "usd_per_hour": plan.offer.usd_per_hour,
            "price_date": plan.offer.date, "hours": plan.hours, "dollars": plan.dollars,
            "flop": plan.flop, "precision": plan.precision,
            "utilisation": asked.assumed.utilisation,
            "utilisation_range": [*asked.assumed.utilisation_range], "overhead": plan.overhead,
            "checkpoint_interval_seconds": plan.checkpoint_seconds,
            "batch_tokens": plan.batch_tokens,
            "extrapolation_decades": plan.extrapolation_decades,
            "sensitivities": [
                {"lever": one.lever, "change": 0.1, "loss": one.loss, "gain": one.gain}
                for one in sensitivities(asked)
            ],
            "sources": sources(plan, asked),
        }  # fmt: skip
        if (profit := self.profit) is not None:
            record["profit"] = {
                "params": profit.params, "tokens": profit.tokens, "loss": profit.loss,
                "profit": profit.profit, "interval": [*profit.profit_interval],
                "value_dollars": profit.value_dollars,
                "training_dollars": profit.training_dollars,
                "inference_dollars": profit.inference_dollars, "regret": profit.regret,
                "seconds_per_request": profit.served.seconds,
                "dollars_per_request": profit.served.dollars,
                "device": profit.served.offer.device.name, "devices": profit.served.devices,
                "batch": profit.served.batch, "beyond_value": profit.beyond_value,
            }  # fmt: skip
        return record

    def _figure_table(self) -> pl.DataFrame:
        return self._frontier

    def write_competition(self, folder: AnyPath, *, workload: str, like: str = "mini") -> Path:
        """A folder that `mlgolf run` plays: the best validation metric for the plan's dollars."""
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        text = competition_toml(
            self.asked.budget.dollars or float(f"{self.plan.dollars:.4g}"), workload,
            load_competition(like), name=place.resolve().name,
        )
        with naming(place):
            (place / FILE).write_text(text, encoding="utf-8")
        return place / FILE

    @cached_property
    def _frontier(self) -> pl.DataFrame:
        return frontier_table(frontier(self.asked), self.plan, self.asked, self.confidence)

    def _panels(self) -> Sequence[Any]:
        style = Style(submissions=("plan",))
        charts = [frontier_chart(self._frontier, style, self.confidence)]
        if self.service is not None and (profit := self.profit) is not None:
            low, high = self.service.loss_range
            losses = np.linspace(max(low, 1.001 * float(self.asked.fit.law.E)), high, LOSSES)
            profits = profit_by_loss(
                self.service, self.asked.fit, self._sold, losses,
                dollars_per_flop=self._per_flop, utilisation=self.asked.assumed.utilisation,
            )  # fmt: skip
            table = profit_table(losses, profits, (profit.loss, profit.profit))
            charts.append(profit_chart(table, style))
        return charts

    def _tables(self) -> Iterable[Table]:
        found = [
            (plan_title(self.asked), HEADS, plan_rows(self.plan, self.asked, self.confidence)),
            ("what each lever would buy", LEVER_HEADS, lever_rows(sensitivities(self.asked))),
        ]
        if self.service is not None and (profit := self.profit) is not None:
            rows = profit_rows(profit, self.service)
            found.append(("the model of most profit, whatever the budget", HEADS, rows))
        return found

    def _lines(self) -> Iterable[str]:
        yield from plan_lines(self.plan, self.asked, self.used)
        if self.service is not None and (profit := self.profit) is not None:
            yield from profit_lines(profit, self.service)
        yield from source_lines(self.plan, self.asked)


@disk_errors_told()
def plan(
    *, flop: float | None = None, dollars: float | None = None, hours: float | None = None,
    device: str | None = None, devices: int | None = None, deadline_hours: float | None = None,
    kind: str | None = None, fit: AnyPath | None = None, prices: AnyPath = "prices",
    utilisation: float | None = None, precisions: Sequence[str] = ("bf16",),
    inference_tokens: float = 0.0, unique_tokens: float = math.inf,
    service: AnyPath | Service | None = None, confidence: float = CONFIDENCE,
    **assumed: float,
) -> BudgetPlan:
    """The best parameters, tokens and devices for a budget: one of FLOP, dollars or hours.

    Args:
      hours: of `devices` devices of the kind `device`; 1 unless given.
      kind: "on_demand" or "spot"; both unless given.
      fit: what `mlgolf fit --json` printed; the refit of Chinchilla's runs unless given.
      prices: a table of prices (device, usd_per_hour, date, source, perhaps kind, vendor,
        interruptions_per_month); the published one unless given.
      utilisation: share of the peak; the median of published runs unless given.
      inference_tokens: that the same budget has to answer with.
      unique_tokens: that there are; repeats count by R_D of the fit, or not at all.
      service: what the model is for, a file or a Service: also finds the model of most profit.
      assumed: other fields of `Assumptions`, by name.
    Raises: MLGolfError for what does not go together, or a budget that buys no model.
    """
    checked_confidence(confidence)
    budget = _budget(flop, dollars, hours, device, devices, deadline_hours)
    if wrong := [name for name in precisions if name not in PRECISIONS]:
        raise UnknownName("precision", wrong[0], known=PRECISIONS)
    table, specs = table_or_file(prices), read_devices(published_table("gpus"))
    offers = offers_of(read_offers(table, specs), device=device, kind=kind)
    if not offers:
        raise ScoringError(f"{table}: found no price of that device and kind")
    used = read_utilisation(published_table("mfu_reported"))
    known = read_fit(FOLDER / "chinchilla_fit.json" if fit is None else Path(fit))
    taken = Assumptions(
        utilisation=used.median, utilisation_range=used.quartiles,
        utilisation_source=f"median of {used.runs} published runs, Epoch AI (mfu_reported)",
    )
    if utilisation is not None:
        if not 0 < utilisation <= 1:
            raise ScoringError(f"utilisation: found {utilisation:g}, allowed is above 0, at most 1")
        taken = replace(taken, utilisation=utilisation, utilisation_source="as given")
    asked = Question(
        budget=budget, fit=known, offers=offers, assumed=replace(taken, **assumed),
        demand=Demand(
            inference_tokens=inference_tokens, unique_tokens=unique_tokens,
            repeats_worth=known.extra.get("R_D", 0.0),
        ),
        precisions=precisions,
    )  # fmt: skip
    purpose = service if service is None or isinstance(service, Service) else read_service(
        Path(service), specs
    )
    return BudgetPlan(asked, used, purpose, confidence)


def _budget(
    flop: float | None, dollars: float | None, hours: float | None, device: str | None,
    devices: int | None, deadline_hours: float | None,
) -> Budget:
    given = {"flops": flop, "dollars": dollars, "hours": hours}
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        found = f"found {', '.join(named)}" if named else "found none"
        raise ScoringError(f"budget: {found}; allowed is one of flops, dollars, hours")
    for name, value in {**given, "devices": devices, "deadline": deadline_hours}.items():
        if value is not None and not (value > 0 and math.isfinite(value)):
            raise ScoringError(f"{name}: found {value:g}, allowed is a number above 0")
    if hours is not None and device is None:
        raise ScoringError("hours: of which device? Give one, such as 'H100 SXM 80GB'")
    return Budget(
        flop=flop, dollars=dollars, hours=hours, devices=devices, deadline_hours=deadline_hours
    )
