"""A fitted scaling law in words: its constants, what budgets buy, and what the runs do not tell."""

import math
from collections.abc import Iterator

from mlgolf.analysis.intervals import Interval
from mlgolf.analysis.scaling.isoflop import IsoFlop
from mlgolf.analysis.scaling.study import ScalingStudy
from mlgolf.core.text import enumerated, number_of

HEADS = ("parameter", "value", "{} interval", "by its profile")
BUDGET_HEADS = ("FLOP", "parameters", "tokens", "loss", "beyond the runs")
PREDICTION_HEADS = ("parameters", "tokens", "loss", "of one run", "beyond the runs")
VARIANT_HEADS = ("choice", "E", "alpha", "beta", "a")
ISOFLOP_HEADS = ("FLOP", "runs", "best parameters", "loss there", "why not")
ISOFLOP_READING = (
    "Each point is the lowest point of a parabola through runs of the same compute, with its 95% "
    "interval."
)


def law_title(found: ScalingStudy) -> str:
    return f"L = E + A / N^alpha + B / D^beta, fitted to {number_of(len(found.runs), 'run')}"


def law_reading(found: ScalingStudy) -> str:
    return (
        "Loss: lower is better; points are runs, lines the best size for each compute with its "
        f"{found.fit.confidence:.0%} band, dashed beyond the largest run. Profiles: one parameter "
        "is moved and the others follow; values below the dashed line are in the interval, and a "
        "flat curve is not identified."
    )


def law_rows(found: ScalingStudy) -> list[tuple[str, ...]]:
    intervals = found.fit.intervals
    return [
        (
            name, f"{value:.4g}",
            _interval(intervals[name]) if name in intervals else "given",
            _profile(found, name),
        ) for name, value in sorted(found.fit.values.items(), key=lambda one: _order(one[0]))
    ]  # fmt: skip


def heads(found: ScalingStudy) -> tuple[str, ...]:
    return tuple(head.format(f"{found.fit.confidence:.0%}") for head in HEADS)


def budget_rows(found: ScalingStudy) -> list[tuple[str, ...]]:
    return [
        (
            f"{one.flop:.3g}", f"{count(one.params)} {_counts(one.params_interval)}",
            f"{count(one.tokens)} {_counts(one.tokens_interval)}",
            f"{one.loss:.4g} ({_interval(one.loss_interval)})", decades(one.extrapolation_decades),
        ) for one in found.budgets
    ]  # fmt: skip


def prediction_rows(found: ScalingStudy) -> list[tuple[str, ...]]:
    return [
        (
            count(one.params), count(one.tokens), f"{one.loss:.4g}", _interval(one.interval),
            decades(one.extrapolation_decades),
        ) for one in found.predictions
    ]  # fmt: skip


def variant_rows(found: ScalingStudy) -> list[tuple[str, ...]]:
    rows = [("as above", found.fit.values, float(found.fit.law.params_exponent))]
    rows += [(one.change, one.values, one.params_exponent) for one in found.variants]
    return [
        (change, *(f"{values[name]:.4g}" for name in ("E", "alpha", "beta")), f"{exponent:.3f}")
        for change, values, exponent in rows
    ]


def law_lines(found: ScalingStudy, notes: tuple[str, ...]) -> Iterator[str]:
    fit = found.fit
    exponent, interval = fit.estimate(lambda law: law.params_exponent)
    yield (
        f"For the least loss, parameters grow as C^{exponent:.3f} ({_interval(interval, '.3f')}) "
        f"and tokens as C^{1 - exponent:.3f}, with C = 6 N D the FLOP of training."
    )
    if fit.not_identified:
        yield (
            f"Not identified: {enumerated(fit.not_identified)}. The runs fit about as well with "
            "values as far off as one likes. Runs that differ more in size or data would tell."
        )
    if found.single_epoch_runs:
        yield (
            f"E, A, B, alpha and beta come from the {found.single_epoch_runs} runs that saw no "
            "token twice, and were held for R_D and R_N."
        )
    for name in fit.form.runs.levers:
        factor, (low, high) = fit.values[name], fit.intervals.get(name, (math.nan, math.nan))
        yield f"{name} is worth {factor:.3g} times the compute ({low:.3g} to {high:.3g})."
    yield (
        f"Least sum of Huber losses of log loss, delta {fit.delta:g}: {fit.objective:.6g}; "
        f"{fit.starts_at_best} of {fit.starts} starts end there. Intervals: {len(fit.draws):,} "
        "draws of a bootstrap over runs."
    )
    yield from notes


def isoflop_title(found: IsoFlop) -> str:
    low, high = found.exponent_interval
    return f"isoFLOP: parameters grow as C^{found.exponent:.3f} ({low:.3f} to {high:.3f})"


def isoflop_rows(found: IsoFlop) -> list[tuple[str, ...]]:
    return [
        (
            f"{one.flop:.3g}", str(one.runs),
            "" if one.why_not else f"{count(one.params)} {_counts(one.params_interval)}",
            "" if one.why_not else f"{one.loss:.4g}", one.why_not,
        ) for one in found.budgets
    ]  # fmt: skip


def isoflop_lines(found: IsoFlop, notes: tuple[str, ...]) -> Iterator[str]:
    if found.left_out:
        yield f"{number_of(found.left_out, 'run')} left out: too few others of the same compute."
    yield (
        "A parabola is only an approximation: sizes far apart, or not centred on the best one, "
        "bias it even without noise."
    )
    yield from notes


def decades(distance: float) -> str:
    return "within" if distance == 0 else f"{distance:.1f} decades"


def count(number: float) -> str:
    """12.3M, 4.56B, 1.2e15."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size <= number < 1e15:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}"


def _order(name: str) -> int:
    base = ("E", "A", "B", "alpha", "beta")
    return base.index(name) if name in base else len(base)


def _interval(ends: Interval, form: str = ".4g") -> str:
    return f"{ends[0]:{form}} to {ends[1]:{form}}"


def _counts(ends: Interval) -> str:
    return f"({count(ends[0])} to {count(ends[1])})"


def _profile(found: ScalingStudy, name: str) -> str:
    if name not in found.fit.profiles:
        return ""
    low, high = found.fit.profiles[name].interval
    if found.fit.profiles[name].is_open:
        low_known, high_known = low not in (0, -math.inf), high != math.inf
        ends = [f"above {low:.4g}"] * low_known + [f"below {high:.4g}"] * high_known
        return " and ".join(ends) or "anything"
    return _interval((low, high))
