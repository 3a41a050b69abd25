"""The command that judges methods with their tuning counted in."""

from pathlib import Path
from typing import Annotated

import typer

from mlgolf.cli.options import AsJson, Rulings, print_json
from mlgolf.cli.text import say


def add_to(app: typer.Typer) -> None:
    app.command()(tuning)


Results = Annotated[
    list[Path] | None,
    typer.Argument(
        help="A table (.csv, .parquet) of your own or of AlgoPerf's results, run folders, or "
        "AlgoPerf's logs.",
        show_default="the latest run in runs/",
    ),
]
TheGoal = Annotated[
    str | None,
    typer.Option(help="Of your own table: maximise or minimise.", show_default="maximise"),
]
Confidence = Annotated[
    float, typer.Option(help="Of each band, at all numbers of trials together.")
]
Quality = Annotated[
    str | None,
    typer.Option(help="The column of your table with the results.", show_default="quality"),
]
Metric = Annotated[
    str | None,
    typer.Option(
        help="validation: the best validation result. time: the time to the target; in your own "
        "table the column time.",
        show_default="the column quality, or what the rules minimise",
    ),
]
Curve = Annotated[str, typer.Option(help="Of the best of k trials: median, or mean.")]
Trials = Annotated[
    int | None,
    typer.Option(
        help="How many trials curves go up to.", show_default="as many as results, at most 1000"
    ),
]
LowerBound = Annotated[
    float | None, typer.Option(help="The least value that the metric can have.")
]
UpperBound = Annotated[float | None, typer.Option(help="The largest value.")]
Methods = Annotated[
    list[str] | None, typer.Option(help="Only this method, or submission. Repeatable.")
]
Workloads = Annotated[list[str] | None, typer.Option(help="Only this one. Repeatable.")]
Transfers = Annotated[
    list[str] | None,
    typer.Option(help="Of your own table: WORKLOAD=VARIANT to compare ranks on. Repeatable."),
]
Competition = Annotated[str | None, typer.Option(help="Which board of a table of AlgoPerf's.")]
Ruleset = Annotated[
    str | None, typer.Option("--tuning", help="external or self, of such a table.")
]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="Write figures, and their tables, into this folder."),
]


def tuning(
    results: Results = None,
    goal: TheGoal = None,
    confidence: Confidence = 0.95,
    quality: Quality = None,
    metric: Metric = None,
    curve: Curve = "median",
    trials: Trials = None,
    lower_bound: LowerBound = None,
    upper_bound: UpperBound = None,
    method: Methods = None,
    workload: Workloads = None,
    transfer: Transfers = None,
    competition: Competition = None,
    ruleset: Ruleset = None,
    rulings: Rulings = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Compare methods at equal numbers of tuning trials, with exact confidence bands.

    A table has the columns method and quality, and may have workload, study, point and time. A
    trial without a result (an empty cell, nan, or the worst infinity) counts as the worst. With
    points and several workloads it also says what one point for all of them costs, and whether
    points keep their ranks on variants.

    Example: mlgolf tuning search.csv --goal minimise --quality loss

    Example: mlgolf tuning search.csv --lower-bound 0 --upper-bound 1 -o figures

    Example: mlgolf tuning runs/a --json

    Example: mlgolf tuning trials.csv --competition algoperf-0.5 --tuning external
    """
    from rich.console import Console

    from mlgolf.api.tuning import tuning_curves

    found = tuning_curves(
        *(results or ()), goal=goal, confidence=confidence, quality=quality, metric=metric,
        statistic=curve, trials=trials, bounds=(lower_bound, upper_bound),
        competition=competition, tuning=ruleset, methods=method or (), workloads=workload or (),
        transfers=[_pair(text) for text in transfer or ()], rulings=rulings,
    )
    written = found.save(output) if output else []
    if as_json:
        print_json(found.report.as_json())
    else:
        found.show(Console(highlight=False))
    for path in written:
        if path.suffix == ".svg" and not path.stem.endswith("_dark"):
            say(path, err=True)


def _pair(text: str) -> tuple[str, str]:
    workload, separator, variant = text.partition("=")
    if not separator:
        raise typer.BadParameter(f"--transfer: found {text!r}, expected WORKLOAD=VARIANT")
    return workload, variant
