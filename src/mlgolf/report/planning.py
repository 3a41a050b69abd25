"""A plan in words: what to train on what, what it gives, and where each number comes from."""

import math
from collections.abc import Iterator, Sequence

from mlgolf.analysis.planning.assumptions import FAILURES
from mlgolf.analysis.planning.plans import Plan, Question, Sensitivity
from mlgolf.analysis.planning.service import Profit, Service
from mlgolf.analysis.planning.utilisation import Utilisation
from mlgolf.core.text import enumerated
from mlgolf.report.scaling import count

HEADS = ("quantity", "value")
LEVER_HEADS = ("10% more of", "loss", "lower by")
LEVERS = {
    "budget": "the budget", "utilisation": "utilisation", "price": "compute per dollar (price)",
    "interruptions": "time between interruptions", "unique tokens": "unique tokens",
}  # fmt: skip


def money(dollars: float) -> str:
    """$500, $3.2M, $0.00012."""
    for size, letter in ((1e9, "B"), (1e6, "M")):
        if abs(dollars) >= size:
            return f"${dollars / size:.3g}{letter}"
    return f"${dollars:,.0f}" if abs(dollars) >= 100 else f"${dollars:.3g}"


def duration(hours: float) -> str:
    if hours >= 48:
        return f"{hours / 24:.1f} days"
    if hours >= 1:
        return f"{hours:.1f} hours"
    return f"{60 * hours:.1f} minutes" if hours * 60 >= 1 else f"{3600 * hours:.3g} s"


def plan_title(asked: Question) -> str:
    budget = asked.budget
    if budget.flop is not None:
        return f"the best plan for {budget.flop:.3g} FLOP"
    if budget.dollars is not None:
        return f"the best plan for {money(budget.dollars)}"
    return f"the best plan for {duration(budget.hours or 0)}"


def sources(plan: Plan, asked: Question) -> dict[str, str]:
    """Of each number of a plan."""
    fit, assumed, offer = asked.fit.source, asked.assumed, plan.offer
    price = f"{offer.named}: ${offer.usd_per_hour:g} an hour, {offer.provenance}"
    peak = (
        f"{offer.device.peak(plan.precision):.3g} FLOP/s in {plan.precision}, {offer.device.source}"
    )
    return {
        "params": f"the least loss of the law of {fit}, for the compute that the budget pays",
        "tokens": f"the least loss of the law of {fit}",
        "loss": f"the law of {fit}, with its draws and the scatter of its runs",
        "flop": "6 N D",
        "devices": "the fewest that hold the model and end in time",
        "device": price,
        "hours": f"6 N D / ({peak} x utilisation), with saving, interruptions and restarts",
        "dollars": f"hours x devices x price; {price}",
        "utilisation": assumed.utilisation_source,
        "overhead": f"Daly (2006), doi:10.1016/j.future.2004.11.016; {_hits(plan, asked)}",
        "checkpoint_interval_seconds": (
            "least expected time, Young (1974) and Daly (2006) solved exactly; writes "
            f"{assumed.checkpoint_bytes_per_param:g} bytes per parameter at "
            f"{assumed.checkpoint_bandwidth / 1e9:g} GB/s per device, restarts in "
            f"{assumed.restart_seconds:g} s (assumed)"
        ),
        "batch_tokens": (
            "a fifth of the critical batch, Kaplan et al. (2020), arXiv:2001.08361; McCandlish et "
            "al. (2018), arXiv:1812.06162"
        ),
        "precision": "as asked",
        "extrapolation_decades": f"the runs of {fit}",
    }  # fmt: skip


def _hits(plan: Plan, asked: Question) -> str:
    if plan.offer.kind != "spot":
        return FAILURES
    told = plan.offer.interruptions_per_month
    if math.isnan(told):
        monthly = asked.assumed.spot_interruptions_per_month
        return f"{monthly:g} interruptions of a device per month, assumed: its seller says none"
    return f"{told:g} interruptions of a device per month, {plan.offer.source}"


