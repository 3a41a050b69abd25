"""A comparison in words: tables for a terminal, a page and a pull request."""

import math
from collections.abc import Iterator, Sequence

from mlgolf.analysis.curves.comparison import Comparison
from mlgolf.analysis.curves.dominance import Compared
from mlgolf.analysis.curves.tradeoff import Judged, Verdict
from mlgolf.analysis.intervals import Interval
from mlgolf.core.target import Goal
from mlgolf.core.text import enumerated, number_of
from mlgolf.plots.heading import Heading, unfair_notice
from mlgolf.plots.tradeoff import Told

HEADS = (
    "method", "time", "quality", "speed-up at the same quality", "gain at the same time", "verdict",
)  # fmt: skip
CURVE_HEADS = ("method", "speed-up on average", "verdict", "crosses the baseline at")
WORDS = {
    Verdict.BETTER: "better", Verdict.WORSE: "worse", Verdict.CANNOT_TELL: "cannot tell",
    Verdict.OUTSIDE: "outside",
}  # fmt: skip


def title(comparison: Comparison) -> str:
    points = comparison.table.points[comparison.baseline]
    runs = sorted({point.runs for point in points})
    seeds = f"{runs[0]}" if len(runs) == 1 else f"{runs[0]} to {runs[-1]}"
    return (
        f"{comparison.table.quality} against {comparison.table.time}; baseline: "
        f"{comparison.baseline}, {number_of(len(points), 'budget')}, {seeds} "
        f"run{'s' * (seeds != '1')} each"
    )


def heading(comparison: Comparison, *, panels: bool, log: bool) -> Heading:
    """Of the figure. Args: panels: one for each method; log: also the axis of the quality."""
    towards = "Up" if comparison.goal is Goal.MAXIMISE else "Down"
    known = any(comparison.has_intervals(name) for name in comparison.methods)
    found = {judged.verdict for judged in comparison.points}
    hollow = [words for verdict, words in (
        (Verdict.CANNOT_TELL, "cannot tell"), (Verdict.OUTSIDE, "outside the baseline's range")
    ) if verdict in found]  # fmt: skip
    reading = [
        f"{towards} and to the left is better.",
        *([f"Bands and bars: {100 * comparison.confidence:.3g}% intervals."] if known else []),
        *([
            f"One run each of {enumerated(comparison.without_intervals)}: verdicts are of the "
            "estimates, without a test, and points hollow."
        ] if comparison.without_intervals else []),
        *(["Filled points: better or worse than the baseline beyond chance."] if known else []),
        *([f"Hollow: {', or '.join(hollow)}."] if hollow else []),
        *([
            "Blue: the baseline.",
            "Both axes are logarithmic." if log else "The axis of time is logarithmic.",
        ] if panels else []),
        *(["An interval at the edge goes on."] if log and known else []),
    ]
    return Heading(
        title=title(comparison), reading=" ".join(reading), notice=unfair_notice(comparison.unfair)
    )


def told(comparison: Comparison) -> dict[str, Told]:
    """Of each method: of its curve, or its one point."""
    found = {
        judged.point.method: Told(
            _factor(judged), in_words(comparison, judged.point.method, judged.verdict)
        )
        for judged in comparison.points
    }
    return found | {
        compared.method: Told(
            average_speedup(compared), in_words(comparison, compared.method, compared.verdict)
        )
        for compared in comparison.curves
    }


def point_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    return [
        (
            judged.point.method, _number(judged.point.time), _number(judged.point.quality),
            _factor(judged), _gain(judged),
            in_words(comparison, judged.point.method, judged.verdict),
        )
        for judged in comparison.points
    ]  # fmt: skip


def curve_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    return [
        (
            compared.method, _average(compared),
            in_words(comparison, compared.method, compared.verdict),
            _crossings(compared, estimates=not comparison.has_intervals(compared.method)),
        )
        for compared in comparison.curves
    ]  # fmt: skip


def in_words(comparison: Comparison, method: str, verdict: Verdict) -> str:
    """What no interval backs is marked: "worse (estimate)"."""
    is_claim = verdict in (Verdict.BETTER, Verdict.WORSE)
    untested = is_claim and not comparison.has_intervals(method)
    return f"{WORDS[verdict]}{' (estimate)' if untested else ''}"


