"""Pass or fail: each bound against what was measured, with its reason.

A bound on what varies from run to run, or from sample to sample, is kept only if the whole interval
is within it. If the interval holds the bound, the measurement cannot tell, and that is no pass.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from mlgolf.analysis.deployment.budget import Budget
from mlgolf.analysis.deployment.latency import QUANTILES, Latency, runs_needed
from mlgolf.analysis.deployment.parity import Parity
from mlgolf.analysis.deployment.quality import (
    Quality,
    examples_needed,
    examples_that_show,
    share_interval,
)
from mlgolf.analysis.intervals import Interval
from mlgolf.core.text import number_of, several, significant

IN_WORDS = {
    "parity": "largest relative difference of the outputs",
    "changed_decisions": "share of changed decisions",
    "quality_drop": "drop of quality against the reference",
    "quantised_quality_drop": "drop of quality by 8 bits",
    "latency_p50_ms": "median latency", "latency_p95_ms": "95th percentile of the latency",
    "latency_p99_ms": "99th percentile of the latency", "cold_start_ms": "cold start",
    "memory_mb": "peak memory", "size_mb": "size of the file",
}  # fmt: skip
Judgement = Literal["pass", "fail", "cannot tell"]
Precision = Literal["float32", "float16", "8 bits"]
# Where no budget says otherwise. Rounding in another order moves float32 outputs by about 1e-6 of
# their size, and up to 1e-4 in deep networks; of 8 bits the quality is judged instead.
USUAL_PARITY = {"float32": 1e-4, "float16": 1e-2}
USUAL_8_BITS = 0.3  # 8 bits move outputs by up to so much of their size without a further fault
USUAL_DROP = 0.01  # of quality, or of decisions if there are no targets


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`found` and `bound` have the unit of the bound's name."""

    name: str
    judgement: Judgement
    found: float
    bound: float
    interval: Interval | None  # of what was found, if it varies
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was measured; None where it was not."""

    parity: Parity
    precision: Precision
    quality: Quality | None = None
    quantised: Quality | None = None
    latency: Latency | None = None
    throughput: Latency | None = None  # at the batch that gives most examples per second
    cold_start_ms: float | None = None
    cold_start_interval: Interval | None = None
    memory_bytes: float | None = None
    size_bytes: float | None = None
    training_layers: tuple[str, ...] = ()  # that the file says are in training mode
    varies: float = 0.0  # relative difference of two runs on the same examples
    depends_on_batch: float = 0.0  # relative difference of the same examples in other batches
    not_finite: tuple[str, ...] = ()  # inputs with NaN or infinity, and in how many examples


def usual_parity(precision: Precision) -> float:
    """The largest relative difference that is usual; of 8 bits any."""
    return USUAL_PARITY.get(precision, math.inf)


def explained_above(precision: Precision) -> float:
    """The relative difference from which on a reason is looked for."""
    return USUAL_PARITY.get(precision, USUAL_8_BITS)


def checks(facts: Facts, budget: Budget) -> list[Check]:
    return [
        *_agreement(facts, budget), *_inference(facts), *_quality(facts, budget),
        *_latency(facts, budget), *_costs(facts, budget),
    ]  # fmt: skip


def verdict(found: list[Check]) -> Judgement:
    judgements = {check.judgement for check in found}
    if "fail" in judgements:
        return "fail"
    return "pass" if judgements == {"pass"} else "cannot tell"


def judged(
    name: str, found: float, bound: float, interval: Interval | None = None, *, unit: str = "",
    remedy: str = "",
) -> Check:
    """Whether a number is at most its bound. A NaN never is."""
    low, high = interval or (found, found)
    judgement: Judgement = (
        "pass" if high <= bound else "cannot tell" if low <= bound else "fail"
    )
    said = IN_WORDS.get(name, name)
    between = f", at 95% from {_text(low)} to {_text(high)}" if interval else ""
    says = f"the {said} is {_text(found)}{unit}{between}; the bound is {_text(bound)}{unit}"
    if judgement == "cannot tell" and remedy:
        says += f". {remedy}"
    return Check(
        name=name, judgement=judgement, found=found, bound=bound, interval=interval, reason=says
    )


def _agreement(facts: Facts, budget: Budget) -> Iterator[Check]:
    parity, precision = facts.parity, facts.precision
    bound = budget.parity or usual_parity(precision)
    if math.isfinite(bound) or not math.isfinite(parity.worst.relative):
        yield judged("parity", parity.worst.relative, bound)
    if budget.changed_decisions is not None:
        yield _changed(parity, budget.changed_decisions, shown=True)
    elif budget.quality_drop is None and (precision == "8 bits" or parity.changed is not None):
        # In float a decision may change where the reference hardly decides; 8 bits change more,
        # and nothing else judges them.
        yield _changed(parity, USUAL_DROP, shown=precision == "8 bits")


def _changed(parity: Parity, bound: float, *, shown: bool) -> Check:
    """Args: shown: whether it is to be shown of all examples, or is said of these alone."""
    name = "changed_decisions"
    if parity.changed is None:
        return judged(name, math.nan if parity.worst.relative > 0 else 0.0, bound)
    changed, total = len(parity.changed), parity.num_examples
    if not shown or bound == 0:  # none may change: that can be said of these examples alone
        of_these = f"Of these {number_of(total, 'example')} alone"
        check = judged(name, parity.changed_share, bound)
        return replace(check, reason=f"{check.reason}. {of_these}")
    needed = examples_that_show(changed, total, bound)
    remedy = "Give more examples" + (
        "" if needed is None else f": {needed:,} with this share of changes would tell" if changed
        else f": {needed:,} without a change would tell"
    )
    return judged(
        name, parity.changed_share, bound, share_interval(changed, total), remedy=remedy
    )


def _inference(facts: Facts) -> Iterator[Check]:
    """Whether it answers an example alike, each time and whatever is beside it."""
    bound = max(USUAL_PARITY["float32"], min(1.0, usual_parity(facts.precision)))
    layers = facts.training_layers
    yield Check(
        name="no layer in training mode", judgement="fail" if layers else "pass",
        found=float(len(layers)), bound=0.0, interval=None,
        reason=f"the file has {several(layers)} in training mode" if layers
        else "the file has no layer in training mode",
    )  # fmt: skip
    yield judged("difference of two runs", facts.varies, bound)
    yield judged("difference in other batches", facts.depends_on_batch, bound)


def _quality(facts: Facts, budget: Budget) -> Iterator[Check]:
    bound = budget.quality_drop
    if bound is not None:
        yield _drop("quality_drop", facts.quality, bound)
    if budget.quantised_quality_drop is not None:
        yield _drop("quantised_quality_drop", facts.quantised, budget.quantised_quality_drop)


def _drop(name: str, quality: Quality | None, bound: float) -> Check:
    if quality is None:
        return Check(
            name=name, judgement="cannot tell", found=math.nan, bound=bound, interval=None,
            reason=f"the {IN_WORDS[name]} was not measured: the data have no array 'targets', or 8 "
            "bits were not tried",
        )  # fmt: skip
    if not quality.above_chance:
        whose = "model in float" if name == "quantised_quality_drop" else "reference"
        return Check(
            name=name, judgement="cannot tell", found=quality.drop, bound=bound,
            interval=quality.interval,
            reason=f"the {whose} has {quality.reference:.1%} of these targets right, which "
            f"guessing may have, too ({quality.chance:.1%}): a drop shows nothing then. "
            "Are they the targets of these data, and are classes numbered as in training?",
        )  # fmt: skip
    needed = examples_needed(bound)
    remedy = (
        f"Give more examples: {needed:,} without a change would tell"
        if needed > quality.num_examples and quality.measure == "accuracy"
        else "Give more examples"
    )
    return judged(name, quality.drop, bound, quality.interval, remedy=remedy)


def _latency(facts: Facts, budget: Budget) -> Iterator[Check]:
    for name, share in QUANTILES.items():
        bound = getattr(budget, f"latency_{name}_ms")
        if bound is None or facts.latency is None:
            continue
        found = facts.latency.quantiles[name]
        needed = runs_needed(share)
        remedy = (
            f"Its upper end needs {needed:,} independent runs; these {facts.latency.runs:,} tell "
            f"as much as {found.effective_runs:,}: raise --runs, on a machine that does nothing "
            "else" if math.isinf(found.interval[1]) else "Raise --runs, on a quiet machine"
        )
        yield judged(
            f"latency_{name}_ms", found.value, bound, found.interval, unit=" ms", remedy=remedy
        )


def _costs(facts: Facts, budget: Budget) -> Iterator[Check]:
    if budget.throughput is not None and facts.throughput is not None:
        yield _throughput(facts.throughput, budget.throughput)
    if budget.cold_start_ms is not None and facts.cold_start_ms is not None:
        yield judged(
            "cold_start_ms", facts.cold_start_ms, budget.cold_start_ms, facts.cold_start_interval,
            unit=" ms", remedy="Measure on a quiet machine",
        )
    for name, found in (("memory_mb", facts.memory_bytes), ("size_mb", facts.size_bytes)):
        bound = getattr(budget, name)
        if bound is not None and found is not None:
            yield judged(name, found / 1e6, bound, unit=" MB")


def _throughput(latency: Latency, bound: float) -> Check:
    size = 1e3 * latency.batch_size
    low, high = (size / end for end in reversed(latency.quantiles["p50"].interval))
    judgement: Judgement = "pass" if low >= bound else "cannot tell" if high >= bound else "fail"
    return Check(
        name="throughput", judgement=judgement, found=latency.examples_per_second, bound=bound,
        interval=(low, high),
        reason=f"throughput is {latency.examples_per_second:,.0f} examples/s in batches of "
        f"{latency.batch_size}, at 95% from {low:,.0f} to {high:,.0f}; at least {bound:,.0f} are "
        "asked for",
    )


def _text(value: float) -> str:
    return significant(value, 3)
