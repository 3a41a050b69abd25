"""Progress in words: tables and sentences for a terminal and a page."""

import math
from collections.abc import Iterator, Mapping, Sequence

from mlgolf.analysis.intervals import Interval
from mlgolf.analysis.progress.flags import Flag
from mlgolf.analysis.progress.history import ESTIMATOR, INTERVAL, History
from mlgolf.analysis.progress.language_models import LossHistory
from mlgolf.analysis.progress.of_tables import Histories
from mlgolf.core.text import enumerated, number_of, significant

HEADS = (
    "target", "in", "factor", "years", "doubles every (months)", "{confidence} interval",
    "by end points",
)  # fmt: skip
LOSS_HEADS = (
    "entries", "loss per tenfold compute", "loss per year", "doubles every (months)",
    "{confidence} interval", "in all",
)  # fmt: skip
IN = 1  # the column of quantities
DAYS = 30.4  # of a month
SHOWN = 3  # flags of one kind that are written out


def title(found: Histories) -> str:
    kinds = {history.quantity for history in found.histories}
    what = f"{kinds.pop()} to a fixed result" if len(kinds) == 1 else "progress on a fixed result"
    if all(isinstance(history, LossHistory) for history in found.histories):
        what = "compute to the same loss"
    return f"{found.title}: {what}"


def reading(found: Histories) -> str:
    """How its figure is read."""
    said = []
    if any(isinstance(history, History) for history in found.histories):
        said.append("Points are entries; the line is the least that any had needed")
    if any(isinstance(history, LossHistory) for history in found.histories):
        said.append("Points are entries, moved by the fit to the median compute")
    return f"{'. '.join(said)}. Lower is better."


def tables(found: Histories) -> Iterator[tuple[str, Sequence[str], list[list[str]]]]:
    """Title, heads and rows of each table; the first has the numbers, the others the records."""
    fixed = [history for history in found.histories if isinstance(history, History)]
    losses = [history for history in found.histories if isinstance(history, LossHistory)]
    if fixed:
        heads, rows = _heads(HEADS, fixed[0].confidence), [_row(history) for history in fixed]
        if len({history.quantity for history in fixed}) == 1:  # which the title says
            heads, *rows = ([*row[:IN], *row[IN + 1:]] for row in (heads, *rows))
        yield title(found), heads, rows
    if losses:
        rows = [_loss_row(history) for history in losses]
        yield title(found), _heads(LOSS_HEADS, losses[0].confidence), rows
    for history in fixed:
        yield _records(history, alone=len(fixed) == 1)


def lines(found: Histories) -> Iterator[str]:
    fixed = [history for history in found.histories if isinstance(history, History)]
    losses = [history for history in found.histories if isinstance(history, LossHistory)]
    if any(history.with_trend for history in fixed):
        yield f"doubling time: {ESTIMATOR}; interval: {INTERVAL}"
    if losses:
        yield (
            "doubling time: 12 ln(2) g / d months, of a least squares fit of log perplexity = "
            "c - g ln(compute) - d years; interval: Fieller's, with a bootstrap over entries"
        )
    said = [
        f"{history.entries.target}: {line}" if len(fixed) > 1 else line
        for history in fixed for line in _said(history)
    ]
    yield from dict.fromkeys(said)  # of two quantities of one target much is the same
    for history in losses:
        yield from history.notes
    yield from found.notes
    if found.source:
        yield f"source: {found.source}"


def in_months(months: float) -> str:
    """"15.9 months", "9 days"; "none" if it is infinite, "–" if it is not known."""
    if math.isnan(months):
        return "–"
    if math.isinf(months):
        return "none"
    return f"{months * DAYS:.2g} days" if months < 1 else f"{significant(months, 3)} months"


def interval_in_words(interval: Interval) -> str:
    """Of months, without the unit."""
    low, high = interval
    if math.isnan(low):
        return "–"
    if low == 0 and math.isinf(high):
        return "not bounded"
    return f"{_months(low)} or more" if math.isinf(high) else f"{_months(low)} to {_months(high)}"


def _months(months: float) -> str:
    if math.isnan(months):
        return "–"
    return "never" if math.isinf(months) else significant(months, 3)


def factor_in_words(factor: float) -> str:
    return "–" if math.isnan(factor) else f"{_number(factor)}×"


def _heads(heads: Sequence[str], confidence: float) -> list[str]:
    return [head.format(confidence=f"{100 * confidence:g}%") for head in heads]