def lines(comparison: Comparison) -> Iterator[str]:
    """Sentences below the tables."""
    for complaint in comparison.unfair:
        yield f"not a fair comparison: {complaint}"
    yield _front(comparison)
    yield from comparison.notes


def _front(comparison: Comparison) -> str:
    axes = comparison.table.axes
    if not axes:
        front = ", ".join(
            f"{point.method} at {_number(point.time)}" for point in comparison.front
        )
        return f"Pareto front, points than which none is both faster and better: {front}"
    front = ", ".join(
        f"{point.method} at {' and '.join(map(_number, point.on_axes))}"
        for point in comparison.front
    )
    names = " and ".join(f"{axis.name} ({axis.goal})" for axis in axes)
    return f"Pareto front of {names}, points than which none is better in both: {front}"


def markdown(comparison: Comparison, figure: str = "") -> str:
    """As a comment for a pull request. Args: figure: its file, if there is one."""
    notice = unfair_notice(comparison.unfair)
    parts = [f"**{notice}**", ""] if notice else []
    parts += [f"**{_headline(comparison)}**", "", title(comparison), ""]
    parts += _markdown_table(HEADS, point_rows(comparison))
    if comparison.curves:
        parts += ["", *_markdown_table(CURVE_HEADS, curve_rows(comparison))]
    if figure:
        parts += ["", f"![{title(comparison)}]({figure})"]
    return "\n".join([*parts, "", *(f"- {line}" for line in lines(comparison))])


def verdicts(comparison: Comparison) -> list[Verdict]:
    """Of each method: of its whole curve; where that shares no quality, of its points.

    What has no interval cannot be told from noise, however its estimate looks.
    """
    of_curves = {
        compared.method: [compared.verdict] for compared in comparison.curves
        if compared.verdict is not Verdict.OUTSIDE
    }
    found: list[Verdict] = []
    for method in comparison.methods:
        of_points = [one.verdict for one in comparison.points if one.point.method == method]
        own = of_curves.get(method, of_points)
        known = comparison.has_intervals(method)
        found += [one if known or one is Verdict.OUTSIDE else Verdict.CANNOT_TELL for one in own]
    return found


def _headline(comparison: Comparison) -> str:
    found = (WORDS[verdict] for verdict in verdicts(comparison))
    return ", ".join(dict.fromkeys(found)).capitalize()


def _markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(heads)} |", "|---" * len(heads) + "|",
        *(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows),
    ]  # fmt: skip


def _factor(judged: Judged) -> str:
    low, high = judged.speedup_interval
    if math.isnan(judged.speedup):
        return _bounds(low, high, "×")
    return f"{judged.speedup:.3g}×{_interval((low, high), '×')}"


def average_speedup(compared: Compared) -> str:
    if math.isnan(compared.average_speedup):
        return "no quality in common"
    return f"{compared.average_speedup:.3g}×{_interval(compared.interval, '×')}"


def _average(compared: Compared) -> str:
    if math.isnan(compared.average_speedup):
        return average_speedup(compared)
    low, high = compared.shared
    return f"{average_speedup(compared)}, for {_number(low)} to {_number(high)}"


def _crossings(compared: Compared, *, estimates: bool) -> str:
    """Those beyond chance; all of them where only estimates are known."""
    shown = [one for one in compared.crosses_at if one.beyond_chance or estimates]
    if not shown:
        return "nowhere beyond chance" if compared.crosses_at else "nowhere"
    return "; ".join(f"{_number(one.time)} ({_number(one.quality)})" for one in shown)


def _gain(judged: Judged) -> str:
    if math.isnan(judged.quality_gain):
        return "outside"
    low, high = judged.quality_gain_interval
    return f"{judged.quality_gain:+.3g}" + (
        "" if math.isnan(low) else f" ({low:+.3g} to {high:+.3g})"
    )


def _interval(interval: Interval, unit: str) -> str:
    low, high = interval
    if math.isnan(low):
        return ""
    return f" ({_bounds(low, high, unit)})"


def _bounds(low: float, high: float, unit: str) -> str:
    """A bound as a bound, never as a number."""
    if math.isnan(low) or (low == 0 and math.isinf(high)):
        return "outside"
    if math.isinf(high):
        return f"at least {low:.3g}{unit}"
    return f"at most {high:.3g}{unit}" if low == 0 else f"{low:.3g} to {high:.3g}{unit}"


def _number(value: float) -> str:
    return f"{value:.4g}"
