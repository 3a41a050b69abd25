"""A plan in words: what to train on what, what it gives, and where each number comes from."""

import math
from collections.abc import Iterator, Mapping, Sequence

from mlgolf.analysis.intervals import Interval
from mlgolf.analysis.planning.answers import BATCHES, DEVICES, HELD
from mlgolf.analysis.planning.as_competition import LONG, PlannedCompetition
from mlgolf.analysis.planning.assumptions import EXCESS, FAILURES, REPEATS
from mlgolf.analysis.planning.offers import Offer
from mlgolf.analysis.planning.plans import LEVER, Bought, Plan, Sensitivity
from mlgolf.analysis.planning.profit import REGRETS, Profit
from mlgolf.analysis.planning.question import Question
from mlgolf.analysis.planning.service import Service
from mlgolf.analysis.planning.utilisation import Utilisation
from mlgolf.analysis.scaling.form import FADING
from mlgolf.core.text import enumerated
from mlgolf.report.scaling import count

HEADS = ("quantity", "value", "rests on")
LEVER_HEADS = (f"{LEVER:.0%} more of", "loss", "lower by")
METHOD_HEADS = ("method", "worth, times the compute", "loss", "lower by")
DEVICE_HEADS = ("device", "price of one", "loss", "time", "interruptions")
SHOWN_DEVICES = 6
SPENT = 0.999  # of a budget: less is told
ASSUMED = "assumed"  # in the source of what nobody has measured or published
AS_ASKED = "as asked"
WORDS = {
    "params": "parameters", "usd_per_hour": "price of one", "hours": "time", "flop": "compute",
    "training_dollars": "cost", "extrapolation_decades": "distance to the runs",
    "checkpoint_interval_seconds": "checkpoint interval", "overhead": "interruptions",
    "inference_flop": "compute of answers", "inference_hours": "time of answers",
    "inference_dollars": "cost of answers", "batch_tokens": "largest batch",
    "value_dollars": "value", "beyond_value": "where the value is known",
    "most_batch": "largest batch of answers", "interval": "interval of the profit",
    "seconds_per_request": "time of a request", "dollars_per_request": "cost of a request",
    "sensitivities": "what each lever would buy", "by_device": "the best plan of each device",
    "levers": "what methods would buy",
}  # fmt: skip
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
    best = f"the least loss of the law of {fit}, for the compute that the budget pays"
    law = f"the law of {fit}{_bits(asked)}{_repeats(asked)}"
    answers = "2 N FLOP per token that is asked for, by the devices and at the speed of training"
    return {
        "params": best,
        "tokens": best,
        "loss": law,
        "loss_interval": f"draws of the law of {fit}{_drawn(asked)}, and the scatter of its runs",
        "confidence": AS_ASKED,
        "extrapolation_decades": f"the runs of {fit}",
        "not_identified": f"the fit of {fit}",
        "flop": "6 N D",
        "devices": (
            "a power of two that holds the model and ends in time, by which the loss is least; "
            f"{assumed.bytes_per_param:g} bytes per parameter in {assumed.memory_share:.0%} of the "
            f"memory, and one fast link between all of them, are {ASSUMED}"
        ),
        "device": price, "vendor": price, "kind": price, "usd_per_hour": price,
        "price_date": price,
        "hours": f"6 N D / ({peak} x utilisation), with saving, interruptions and restarts",
        "training_dollars": f"hours x devices x price; {price}",
        "inference_flop": answers, "inference_hours": answers,
        "inference_dollars": f"inference hours x devices x price; {price}",
        "dollars": f"training and answers; {price}",
        "utilisation": assumed.utilisation_source,
        "utilisation_range": "quartiles of published runs, Epoch AI (mfu_reported)",
        "overhead": f"Daly (2006), doi:10.1016/j.future.2004.11.016; {_hits(plan.offer, asked)}",
        "checkpoint_interval_seconds": (
            "least expected time, Young (1974) and Daly (2006) solved exactly; writes "
            f"{assumed.checkpoint_bytes_per_param:g} bytes per parameter at "
            f"{assumed.checkpoint_bandwidth / 1e9:g} GB/s per device, restarts in "
            f"{assumed.restart_seconds:g} s, all {ASSUMED}"
        ),
        "batch_tokens": (
            "a fifth of the critical batch, Kaplan et al. (2020), arXiv:2001.08361; McCandlish et "
            "al. (2018), arXiv:1812.06162"
        ),
        "precision": AS_ASKED,
        "sensitivities": f"the best plans with {LEVER:.0%} more of each",
        "levers": (
            "the best plans where compute is worth so many times as much, at every scale alike, "
            f"each method alone; {_methods(asked)}"
        ),
        "by_device": "the same plan from the offers of each device alone",
    }  # fmt: skip


