"""A check of a model before it is shipped, in words: tables for a terminal and a page."""

import math
import statistics
from collections.abc import Iterator, Sequence

from mlgolf.analysis.deployment.device import Elsewhere
from mlgolf.analysis.deployment.shadow import Shadow
from mlgolf.analysis.deployment.suspects import Suspect
from mlgolf.analysis.deployment.verdict import Check, Judgement
from mlgolf.core.text import bytes_in_words, enumerated, number_of, significant
from mlgolf.deployment.checking import Measured
from mlgolf.deployment.eight_bits import EightBits

CHECK_HEADS = ("check", "result", "why")
SUSPECT_HEADS = ("likely fault", "evidence", "what was seen")
GRID_HEADS = ("batch", "threads", "p50 ms", "p95 ms", "p99 ms", "examples/s")
OPERATOR_HEADS = ("operator", "of the run", "µs")
LAYER_HEADS = ("layer", "operator", "outputs differ by", "changed decisions")
MOST_ROWS = 8
SAID = {"pass": "Ready to ship", "fail": "Do not ship", "cannot tell": "Not shown to be ready"}
EVIDENCE = {
    "undone": "undoing it makes outputs agree", "seen": "seen", "possible": "possible, not shown",
}  # fmt: skip
SHADOW_SAID = {
    "switch": "The new model may replace the old one", "roll back": "Roll back to the old model",
    "go on": "Go on comparing",
}  # fmt: skip


def title(name: str, judgement: Judgement, found: Sequence[Check]) -> str:
    failed = [check.name for check in found if check.judgement != "pass"]
    why = f": {enumerated(failed[:3])}" if failed else ""
    return f"{SAID[judgement]}: {name}{why and ' – ' + why[2:]}"


def check_rows(found: Sequence[Check]) -> list[tuple[str, ...]]:
    order = ("fail", "cannot tell", "pass")
    ordered = sorted(found, key=lambda check: order.index(check.judgement))
    return [(check.name, check.judgement, check.reason) for check in ordered]


def suspect_rows(suspects: Sequence[Suspect]) -> list[tuple[str, ...]]:
    return [(one.fault, EVIDENCE[one.strength], one.says) for one in suspects]


def grid_rows(measured: Measured) -> list[tuple[str, ...]]:
    return [
        (
            str(one.batch_size), str(one.threads),
            *(_text(one.quantiles[name].value) for name in ("p50", "p95", "p99")),
            f"{one.examples_per_second:,.0f}",
        )
        for one in measured.grid
    ]


def operator_rows(measured: Measured) -> list[tuple[str, ...]]:
    return [(name, f"{share:.0%}", _text(micro)) for name, share, micro in operators(measured)]


def operators(measured: Measured) -> list[tuple[str, float, float]]:
    """Name, share of a run, microseconds; the slowest first, then all others as one row."""
    rows = measured.operators
    total = sum(row.time.seconds * row.time.count for row in rows)
    found = [
        (
            row.label, row.time.seconds * row.time.count / total,
            1e6 * row.time.seconds * row.time.count,
        )
        for row in rows
    ]
    found.sort(key=lambda row: -row[1])
    if len(found) <= MOST_ROWS + 1:
        return found
    rest = found[MOST_ROWS:]
    together = (f"{len(rest)} others", sum(row[1] for row in rest), sum(row[2] for row in rest))
    return [*found[:MOST_ROWS], together]


def layer_rows(eight: EightBits) -> list[tuple[str, ...]]:
    return [
        (one.layer, one.operator, _text(one.relative), _share(one.changed))
        for one in eight.layers[:MOST_ROWS]
    ]


def gap_rows(measured: Measured, bound: float) -> list[tuple[str, ...]]:
    """The layers from the first that differs on."""
    first = next((at for at, row in enumerate(measured.layers) if row.relative > bound), None)
    if first is None:
        return []
    shown = measured.layers[max(0, first - 1):][:MOST_ROWS]
    return [(row.value, row.operator, _text(row.relative)) for row in shown]


def sentences(measured: Measured) -> Iterator[str]:
    facts = measured.facts
    parity, worst = facts.parity, facts.parity.worst
    yield (
        f"outputs of {number_of(parity.num_examples, 'example')}: largest difference "
        f"{_text(worst.largest)}, mean {_text(worst.mean)}, relative {_text(worst.relative)}, "
        f"cosine {worst.cosine:.6f}"
    )
    yield from facts.not_finite
    if parity.changed is not None:
        which = ", ".join(map(str, parity.changed[:10]))
        more = ", …" if len(parity.changed) > 10 else ""
        yield (
            f"changed decisions: {len(parity.changed):,} of {parity.num_examples:,}"
            + (f"; examples {which}{more} (counted from 0)" if which else "")
        )
    if (quality := facts.quality) is not None:
        yield (
            f"{quality.measure}: reference {_text(quality.reference)}, model "
            f"{_text(quality.model)}; drop {_text(quality.drop)}, at 95% from "
            f"{_text(quality.interval[0])} to {_text(quality.interval[1])} "
            f"({quality.test}, p = {quality.p_value:.2g})"
            + (f"; {quality.ignored:,} targets of -100 do not count" if quality.ignored else "")
            + ("" if quality.above_chance else "; guessing may have as many right as the reference")
        )
    yield from _speed(measured)
    if measured.eight_bits is not None:
        yield from _eight_bits(measured.eight_bits, facts.size_bytes or math.nan)
    yield from measured.notes


