"""An ablation in words: tables for a terminal and a notebook."""

import math
from collections.abc import Iterator, Sequence

from mlgolf.analysis.ablation.effects import Effect, Effects
from mlgolf.analysis.ablation.experiment import Ablation
from mlgolf.core.text import number_of
from mlgolf.plots.heading import Heading, unfair_notice

HEADS = ("method", "effect", "p (Holm)", "verdict")
SHARE_HEADS = ("method", "its share")
ALL = "all together"


def heading(ablation: Ablation) -> Heading:
    """Of the figure."""
    design, times = ablation.design, ablation.experiment.value == "log_time"
    value = "a factor on the speed, above 1× is better" if times else (
        "a difference of the quality, above 0 is better"
    )
    has_intervals = any(
        not math.isnan(effect.interval[0])
        for found in ablation.all_effects for effect in found.mains
    )
    reading = [
        "Diagonal: what a method gives on average. Below it: how much more it gives where the "
        f"other is on. Each is {value} (blue), below it worse (orange).",
        f"Small numbers: {100 * ablation.confidence:.3g}% intervals." if has_intervals else
        "One study each, so there are no intervals.",
        *(["Framed: beyond chance, all effects counted (Holm, 5%)."] if has_intervals else []),
        *([] if design.is_full else ["*: the sum with other pairs, which the table names."]),
    ]
    return Heading(
        title=f"Alone and together: {', '.join(design.factors)}", reading=" ".join(reading),
        notice=unfair_notice(ablation.unfair),
    )


def title(ablation: Ablation, found: Effects) -> str:
    """What a table is of: "criteo1tb: 8 combinations, 3 studies each"."""
    if found.workload is None:
        return f"mean over {number_of(len(ablation.workloads), 'workload')}, and no others"
    low, high = ablation.studies
    studies = number_of(low, "study") if low == high else f"{low} to {high} studies"
    return f"{found.workload}: {len(ablation.design.levels)} combinations, {studies} each"


def _share_title(found: Effects) -> str:
    return f"{found.workload or 'mean'}: the gain of all together, shared out (Shapley values)"


def effect_rows(ablation: Ablation, found: Effects) -> list[tuple[str, ...]]:
    """What cannot be told apart is one row."""
    return [
        (named(ablation, effect), in_units(ablation, effect), _p(effect.adjusted_p),
         _verdict_in_words(ablation, effect))
        for effect in (*found.mains, *found.interactions)
        if ablation.design.leads(effect.methods)
    ]  # fmt: skip


def share_rows(ablation: Ablation, found: Effects) -> list[tuple[str, ...]]:
    parts = [(effect.methods[0], effect) for effect in found.attribution]
    return [(name, in_units(ablation, e)) for name, e in (*parts, (ALL, found.total))]


def lines(ablation: Ablation) -> Iterator[str]:
    """Sentences below the tables."""
    for complaint in ablation.unfair:
        yield f"not a fair comparison: {complaint}"
    if any(map(_is_one_of_many, ablation.tested)):
        count = len(ablation.tested)
        yield (
            f"cannot tell ({count} tests): the interval is of that effect alone, and excludes that "
            f"there is none; among {count} effects chance gives such an interval too often (Holm)"
        )
    yield from ablation.notes


def named(ablation: Ablation, effect: Effect) -> str:
    """ "colout x ema", and what it cannot be told apart from."""
    hidden = [
        f"{'+' if sign > 0 else '-'} {' x '.join(term)}"
        for term, sign in ablation.design.aliases[effect.methods]
    ]
    return " ".join([" x ".join(effect.methods), *hidden])


def verdict(effect: Effect) -> str:
    """After Holm's correction where it is known."""
    if math.isnan(effect.p):
        return ""
    p = effect.p if math.isnan(effect.adjusted_p) else effect.adjusted_p
    if not p < 0.05:
        return "cannot tell"
    if len(effect.methods) == 1:
        return "helps" if effect.estimate > 0 else "hurts"
    return "more together" if effect.estimate > 0 else "less together"


def _verdict_in_words(ablation: Ablation, effect: Effect) -> str:
    """With the number of tests where the interval of the effect alone tells more."""
    said = verdict(effect)
    return f"{said} ({len(ablation.tested)} tests)" if _is_one_of_many(effect) else said


def _is_one_of_many(effect: Effect) -> bool:
    """Whether the effect alone is beyond chance, and not among all that are tested."""
    low, high = effect.interval
    return verdict(effect) == "cannot tell" and (low > 0 or high < 0)


def in_units(ablation: Ablation, effect: Effect) -> str:
    """ "1.21x (1.15 to 1.27)", "at least 1.1x", "+0.02 (-0.01 to 0.05)"."""
    if effect.bound == "either":
        return "unknown"
    estimate = f"{effect.bound} {amount(ablation, effect.estimate)}".strip()
    known = not math.isnan(effect.interval[0])
    return f"{estimate} ({interval(ablation, effect)})" if known else estimate


def interval(ablation: Ablation, effect: Effect) -> str:
    low, high = effect.interval
    if math.isinf(high):
        return f"from {amount(ablation, low, unit='')}"
    if math.isinf(low):
        return f"up to {amount(ablation, high, unit='')}"
    return f"{amount(ablation, low, unit='')} to {amount(ablation, high, unit='')}"


def amount(ablation: Ablation, value: float, unit: str = "x") -> str:
    """A factor of time, or a difference of quality."""
    if ablation.experiment.value == "log_time":
        return f"{math.exp(value):.3g}{unit}"
    return f"{value:+.3g}"


def _p(value: float) -> str:
    if math.isnan(value):
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


Tables = Sequence[tuple[str, Sequence[str], list[tuple[str, ...]]]]


def tables(ablation: Ablation) -> Tables:
    """(title, heads, rows), two for each workload."""
    return [
        one for found in ablation.all_effects for one in (
            (title(ablation, found), HEADS, effect_rows(ablation, found)),
            (_share_title(found), SHARE_HEADS, share_rows(ablation, found)),
        )
    ]  # fmt: skip
