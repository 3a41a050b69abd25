"""The budget planner: what FLOP, dollars or hours are best spent on, and what they buy."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from mlgolf.analysis.intervals import CONFIDENCE, checked_confidence
from mlgolf.analysis.planning.as_competition import PlannedCompetition, planned_competition
from mlgolf.analysis.planning.assumptions import Assumptions
from mlgolf.analysis.planning.methods import Claim, methods_of
from mlgolf.analysis.planning.offers import Offer, offers_of, read_devices, read_offers
from mlgolf.analysis.planning.plans import (
    Plan,
    best_of_each_device,
    best_plan,
    bought_by_methods,
    frontier,
    sensitivities,
)
from mlgolf.analysis.planning.profit import Profit, most_profit, profit_by_loss
from mlgolf.analysis.planning.question import BITS, Budget, Question
from mlgolf.analysis.planning.service import Service
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
from mlgolf.plots.planning import (
    drawn_losses,
    frontier_chart,
    frontier_table,
    profit_chart,
    profit_table,
)
from mlgolf.plots.theme import Style
from mlgolf.report.planning import (
    DEVICE_HEADS,
    HEADS,
    LEVER_HEADS,
    METHOD_HEADS,
    assumed_of,
    competition_lines,
    device_lines,
    device_rows,
    is_guessed,
    law_warnings,
    lever_rows,
    method_rows,
    plan_lines,
    plan_rows,
    plan_source_lines,
    plan_title,
    profit_lines,
    profit_rows,
    profit_sources,
    source_lines,
    sources,
)

NAME = "plan"  # of its files


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
        if self.service is None:
            return None
        return most_profit(self.service, self.asked, self.confidence)

    @cached_property
    def by_device(self) -> list[Plan]:
        return best_of_each_device(self.asked)

    @property
    def _surest(self) -> Plan | None:
        """The best of the offers of whose interruptions nothing is assumed."""
        known = [offer for offer in self.asked.offers if not is_guessed(offer)]
        return next(iter(best_of_each_device(replace(self.asked, offers=known))), None)

    def as_json(self) -> dict[str, Any]:
        plan, asked = self.plan, self.asked
        told = sources(plan, asked)
        record = {
            **_planned(plan), "loss_interval": [*plan.loss_interval(asked, self.confidence)],
            "confidence": self.confidence, "price_date": plan.offer.date,
            "hours": plan.hours, "training_dollars": plan.training_dollars,
            "inference_hours": plan.inference_hours, "inference_dollars": plan.inference_dollars,
            "inference_flop": plan.inference_flop, "flop": plan.flop,
            "utilisation": asked.assumed.utilisation,
            "utilisation_range": [*asked.assumed.utilisation_range], "overhead": plan.overhead,
            "checkpoint_interval_seconds": plan.checkpoint_seconds,
            "batch_tokens": plan.batch_tokens,
            "extrapolation_decades": plan.extrapolation_decades,
            "not_identified": [*asked.fit.not_identified],
            "sensitivities": [
                {"lever": one.lever, "change": 0.1, "loss": one.loss, "gain": one.gain}
                for one in sensitivities(asked)
            ],
            "levers": [
                {
                    "lever": one.method.name, "times": one.method.times,
                    "times_interval": one.method.interval, "loss": one.loss, "gain": one.gain,
                    "gain_interval": one.gain_interval, "source": one.method.source,
                }
                for one in bought_by_methods(asked)
            ],
            "by_device": [
                {**_planned(one), "hours": one.hours, "assumed": assumed_of(sources(one, asked))}
                for one in self.by_device
            ],
            "sources": told, "assumed": assumed_of(told),
        }  # fmt: skip
        if self.service is not None and (profit := self.profit) is not None:
            record["profit"] = _earned(profit, profit_sources(profit, self.service, asked))
        return record

    def _figure_table(self) -> pl.DataFrame:
        return self._frontier

    @cached_property
    def _frontier(self) -> pl.DataFrame:
        return frontier_table(frontier(self.asked), self.plan, self.asked, self.confidence)

    def _panels(self) -> Sequence[Any]:
        style = Style(submissions=("plan",))
        charts = [frontier_chart(self._frontier, style, self.confidence)]
        if self.service is not None and (profit := self.profit) is not None:
            known = self.service.loss_range
            losses = drawn_losses(known, profit.loss, float(self.asked.fit.law.E))
            profits = profit_by_loss(self.service, self.asked, losses)
            table = profit_table(losses, profits, (profit.loss, profit.profit), known)
            charts.append(profit_chart(table, style))
        return charts

    def _warnings(self) -> Iterable[str]:
        return law_warnings(self.asked)

    def _tables(self) -> Iterable[Table]:
        found = [
            (plan_title(self.asked), HEADS, plan_rows(self.plan, self.asked, self.confidence)),
            ("the best plan of each device", DEVICE_HEADS, device_rows(self.by_device, self.asked)),
            ("what each lever would buy", LEVER_HEADS, lever_rows(sensitivities(self.asked))),
        ]
        if bought := bought_by_methods(self.asked):
            found.append(("what methods would buy", METHOD_HEADS, method_rows(bought)))
        if self.service is not None and (profit := self.profit) is not None:
            rows = profit_rows(profit, self.service, self.asked)
            found.append(("the model of most profit, whatever the budget", HEADS, rows))
        return found

    def _lines(self) -> Iterable[str]:
        yield from plan_lines(self.plan, self.asked, self.used)
        yield from device_lines(self.by_device, self._surest)
        yield from plan_source_lines(self.plan, self.asked)
        if self.service is not None and (profit := self.profit) is not None:
            yield from profit_lines(profit, self.service, self.asked)
            told = profit_sources(profit, self.service, self.asked)
            yield from source_lines(told, of="of the model of most profit")


def _planned(plan: Plan) -> dict[str, Any]:
    return {
        "params": plan.params, "tokens": plan.tokens, "loss": plan.loss, "devices": plan.devices,
        "device": plan.offer.device.name, "vendor": plan.offer.vendor, "kind": plan.offer.kind,
        "usd_per_hour": plan.offer.usd_per_hour, "dollars": plan.dollars,
        "precision": plan.precision,
    }  # fmt: skip


def _earned(profit: Profit, told: dict[str, str]) -> dict[str, Any]:
    way, trained = profit.served.way, profit.trained
    return {
        "params": profit.params, "tokens": profit.tokens, "loss": profit.loss,
        "profit": profit.profit, "interval": [*profit.profit_interval],
        "value_dollars": profit.value_dollars, "training_dollars": profit.training_dollars,
        "training_device": trained.offer.device.name, "training_devices": trained.devices,
        "training_hours": trained.hours, "inference_dollars": profit.inference_dollars,
        "regret": profit.regret, "seconds_per_request": profit.served.seconds,
        "dollars_per_request": profit.served.dollars, "device": way.offer.device.name,
        "devices": way.devices, "batch": way.batch, "most_batch": profit.most_batch,
        "beyond_value": profit.beyond_value,
        "extrapolation_decades": profit.extrapolation_decades, "sources": told,
        "assumed": assumed_of(told),
    }  # fmt: skip


@disk_errors_told()
def plan(
    *, flop: float | None = None, dollars: float | None = None, hours: float | None = None,
    device: str | Sequence[str] = (), without_device: str | Sequence[str] = (),
    devices: int | None = None, deadline_hours: float | None = None, kind: str | None = None,
    fit: AnyPath | None = None, prices: AnyPath = "prices", utilisation: float | None = None,
    precisions: Sequence[str] = ("bf16",), inference_tokens: float = 0.0,
    unique_tokens: float = math.inf, service: AnyPath | Service | None = None,
    levers: Mapping[str, Claim] | None = None, confidence: float = CONFIDENCE, **assumed: float,
) -> BudgetPlan:
    """The best parameters, tokens and devices for a budget: one of FLOP, dollars or hours.

    Args:
      hours: of `devices` devices of the kind `device`; 1 unless given.
      device, without_device: one or several, from which to choose and which to leave out.
      kind: "on_demand" or "spot"; both unless given.
      fit: what `mlgolf fit --json` printed; the refit of Chinchilla's runs unless given.
      prices: a table of prices (device, usd_per_hour, date, source, perhaps kind, vendor,
        interruptions_per_month, and of a device of your own its peak, memory and bandwidth); the
        published one unless given.
      utilisation: share of the peak; the median of published runs unless given.
      inference_tokens: that the same budget has to answer with.
      unique_tokens: that there are; repeats count by R_D of the fit, or the published one.
      service: what the model is for, a file or a Service: also finds the model of most profit.
      levers: methods that are worth so many times the compute, {"moe": 2.9} or with an interval
        {"moe": (2.9, 2.6, 3.2)}: says what each would buy, as of the levers of the fit.
      assumed: other fields of `Assumptions`, by name.
    Raises: MLGolfError for what does not go together, or a budget that buys no model.
    """
    checked_confidence(confidence)
    only, without = _names(device), _names(without_device)
    budget = _budget(flop, dollars, hours, only, devices, deadline_hours)
    if wrong := [name for name in precisions if name not in BITS]:
        raise UnknownName("precision", wrong[0], known=BITS)
    table, specs = table_or_file(prices), read_devices(published_table("gpus"))
    sold = read_offers(table, specs)
    offers = offers_of(sold, devices=only, without=without, kind=kind)
    if not offers:
        raise ScoringError(_no_offer(table, sold, only, kind))
    used = read_utilisation(published_table("mfu_reported"))
    law_file = FOLDER / "chinchilla_fit.json" if fit is None else Path(fit)
    known = read_fit(law_file)
    if known.why_no_sizes:
        raise ScoringError(f"{law_file}: no best size follows from this fit: {known.why_no_sizes}")
    taken = replace(_assumptions(used, utilisation), **assumed)
    asked = Question(
        budget=budget, fit=known, offers=offers, assumed=taken, precisions=precisions,
        methods=methods_of(known, levers or {}, confidence),
        demand=Demand(
            inference_tokens=inference_tokens, unique_tokens=unique_tokens,
            repeats_worth=known.extra.get("R_D", taken.repeats_worth),
            excess_worth=known.extra.get("R_N", taken.excess_worth),
        ),
    )  # fmt: skip
    described = {**specs, **{offer.device.name: offer.device for offer in sold}}
    purpose = service if service is None or isinstance(service, Service) else read_service(
        Path(service), described
    )
    return BudgetPlan(asked, used, purpose, confidence)


@disk_errors_told()
def plan_as_competition(
    dollars: float, folder: AnyPath, *, workload: str = "finewebedu_lm", like: str = "mini"
) -> tuple[PlannedCompetition, list[str]]:
    """Write a folder that `mlgolf run` plays: the best validation metric for some dollars.

    Args: like: a competition that has the workload; its hardware class has the price.
    Returns: what was written, and the same in sentences.
    """
    _check_positive(dollars=dollars)
    place = Path(folder)
    name = place.resolve().name
    found = planned_competition(dollars, workload, load_competition(like), name=name)
    place.mkdir(parents=True, exist_ok=True)
    with naming(place):
        (place / FILE).write_text(found.toml, encoding="utf-8")
    return found, [*competition_lines(found)]


def _names(given: str | Sequence[str]) -> Sequence[str]:
    return [given] if isinstance(given, str) else given


def _assumptions(used: Utilisation, utilisation: float | None) -> Assumptions:
    taken = Assumptions(
        utilisation=used.median, utilisation_range=used.quartiles,
        utilisation_source=f"median of {used.runs} published runs, Epoch AI (mfu_reported)",
    )
    if utilisation is None:
        return taken
    if not 0 < utilisation <= 1:
        raise ScoringError(f"utilisation: found {utilisation:g}, allowed is above 0, at most 1")
    return replace(taken, utilisation=utilisation, utilisation_source="as given")


def _no_offer(
    table: Path, sold: Sequence[Offer], only: Sequence[str], kind: str | None
) -> str:
    """Every name is known, and still nothing is left."""
    of = f" of {', '.join(only)}" if only else ""
    kinds = sorted({offer.kind for offer in sold if offer.device.name in only})
    there = f" It is sold as {', '.join(kinds)}." if kinds else ""
    return (
        f"{table}: found no{f' {kind}' if kind else ''} price{of} that is not left out.{there} "
        "Allow more devices or the other kind, or give --prices of your own"
    )


def _budget(
    flop: float | None, dollars: float | None, hours: float | None, only: Sequence[str],
    devices: int | None, deadline_hours: float | None,
) -> Budget:
    given = {"flops": flop, "dollars": dollars, "hours": hours}
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        found = f"found {', '.join(named)}" if named else "found none"
        raise ScoringError(f"budget: {found}; allowed is one of flops, dollars, hours")
    _check_positive(**given, devices=devices, deadline=deadline_hours)
    if hours is not None and not only:
        raise ScoringError("hours: of which device? Give one, such as 'H100 SXM 80GB'")
    return Budget(
        flop=flop, dollars=dollars, hours=hours, devices=devices, deadline_hours=deadline_hours
    )


def _check_positive(**given: float | None) -> None:
    for name, value in given.items():
        if value is not None and not (value > 0 and math.isfinite(value)):
            raise ScoringError(f"{name}: found {value:g}, allowed is a number above 0")