def _speed(measured: Measured) -> Iterator[str]:
    facts = measured.facts
    if (latency := facts.latency) is not None:
        ends = [
            f"{name} {_text(one.value)} ms ({_text(one.interval[0])} to {_text(one.interval[1])})"
            for name, one in latency.quantiles.items()
        ]
        yield (
            f"latency of a batch of {latency.batch_size} on "
            f"{number_of(latency.threads, 'thread')}: {', '.join(ends)}; "
            f"{latency.runs:,} runs"
        )
    if measured.beside_reference is not None:
        yield f"the median run takes {_text(measured.beside_reference)} times that of the reference"
    yield (
        f"cold start {_middle(measured, 'total_ms')} ms: session "
        f"{_middle(measured, 'session_ms')}, first run {_middle(measured, 'first_run_ms')}; "
        f"importing the runtime took {_middle(measured, 'import_ms')} besides (medians of "
        f"{number_of(len(measured.starts), 'start')})"
    )
    yield (
        f"memory: {bytes_in_words(int(facts.memory_bytes or 0))} of a Python process at its peak, "
        f"{bytes_in_words(int(max(s.growth_bytes for s in measured.starts)))} of that by the "
        f"model; file {bytes_in_words(int(facts.size_bytes or 0))}, opset {measured.opset}"
    )


def _eight_bits(eight: EightBits, size: float) -> Iterator[str]:
    ranges = f", ranges from {number_of(eight.calibrated, 'example')} of the data" * bool(
        eight.calibrated
    )
    changed = "" if eight.parity.changed is None else (
        f", a decision changes in {_share(eight.parity.changed_share)} of the examples"
    )
    yield (
        f"8 bits ({eight.how}{ranges}): outputs differ by {_text(eight.parity.worst.relative)}"
        f"{changed}; file {eight.size_bytes / size:.2f} times as large, {_text(eight.speedup)} "
        "times as fast"
    )
    if (quality := eight.quality) is not None:
        yield (
            f"8 bits, {quality.measure}: {_text(quality.model)} instead of "
            f"{_text(quality.reference)}; drop at 95% from {_text(quality.interval[0])} to "
            f"{_text(quality.interval[1])}"
        )
    if eight.by_channel is not None:
        gap = _text(eight.by_channel.worst.relative)
        yield f"8 bits with weights by channel: outputs differ by {gap}"
    else:
        yield f"8 bits with weights by channel were not possible. {eight.refused}"
    if eight.without_worst is not None:
        yield (
            f"8 bits but for {eight.layers[0].called}, the costliest, and what makes the input of "
            f"that: outputs differ by {_text(eight.without_worst.worst.relative)}"
        )
    if eight.left_out:
        yield f"{number_of(eight.left_out, 'layer')} were not tried alone: the smallest"


def elsewhere_sentences(found: Elsewhere) -> Iterator[str]:
    yield (
        f"on {found.device} with {number_of(found.threads, 'thread')}: {_text(found.milliseconds)} "
        f"ms are predicted, at 95% {_text(found.interval[0])} to {_text(found.interval[1])}; here "
        f"it takes {_text(found.here_milliseconds)} ms"
    )
    yield (
        f"of the predicted time, {found.measured_share:.0%} are operators measured there in the "
        f"same shapes, {found.scaled_share:.0%} scaled by others of their kind"
    )
    if found.uncovered:
        yield (
            f"{found.uncovered_share:.0%} are operators that the tables do not have, scaled by all "
            f"others: {enumerated(found.uncovered)}"
        )


def shadow_title(found: Shadow) -> str:
    return f"{SHADOW_SAID[found.decision]}: after {found.at:,} of {found.requests:,} requests"


def shadow_sentences(found: Shadow) -> Iterator[str]:
    low, high = found.interval
    yield (
        f"score of the new model less that of the old one: {found.difference:+.4f}, at 95% from "
        f"{low:+.3f} to {high:+.3f}, valid at every time"
    )
    yield (
        f"evidence against 'worse by {found.margin:g} or more': {_text(found.wealth)}; against "
        f"'better than that': {_text(found.wealth_against)}. At 40 the decision is made"
    )
    if found.decision == "go on" and found.more:
        yield (
            f"if the difference stays as it is, about {found.more:,} more "
            f"{'request is' if found.more == 1 else 'requests are'} needed"
        )


def _share(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1%}"


def _middle(measured: Measured, name: str) -> str:
    """The median over starts of one of their numbers."""
    return _text(statistics.median(getattr(start, name) for start in measured.starts))


def _text(value: float) -> str:
    return significant(value, 3)
