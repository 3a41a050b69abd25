"""What there is to read about tuning: tables and sentences, for the terminal and a notebook."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlgolf.analysis.tuning.curves import TuningCurve
from mlgolf.analysis.tuning.report import TuningReport
from mlgolf.core.text import significant
from mlgolf.plots.tuning_tables import loss_in_words, trials_in_words

COLUMNS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)  # numbers of trials that a table shows
MOST_COLUMNS = 4
MOST_SAID = 20  # pairs of bands that separate
NONE = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOfText:
    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables(report: TuningReport) -> Iterator[TableOfText]:
    """Those that have rows."""
    for workload in dict.fromkeys(workload for workload, _ in report.curves):
        yield _curves(report, workload)
    for table in (_sharing(report), _transfers(report), _choices(report)):
        if table.rows:
            yield table


def sentences(report: TuningReport) -> list[str]:
    """What is not fair, where bands separate, then notes."""
    pairs = [(w, pair) for w, found in report.separated.items() for pair in found]
    said = [
        f"{f'{workload}: ' if workload else ''}{pair.better} is better than {pair.worse} at "
        f"{trials_in_words(pair.trials)}: their bands separate"
        for workload, pair in pairs[:MOST_SAID]
    ]
    if len(pairs) > MOST_SAID:
        said.append(f"… and {len(pairs) - MOST_SAID} more pairs of bands separate: see --json")
    methods = {method for _, method in report.curves}
    if len(methods) > 1 and not pairs:
        said.append("no bands separate: these results do not tell the methods apart")
    if len(methods) > 1:
        both = f"{100 * max(0.0, 1 - 2 * (1 - report.confidence)):.3g}"
        said.append(f"two bands hold together with a probability of at least {both}%")
    if len(report.curves) > 2:
        missing = len(report.curves) * (1 - report.confidence)
        said.append(
            f"of {len(report.curves)} bands, each at {100 * report.confidence:.3g}%, up to "
            f"{missing:.2g} are expected to miss, so a pair among many may separate by chance"
        )
    unfair = (f"not a fair comparison: {complaint}" for complaint in report.results.unfair)
    return [*unfair, *said, *report.notes]


def _curves(report: TuningReport, workload: str) -> TableOfText:
    curves = {m: curve for (w, m), curve in report.curves.items() if w == workload}
    most = max(len(curve.trials) for curve in curves.values())
    ks = [k for k in COLUMNS if k <= most]
    ks = ks if len(ks) <= MOST_COLUMNS else [ks[round(i * (len(ks) - 1) / 3)] for i in range(4)]
    what, goal = report.results.measured[workload], report.results.goals[workload]
    percent = f"{100 * report.confidence:.3g}"
    where = f"{workload}: " if workload else ""
    title = (
        f"{where}{report.statistic} best of k trials (bands that hold at all k with {percent}%); "
        f"{what}, {goal}"
    )
    heads = ["method", "results", *(f"best of {k}" for k in ks)]
    rows = [
        [method, _results(curve), *(_cell(curve, k) for k in ks)]
        for method, curve in curves.items()
    ]
    return TableOfText(title=title, heads=heads, rows=rows)


def _results(curve: TuningCurve) -> str:
    return f"{curve.results - curve.failed}/{curve.results}" if curve.failed else str(curve.results)


def _cell(curve: TuningCurve, k: int) -> str:
    if k > len(curve.trials):
        return ""
    best, low, high = (_number(part[k - 1]) for part in (curve.best, curve.lower, curve.upper))
    if low == high == NONE:
        return "no result" if best == NONE else f"{best} (no bound)"
    return f"{'no result' if best == NONE else best} ({low} to {high})"


def _number(value: float) -> str:
    return significant(float(value), 4) if math.isfinite(value) else NONE


def _sharing(report: TuningReport) -> TableOfText:
    ratio = report.results.scale == "ratio"
    rows = []
    for method, found in report.sharing.items():
        best = found.points[0]
        worst = max(best.degradation, key=lambda name: _sortable(best.degradation[name]))
        rows.append([
            method, best.point, f"{best.reached}/{len(best.degradation)}",
            significant(best.mean, 3) if best.reached else NONE,
            significant(best.worst, 3) if best.reached else NONE,
            found.best_worst, worst,
        ])  # fmt: skip
    unit = "times the best point's time" if ratio else "differences to the best, in spreads"
    return TableOfText(
        title=f"One point on all workloads ({unit}; over workloads with a result)", rows=rows,
        heads=["method", "point", "reached", "mean", "worst", "least worst", "workload"],
    )


def _sortable(value: float) -> float:
    return math.inf if math.isnan(value) else value


def _transfers(report: TuningReport) -> TableOfText:
    rows = []
    for (method, workload, variant), found in report.transfers.items():
        interval = found.tau_interval
        rows.append([
            method, workload, variant, str(found.points), _rounded(found.tau),
            " to ".join(map(_rounded, interval)) if interval else NONE,
            significant(found.p_value, 2),
            loss_in_words(found.loss, report.results.scale),
        ])  # fmt: skip
    return TableOfText(
        title="Points carried to a variant (Kendall's tau; cost there of the workload's best)",
        heads=["method", "workload", "variant", "points", "tau", "interval", "p", "cost"],
        rows=rows,
    )


def _rounded(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else NONE


def _choices(report: TuningReport) -> TableOfText:
    rows = [
        [
            one.method, NONE if one.budget is None else f"{100 * one.budget:g}%",
            str(one.choices.studies), str(one.choices.differ), str(one.choices.never),
            _rounded(one.choices.time_factor),
        ]
        for one in report.chosen
    ]
    return TableOfText(
        title="Choosing a study's trial for quality at a share of the budget, not for time to "
        "target",
        heads=["method", "budget", "studies", "other trial", "never reached", "times the time"],
        rows=rows,
    )
