"""A fitted scaling law in words: its constants, what budgets buy, and what the runs do not tell."""

import math
from collections.abc import Iterator

from mlgolf.analysis.intervals import Interval
from mlgolf.analysis.scaling.identified import ran_away
from mlgolf.analysis.scaling.isoflop import IsoFlop
from mlgolf.analysis.scaling.study import ScalingStudy, Variant
from mlgolf.core.text import enumerated, number_of

NO_FLOOR = 1e-6  # nats: an E below it is 0, whose logarithm the fit cannot reach
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


def stated_for(found: ScalingStudy) -> str:
    """Where budgets and predictions hold, for titles: ", at moe = 0"; empty if everywhere."""
    runs = found.runs
    levels = [f"{lever} = 0" for lever in runs.levers]
    levels += ["full precision"] * bool(runs.bits)
    parts = [f"at {enumerated(levels)}"] * bool(levels)
    parts += ["on data seen once"] * (runs.unique_tokens is not None)
    return f", {' and '.join(parts)}" if parts else ""


def law_reading(found: ScalingStudy) -> str:
    sizes = "" if found.fit.why_no_sizes else (
        "Loss: lower is better; points are runs, lines the best size for each compute with its "
        f"{found.fit.confidence:.0%} band, dashed beyond the runs. "
    )
    return sizes + (
        "Profiles: one parameter is moved and the others follow; values below the dashed line are "
        "in the interval, and a flat curve is not identified."
    )


def law_rows(found: ScalingStudy) -> list[tuple[str, ...]]:
    values = sorted(found.fit.values.items(), key=lambda one: _order(one[0]))
    return [(name, *_estimate(found, name, value), _profile(found, name)) for name, value in values]


def _estimate(found: ScalingStudy, name: str, value: float) -> tuple[str, str]:
    if name in found.fit.ran_away:
        return "not identified", ""
    if name not in found.fit.intervals:
        return f"{value:.4g}", "given"
    low, high = (0.0 if name == "E" and end < NO_FLOOR else end for end in (
        found.fit.intervals[name]
    ))  # fmt: skip
    return _constant(name, value), _interval((low, high))


def _constant(name: str, value: float | None) -> str:
    if value is None or (ran_away(value) and name != "E"):
        return ""
    return f"{0.0 if name == 'E' and value < NO_FLOOR else value:.4g}"


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
    fit = found.fit
    exponent = math.nan if fit.why_no_sizes else float(fit.law.params_exponent)
    now = Variant(change="as above", values=fit.values, params_exponent=exponent)
    return [
        (
            f"{one.change}: {one.why_not}" if one.why_not else one.change,
            *(_constant(name, one.values.get(name)) for name in ("E", "alpha", "beta")),
            "" if math.isnan(one.params_exponent) else f"{one.params_exponent:.3f}",
        ) for one in (now, *found.variants)
    ]  # fmt: skip


def law_lines(found: ScalingStudy, notes: tuple[str, ...]) -> Iterator[str]:
    yield from notes
    fit = found.fit
    if fit.why_no_sizes:
        yield f"No best sizes: {fit.why_no_sizes}."
    else:
        exponent, interval = fit.estimate(lambda law: law.params_exponent)
        yield (
            f"For the least loss, parameters grow as C^{exponent:.3f} "
            f"({_interval(interval, '.3f')}) and tokens as C^{1 - exponent:.3f}, with C = 6 N D "
            "the FLOP of training."
        )
    if fit.not_identified:
        yield (
            f"Not identified: {enumerated(fit.not_identified)}. The runs fit about as well with "
            "values as far off as one likes. Runs that differ more in size or data would tell."
        )
    if fit.first_stage is not None:
        yield (
            f"E, A, B, alpha and beta come from the {len(fit.first_stage.form.runs)} runs that saw "
            "no token twice. R_D and R_N are fitted to all runs with that law held, in each draw "
            "with the law of that draw; their profiles hold the law of the table."
        )
    for name in fit.form.runs.levers:
        factor, (low, high) = fit.values[name], fit.intervals.get(name, (math.nan, math.nan))
        yield f"{name} is worth {factor:.3g} times the compute ({low:.3g} to {high:.3g})."
    yield (
        f"Least sum of Huber losses of log loss, delta {fit.delta:g}: {fit.objective:.6g}; "
        f"{fit.starts_at_best} of {fit.starts} starts end there. Intervals: {len(fit.draws):,} "
        "draws of a bootstrap over runs."
    )


def isoflop_title(found: IsoFlop) -> str:
    low, high = found.exponent_interval
    told = f"{low:.3f} to {high:.3f}" if math.isfinite(high - low) else "interval not told"
    return f"isoFLOP: parameters grow as C^{found.exponent:.3f} ({told})"


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
    low, high = ends
    if low == 0 or math.isinf(high):
        known = [f"above {count(low)}"] * (low > 0) + [f"below {count(high)}"] * math.isfinite(high)
        return f"({' and '.join(known) or 'anything'})"
    return f"({count(low)} to {count(high)})"


def _profile(found: ScalingStudy, name: str) -> str:
    profile = found.fit.all_profiles.get(name)
    if profile is None:
        return ""
    low, high = profile.interval
    if profile.is_open:
        low_known, high_known = low not in (0, -math.inf), high != math.inf
        ends = [f"above {low:.4g}"] * low_known + [f"below {high:.4g}"] * high_known
        return " and ".join(ends) or "anything"
    return _interval((low, high))
