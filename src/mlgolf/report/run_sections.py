"""Sections of a report whose runs are each a result by itself: every run, and the twin set."""

import math

from mlgolf.core.quantities import quantity
from mlgolf.report.board import capitalised
from mlgolf.report.html import Html, join, section, table, tag, text
from mlgolf.report.runs import MarginView, RunsView, RunView
from mlgolf.scoring.twin import Association, Twin


def runs_section(found: RunsView) -> Html:
    """Every run, qualified or not: its verdict, value, margins, and what to change."""
    if not found.runs:
        return Html("")
    heads = ["Submission", "Seed", "Verdict", capitalised(found.value_is),
             *map(capitalised, found.bounded), "Valid models", "How it ended"]
    about = (
        f"Bounds: {', '.join(found.bounds)}. Each cell has the value of the model that counts and "
        "its share of the bound; where none qualified, those of the nearest model. Valid models "
        "keep all bounds, of those that were judged."
        + (f" {found.reference}." if found.reference else "")
    )
    rows = [_run(run, len(found.bounded)) for run in found.runs]
    return section(
        "Every run", *([tag("p", text(f"{found.record}."))] if found.record else []),
        table([text(head) for head in heads], rows, css="board"),
        tag("p", text(about), css="aside"),
    )


def _run(run: RunView, bounds: int) -> list[Html]:
    margins = [_margin(margin) for margin in run.margins] or [text("–")] * bounds
    advice = [tag("small", text(f"To change: {run.to_change}."))] if run.to_change else []
    verdict = text(run.verdict.replace("_", " ").lower())
    return [
        tag("th", text(run.submission)), text(run.seed),
        tag("td", verdict, css="" if run.qualified else "failed"),
        tag("td", tag("b", text(run.value))), *margins, text(run.models),
        tag("td", text(run.reason), *advice, css="reason"),
    ]


def _margin(margin: MarginView) -> Html:
    return tag(
        "td", text(margin.value), tag("small", text(margin.share)),
        css="" if margin.met else "failed",
    )


def correlations(found: Twin) -> Html:
    """Rank correlations of what was measured of models with their error on the twin set."""
    heads = ["Quantity", *(f"{capitalised(error.replace('_', ' '))} on the twin set"
                           for error in found.errors)]
    by_place = {(a.quantity, a.error): a for a in found.associations}
    rows = [
        [tag("th", text(quantity(name).noun)),
         *(_association(by_place[name, error]) for error in found.errors)]
        for name in found.quantities
    ]
    about = (
        "Spearman's rank correlation: 1 if the error always rises with the quantity, -1 if it "
        "always falls, 0 if they are unrelated. Below it the 95% interval, over resampled runs. "
        + ("Models of one run resemble each other, so few runs say little, however many models "
           "there are. " if not found.one_of_each_run else "")
        + " ".join(f"Left out: {quantity(name).noun}, {why}." for name, why in found.left_out)
    )
    return join([
        table([text(head) for head in heads], rows), tag("p", text(about.strip()), css="aside")
    ])


def _signed(value: float) -> str:
    """With two decimals; what rounds to 0 has no sign."""
    return f"{value:+.2f}" if round(value, 2) else "0.00"


def _association(found: Association) -> Html:
    if math.isnan(found.correlation):
        return tag("td", text("–"), tag("small", text("all models are equal")))
    interval = "too few runs for an interval" if found.interval is None else (
        " to ".join(map(_signed, found.interval))
    )
    return tag("td", text(_signed(found.correlation)), tag("small", text(interval)))