def plan_rows(plan: Plan, asked: Question, confidence: float) -> list[tuple[str, ...]]:
    low, high = plan.loss_interval(asked, confidence)
    far, offer = plan.extrapolation_decades, plan.offer
    return [
        ("parameters", count(plan.params)),
        ("tokens", f"{count(plan.tokens)}, {plan.tokens / plan.params:.3g} per parameter"),
        ("loss", f"{plan.loss:.4g}; {confidence:.0%} of runs from {low:.4g} to {high:.4g}"),
        ("beyond the runs of the fit", f"by {far:.1f} decades" if far else "no"),
        ("training compute", f"{plan.flop:.3g} FLOP"),
        ("devices", f"{plan.devices} x {offer.named}"),
        ("price of one", f"${offer.usd_per_hour:g} an hour, of {offer.date}"),
        ("time", duration(plan.hours)),
        ("cost", money(plan.dollars)),
        ("utilisation", f"{asked.assumed.utilisation:.3g} of the peak in {plan.precision}"),
        ("interruptions", f"{plan.overhead:.1%} more time"),
        ("a checkpoint every", duration(plan.checkpoint_seconds / 3600)),
        ("largest batch", f"{count(plan.batch_tokens)} tokens"),
    ]


def lever_rows(levers: Sequence[Sensitivity]) -> list[tuple[str, ...]]:
    return [(LEVERS[one.lever], f"{one.loss:.4g}", f"{one.gain:.2g}") for one in levers]


def source_lines(plan: Plan, asked: Question) -> Iterator[str]:
    """Where each number comes from."""
    for name, source in sources(plan, asked).items():
        if source != "as asked":
            words = name.removesuffix("_seconds").replace("_", " ")
            yield f"{'parameters' if words == 'params' else words}: {source}"


def plan_lines(plan: Plan, asked: Question, used: Utilisation | None) -> Iterator[str]:
    low, high = asked.assumed.utilisation_range
    if plan.extrapolation_decades > 0:
        yield (
            f"This lies {plan.extrapolation_decades:.1f} decades beyond the runs of the fit: the "
            "interval holds only if the law goes on as it does among them."
        )
    if plan.precision == "fp8":
        yield (
            "At 8 bits the plan takes the utilisation of 16 and no loss of quality for granted: "
            "both are usually less. Give --utilisation for what you have measured."
        )
    yield (
        "Utilisation counts as much as the budget. Quartiles of published runs are "
        f"{low:.2g} and {high:.2g} of the peak: {low / asked.assumed.utilisation:.2f} and "
        f"{high / asked.assumed.utilisation:.2f} times the compute of this plan."
    )
    if used is not None and used.impossible:
        yield f"Left out of these runs: {enumerated(used.impossible)}, whose share is above 1."
    if math.isfinite(asked.demand.unique_tokens) and plan.tokens > asked.demand.unique_tokens:
        epochs = plan.tokens / asked.demand.unique_tokens
        yield f"Tokens are repeated: {epochs:.1f} passes over {count(asked.demand.unique_tokens)}."
    if asked.demand.inference_tokens:
        yield (
            f"The budget pays for {count(asked.demand.inference_tokens)} tokens of answers, too "
            "(2 N FLOP each), on the same devices."
        )
    yield "Not in the cost: storage, transfers, people, tuning, and runs that fail."


def profit_rows(found: Profit, service: Service) -> list[tuple[str, ...]]:
    low, high = found.profit_interval
    served = found.served
    how = f"{served.devices:g} x {served.offer.named}, {served.batch} requests side by side"
    return [
        ("parameters", count(found.params)),
        ("tokens", f"{count(found.tokens)}, {found.tokens / found.params:.3g} per parameter"),
        ("loss", f"{found.loss:.4g}"),
        ("value", f"{money(found.value_dollars)} of {count(service.requests)} requests"),
        ("training", money(found.training_dollars)),
        ("answers", f"{money(found.inference_dollars)}, ${served.dollars:.3g} per request"),
        ("profit", f"{money(found.profit)}; {money(low)} to {money(high)} as the law may be"),
        ("a request takes", f"{served.seconds:.3g} s on {how}"),
        ("regret", f"{money(found.regret)}, the median of what better plans would earn more"),
    ]


def profit_lines(found: Profit, service: Service) -> Iterator[str]:
    for device, share in service.measured_utilisation.items():
        yield f"Prompts on {device} were measured to reach {share:.3g} of its peak."
    if found.beyond_value:
        low, high = service.loss_range
        yield (
            f"A loss of {found.loss:.4f} lies beyond the value curve ({low:g} to {high:g}), whose "
            "end was taken. Give values further out."
        )