def assumed_of(told: Mapping[str, str]) -> list[str]:
    """The numbers that rest on what nobody has measured or published."""
    return [name for name, source in told.items() if ASSUMED in source]


def _methods(asked: Question) -> str:
    told = [f"{one.name}: {one.source}" for one in asked.methods]
    return enumerated(told) if told else "none was given, and the fit has none"


def _bits(asked: Question) -> str:
    gammas = ", ".join(f"{name} {value:.3g}" for name, value in asked.gammas.items())
    return f" with its {gammas} (Kumar et al., 2024, arXiv:2411.04330)" if gammas else ""


def _repeats(asked: Question) -> str:
    if math.isinf(asked.demand.unique_tokens):
        return ""
    return "; ".join(["", *_fading(asked)])


def _fading(asked: Question) -> Iterator[str]:
    """By what repeated tokens, and parameters in excess, are worth less."""
    for name, of, worth, published in (
        ("R_D", "repeats", asked.demand.repeats_worth, REPEATS),
        ("R_N", "parameters too many for the data", asked.demand.excess_worth, EXCESS),
    ):
        if name in asked.fit.extra:
            unsure = ", which its runs do not tell" if name in asked.fit.not_identified else ""
            yield f"{of} by its {name} = {worth:.3g}{unsure}"
        else:
            yield f"{of} by {published.format(worth=worth)}"


def _drawn(asked: Question) -> str:
    """Of what the interval of a loss holds the doubt, besides the law."""
    fading = () if math.isinf(asked.demand.unique_tokens) else FADING
    drawn = [*asked.gammas, *(name for name in fading if name in asked.fit.extra)]
    held = [name for name in fading if name not in asked.fit.extra]
    told = f" with its {enumerated(drawn)}" if drawn else ""
    return told + (f", at {enumerated(held)} as {ASSUMED}" if held else "")


def _hits(offer: Offer, asked: Question) -> str:
    if offer.kind != "spot":
        return FAILURES
    told = offer.interruptions_per_month
    if math.isnan(told):
        monthly = asked.assumed.spot_interruptions_per_month
        return (
            f"{monthly:g} interruptions of a device per month are {ASSUMED}: its seller says none"
        )
    return f"{told:g} interruptions of a device per month, {offer.source}"


def law_warnings(asked: Question) -> Iterator[str]:
    """What to know of the fit before any number of the plan."""
    if asked.fit.not_identified:
        yield (
            f"The runs of {asked.fit.source} do not tell {enumerated(asked.fit.not_identified)}: "
            "what the plan takes for that is one value of many that would do."
        )


def plan_rows(plan: Plan, asked: Question, confidence: float) -> list[tuple[str, ...]]:
    low, high = plan.loss_interval(asked, confidence)
    far, offer = plan.extrapolation_decades, plan.offer
    answers = [
        ("inference_dollars", "answers", f"{money(plan.inference_dollars)}, "
         f"{plan.inference_flop:.3g} FLOP, {duration(plan.inference_hours)}"),
        ("dollars", "training and answers", money(plan.dollars)),
    ] if plan.inference_flop else []  # fmt: skip
    rows = [
        ("params", "parameters", count(plan.params)),
        ("tokens", "tokens",
         f"{count(plan.tokens)}, {plan.tokens / plan.params:.3g} per parameter"),
        ("loss", "loss", f"{plan.loss:.4g}; {confidence:.0%} of runs from {low:.4g} to {high:.4g}"),
        ("extrapolation_decades", "beyond the runs of the fit",
         f"by {far:.1f} decades" if far else "no"),
        ("flop", "training compute", f"{plan.flop:.3g} FLOP"),
        ("devices", "devices", f"{plan.devices} x {offer.named}"),
        ("usd_per_hour", "price of one", f"${offer.usd_per_hour:g} an hour, of {offer.date}"),
        ("hours", "time", duration(plan.hours)),
        ("training_dollars", "cost", money(plan.training_dollars)),
        *answers,
        ("utilisation", "utilisation",
         f"{asked.assumed.utilisation:.3g} of the peak in {plan.precision}"),
        ("overhead", "interruptions", f"{plan.overhead:.1%} more time"),
        ("checkpoint_interval_seconds", "a checkpoint every",
         duration(plan.checkpoint_seconds / 3600)),
        ("batch_tokens", "largest batch", f"{count(plan.batch_tokens)} tokens"),
    ]  # fmt: skip
    return _flagged(rows, sources(plan, asked))


def _flagged(
    rows: Sequence[tuple[str, str, str]], told: Mapping[str, str]
) -> list[tuple[str, ...]]:
    assumed = assumed_of(told)
    return [(words, value, "an assumption" if key in assumed else "") for key, words, value in rows]