def _row(history: History) -> list[str]:
    months = _doubling(history)
    span = history.span_of_entries
    years = f"{span:.2g}" if span >= 0.01 else "< 0.01"
    return [
        history.entries.target or "all entries", history.quantity, factor_in_words(history.factor),
        years, _months(months), interval_in_words(history.interval),
        _months(history.end_point_months if math.isfinite(months) else math.nan),
    ]  # fmt: skip


def _doubling(history: History) -> float:
    return history.doubling_months if history.with_trend else math.nan


def _loss_row(history: LossHistory) -> list[str]:
    fit = history.fit
    return [
        str(len(history.entries)), f"{-fit.gain * math.log(10):+.3g}", f"{-fit.yearly:+.3g}",
        _months(fit.doubling_months), interval_in_words(fit.interval),
        f"{factor_in_words(fit.factor)} in {fit.span:.2g} years",
    ]  # fmt: skip


def _records(history: History, *, alone: bool) -> tuple[str, list[str], list[list[str]]]:
    known = any(_known(step.parts) for step in history.steps)
    parts = [*history.steps[0].parts] if known else []
    heads = ["record", "date", history.quantity, "factor", *parts]
    of_parts = [["" for _ in parts], *(
        [factor_in_words(step.parts[part]) for part in parts]
        for step in history.steps
    )] if parts else [[] for _ in history.factors]
    entries, rows = history.entries, []
    for row, factor, own in zip(history.record_rows, history.factors, of_parts, strict=True):
        amount = _number(float(entries.amounts[row]))
        rows.append([
            entries.names[row], entries.dates[row], amount, factor_in_words(factor), *own
        ])
    of = "" if alone or not history.entries.target else f" of {history.entries.target}"
    return f"records{of}, {history.quantity}", heads, rows


def _known(parts: Mapping[str, float]) -> bool:
    return any(math.isfinite(value) for value in parts.values())


def _number(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= value < 1e7 else significant(value, 3)


def _said(history: History) -> Iterator[str]:
    yield from history.notes
    if math.isfinite(history.corrected_months) and len(history.frontier) > 2:
        yield (
            "a record is the best of more and more entries; allowing for that, the doubling time "
            f"is {in_months(history.corrected_months)}"
        )
    low, high = history.interval
    if not math.isnan(low) and not low <= _doubling(history) <= high and history.with_trend:
        yield (
            f"the trend of the records alone, {in_months(_doubling(history))}, is outside the "
            "interval, which counts when every entry came: records stand close together in time, "
            "so believe the interval"
        )
    if history.with_trend and len(history.frontier) > 2:
        yield from _without_one(history)
    low, high = history.factor_by_spacing
    if not math.isnan(low) and not math.isnan(high):
        yield (
            "targets are seen at evaluations only, which allows factors from "
            f"{factor_in_words(low)} to {factor_in_words(high)}"
        )
    if not math.isnan(history.factor_at_easier):
        yield (
            f"at an easier target ({history.easier_target or 'of its column'}) the factor is "
            f"{factor_in_words(history.factor_at_easier)}"
        )
    if history.effective is not None:
        told = history.effective
        yield (
            f"effective compute: {_number(told.physical)}× physical, times "
            f"{_number(told.algorithmic)}× at this target, is {_number(told.factor)}×"
        )
    yield from _flags(history.flags)


def _without_one(history: History) -> Iterator[str]:
    known = [one for one in history.left_out if math.isfinite(one.doubling_months)]
    if not known:
        return
    least, most = (pick(known, key=lambda one: one.doubling_months) for pick in (min, max))
    yield (
        f"without one record the doubling time is {in_months(least.doubling_months)} "
        f"(without {least.entry}) to {in_months(most.doubling_months)} (without {most.entry})"
    )


def _flags(flags: Sequence[Flag]) -> Iterator[str]:
    """Each in a sentence; where many are of one kind, some of them."""
    by_kind: dict[str, list[Flag]] = {}
    for flag in flags:
        by_kind.setdefault(flag.kind, []).append(flag)
    for kind, own in by_kind.items():
        if kind != "not_tuned" or len(own) <= SHOWN:
            yield from (flag.message for flag in own)
            continue
        names = [flag.entry for flag in own]
        rest = number_of(len(names) - SHOWN, "other")
        yield (
            f"not tuned for the target: {enumerated([*names[:SHOWN], rest])}. They reached it well "
            "before their runs ended, or ended beyond it, and may need less"
        )