def device_rows(plans: Sequence[Plan], asked: Question) -> list[tuple[str, ...]]:
    return [
        (
            f"{plan.devices} x {plan.offer.device.name}, {plan.offer.kind.replace('_', ' ')}",
            f"${plan.offer.usd_per_hour:.3g}", f"{plan.loss:.4g}", duration(plan.hours),
            f"{plan.overhead:.1%}{f', {ASSUMED}' if is_guessed(plan.offer) else ''}",
        )
        for plan in plans[:SHOWN_DEVICES]
    ]  # fmt: skip


def is_guessed(offer: Offer) -> bool:
    """Whether its seller says nothing of interruptions."""
    return offer.kind == "spot" and math.isnan(offer.interruptions_per_month)


def device_lines(plans: Sequence[Plan], surest: Plan | None) -> Iterator[str]:
    """Args: surest: the best plan of offers of whose interruptions nothing is assumed."""
    if (others := len(plans) - SHOWN_DEVICES) > 0:
        yield (
            f"{others} more devices are in --json (by_device). Choose by --device, "
            "--without-device or --kind."
        )
    if surest is not None and plans and is_guessed(plans[0].offer):
        yield (
            f"How often {plans[0].offer.device.name} is interrupted is {ASSUMED}. Where that is "
            f"known, the best is {surest.devices} x {surest.offer.named}: loss {surest.loss:.4g}."
        )


def lever_rows(levers: Sequence[Sensitivity]) -> list[tuple[str, ...]]:
    return [(LEVERS[one.lever], f"{one.loss:.4g}", f"{one.gain:.2g}") for one in levers]


def method_rows(bought: Sequence[Bought]) -> list[tuple[str, ...]]:
    return [
        (
            one.method.name, f"{one.method.times:.3g}{_between(one.method.interval, '.3g')}",
            f"{one.loss:.4g}", f"{one.gain:.3g}{_between(one.gain_interval, '.3g')}",
        ) for one in bought
    ]  # fmt: skip


def _between(ends: Interval | None, form: str) -> str:
    return "" if ends is None else f" ({ends[0]:{form}} to {ends[1]:{form}})"


def plan_source_lines(plan: Plan, asked: Question) -> Iterator[str]:
    """Of what its tables show."""
    answers = {"dollars", *(name for name in WORDS if name.startswith("inference"))}
    unsaid = {
        "not_identified", *(() if plan.inference_flop else answers),
        *(() if asked.methods else ("levers",)),
    }  # fmt: skip
    told = sources(plan, asked)
    return source_lines({name: told[name] for name in told if name not in unsaid})


def source_lines(told: Mapping[str, str], of: str = "") -> Iterator[str]:
    """Where each number comes from; those of one source together."""
    together: dict[str, list[str]] = {}
    for name, source in told.items():
        together.setdefault(source, []).append(WORDS.get(name, name.replace("_", " ")))
    together.pop(AS_ASKED, None)
    for source, names in together.items():
        yield f"{enumerated(names)}{f' {of}' if of else ''}: {source}"


def plan_lines(plan: Plan, asked: Question, used: Utilisation | None) -> Iterator[str]:
    low, high = asked.assumed.utilisation_range
    if plan.extrapolation_decades > 0:
        yield (
            f"This lies {plan.extrapolation_decades:.1f} decades beyond the runs of the fit: the "
            "interval holds only if the law goes on as it does among them."
        )
    budget = asked.budget.dollars
    if budget is not None and plan.dollars < SPENT * budget:
        yield (
            f"{money(plan.dollars)} of {money(budget)} are spent: no way to spend more within "
            f"{asked.most_hours:g} hours ends at a lower loss."
        )
    if plan.precision == "fp8" and not asked.gammas:
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
            f"The budget pays for {count(asked.demand.inference_tokens)} tokens of answers, too, "
            "2 N FLOP each, on the devices of training and at their utilisation; what they take is "
            "not in the time. Answers that are decoded one token at a time cost more: --service."
        )
    yield "Not in the cost: storage, transfers, people, tuning, and runs that fail."


def profit_rows(
    found: Profit, service: Service, asked: Question
) -> list[tuple[str, ...]]:
    low, high = found.profit_interval
    served, trained, way = found.served, found.trained, found.served.way
    far = found.extrapolation_decades
    rows = [
        ("params", "parameters", count(found.params)),
        ("tokens", "tokens",
         f"{count(found.tokens)}, {found.tokens / found.params:.3g} per parameter"),
        ("loss", "loss", f"{found.loss:.4g}"),
        ("extrapolation_decades", "beyond the runs of the fit",
         f"by {far:.1f} decades" if far else "no"),
        ("value_dollars", "value",
         f"{money(found.value_dollars)} of {count(service.requests)} requests"),
        ("training_dollars", "training",
         f"{money(trained.dollars)}: {trained.devices} x {trained.offer.named}, "
         f"{duration(trained.hours)}"),
        ("inference_dollars", "answers",
         f"{money(found.inference_dollars)}, ${served.dollars:.3g} per request"),
        ("profit", "profit",
         f"{money(found.profit)}; {money(low)} to {money(high)} as the law may be"),
        ("seconds_per_request", "a request takes",
         f"{served.seconds:.3g} s on {way.devices} x {way.offer.named}, {way.batch} side by side"),
        ("regret", "regret",
         f"{money(found.regret)}, the median of what better plans would earn more"),
    ]  # fmt: skip
    return _flagged(rows, profit_sources(found, service, asked))


def profit_sources(found: Profit, service: Service, asked: Question) -> dict[str, str]:
    """Of each number of the model of most profit."""
    fit, way, trained = asked.fit.source, found.served.way, found.trained
    law = f"the law of {fit}" + "".join(f", {what}" for what in _bare(asked))
    best = f"the most profit, by {law}"
    training = (
        f"the cheapest that holds the model and ends within {asked.most_training_hours:g} hours: "
        f"{trained.offer.named}, ${trained.offer.usd_per_hour:g} an hour, "
        f"{trained.offer.provenance}; {_hits(trained.offer, asked)}"
    )
    device = way.offer.device
    answering = (
        f"{way.offer.named}, ${way.offer.usd_per_hour:g} an hour, {way.offer.provenance}; "
        f"{device.bf16:.3g} FLOP/s, of which {_reached(device.name, service, asked)}, and "
        f"{device.bandwidth / 1e9:g} GB/s, of which {service.bandwidth_utilisation:g} is {ASSUMED} "
        f"({device.source}); cache: {service.cache_source}; a batch that is always full, and no "
        f"loss by splitting over up to {DEVICES[-1]} devices, are {ASSUMED}; weights and caches in "
        f"{HELD:.0%} of the memory (Pope et al., 2022, arXiv:2211.05102)"
    )
    draws = f"this plan by the draws of the law of {fit}"
    return {
        "params": best, "tokens": best, "loss": law,
        "value_dollars": service.source, "beyond_value": service.source,
        "training_dollars": training, "training_device": training,
        "training_devices": training, "training_hours": training,
        "inference_dollars": answering, "seconds_per_request": answering,
        "dollars_per_request": answering, "device": answering, "devices": answering,
        "batch": answering, "most_batch": f"batches of up to {BATCHES[-1]} were tried",
        "profit": "value less training and answers", "interval": draws,
        "regret": f"the best plans for {REGRETS} draws of the law of {fit}",
        "extrapolation_decades": f"the runs of {fit}",
    }  # fmt: skip


def _bare(asked: Question) -> Iterator[str]:
    """How the model of most profit is counted by less than the plan is."""
    if math.isfinite(asked.demand.unique_tokens):
        yield "as if no token were seen twice"
    if asked.gammas:
        yield "as if all parameters counted at every precision"


def _reached(device: str, service: Service, asked: Question) -> str:
    measured = service.measured_utilisation.get(device)
    if measured is None:
        return f"{asked.assumed.utilisation:.3g}, as in training, is {ASSUMED}"
    return f"{measured:.3g} was measured"


def profit_lines(found: Profit, service: Service, asked: Question) -> Iterator[str]:
    if bare := [*_bare(asked)]:
        yield (
            f"The model of most profit is counted {enumerated(bare)}: its loss may be lower than "
            "it would be, and its size another."
        )
    for device, share in service.measured_utilisation.items():
        yield f"On {device} a model was measured to reach {share:.3g} of its peak."
    if found.beyond_value:
        low, high = service.loss_range
        yield (
            f"A loss of {found.loss:.4g} lies at an end of the value curve ({low:g} to {high:g}) "
            "or outside, where its value was held: the end, and not the curve, decides. Give "
            "values further out."
        )
    if found.most_batch:
        yield f"Larger batches than {BATCHES[-1]} were not tried, and might be cheaper still."


def competition_lines(found: PlannedCompetition) -> Iterator[str]:
    """What the money buys of the class."""
    yield (
        f"${found.dollars:g} buy {found.seconds:.3g} s of {found.hardware} at "
        f"${found.dollars_per_hour:g} an hour ({found.price_provenance}): {found.steps} steps of "
        f"{found.workload}, {found.times_usual:.2g} times its own budget, for each trial."
    )
    if found.times_usual > LONG:
        yield (
            f"That is long: a trial takes {duration(found.seconds / 3600)} on the reference "
            "machine."
        )
