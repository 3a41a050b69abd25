"""Progress on a fixed result over the years: progress."""

from pathlib import Path
from typing import Annotated, Any

import typer

from mlgolf.cli.options import AsJson, Rulings, print_json
from mlgolf.cli.text import say


def add_to(app: typer.Typer) -> None:
    app.command(no_args_is_help=True)(progress)


def _column(option: str, meaning: str) -> Any:
    return typer.Option(option, metavar="COLUMN", help=meaning)


Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="TABLE|NAME|RUNS...",
        help="A table (.csv, .parquet), one row per entry; the name of one that ships: "
        "hernandez_brown, lm_progress; or run folders of one competition.",
    ),
]
Date = Annotated[str | None, _column("--date", "The table's dates.")]
Compute = Annotated[
    str | None,
    _column(
        "--compute", "Its compute, time, energy or money to the target. Of runs a quantity: the "
        "objective, time, dollars."
    ),
]
Target = Annotated[
    list[str] | None,
    typer.Option(
        "--target", "--task", metavar="NAME", help="Of several targets; of runs a workload.",
        show_default="all of them",
    ),
]
Name = Annotated[str | None, _column("--name", "Names of entries; else name, entry, model ….")]
TargetColumn = Annotated[
    str | None, _column("--target-column", "What was to be reached; else task, target ….")
]
Baseline = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="The entry that factors count from.", show_default="the first"
    ),
]
Since = Annotated[str | None, typer.Option(metavar="DATE", help="Leave out what is earlier.")]
Until = Annotated[str | None, typer.Option(metavar="DATE", help="Leave out what is later.")]
Part = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[NAME=][/]COLUMN", help="What the amount is made of; with / it is divided by "
        "it. Give one --part for each."
    ),
]
Loss = Annotated[str | None, _column("--loss", "Log perplexity: entries reach different losses.")]
Unit = Annotated[str | None, _column("--unit", "The unit of each amount, which must be the same.")]
Reached = Annotated[
    str | None, _column("--reached", "When the target was reached: epochs, seconds ….")
]
Ended = Annotated[str | None, _column("--ended", "When the run ended, in the same.")]
Easier = Annotated[str | None, _column("--easier", "When an easier target was reached.")]
Final = Annotated[str | None, _column("--final", "The metric at the end of the run.")]
Wanted = Annotated[str | None, _column("--wanted", "The metric that was to be reached.")]
Reported = Annotated[str | None, _column("--reported", "A reported factor, to be checked.")]
OtherDate = Annotated[str | None, _column("--other-date", "Dates to check the dates by.")]
OtherCompute = Annotated[
    str | None, _column("--other-compute", "Amounts to check the reported factor by.")
]
PhysicalGrowth = Annotated[
    float | None,
    typer.Option(
        metavar="FACTOR", help="By what the compute that was spent grew: for effective compute."
    ),
]
WithinAYear = Annotated[
    bool, typer.Option("--within-a-year", help="Allow a trend of entries of one year.")
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="A folder for the figure, its table, a page.")
]


def progress(
    sources: Sources, date: Date = None, compute: Compute = None, target: Target = None,
    name: Name = None, target_column: TargetColumn = None, baseline: Baseline = None,
    since: Since = None, until: Until = None, part: Part = None, loss: Loss = None,
    unit: Unit = None, reached: Reached = None, ended: Ended = None, easier: Easier = None,
    final: Final = None, wanted: Wanted = None, reported: Reported = None,
    other_date: OtherDate = None, other_compute: OtherCompute = None,
    physical_growth: PhysicalGrowth = None, within_a_year: WithinAYear = False,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999)] = 0.95,
    rulings: Rulings = None, output: Output = None, as_json: AsJson = False,
) -> None:
    """How much less a fixed result takes than years ago, and how fast that goes.

    The record is the least that any entry needed so far; its trend gives the doubling time of
    efficiency, with an interval. Entries that were not tuned for the target, and numbers that
    contradict one another, are flagged.

    Example: mlgolf progress hernandez_brown --target alexnet-top5-79.1 -o figures

    Example: mlgolf progress entries.csv --date published --compute flop --json

    Example: mlgolf progress runs/2025 runs/2026 --compute dollars
    """
    from rich.console import Console

    from mlgolf.api.progression import NAME
    from mlgolf.api.progression import progress as progress_of

    columns = {
        "name": name, "target": target_column, "loss": loss, "unit": unit, "reached": reached,
        "ended": ended, "easier": easier, "final": final, "wanted": wanted, "reported": reported,
        "other_date": other_date, "other_compute": other_compute,
    }
    found = progress_of(
        *sources, date=date, compute=compute, target=target or (), baseline=baseline, since=since,
        columns={key: value for key, value in columns.items() if value}, parts=_parts(part or []),
        until=until, within_a_year=within_a_year, physical_growth=physical_growth,
        confidence=confidence, rulings=rulings,
    )
    if output is not None:
        found.save(output)
        say(f"wrote {output / NAME}.svg", err=True)
    if as_json:
        print_json(found.as_json())
    else:
        found.show(Console(highlight=False))


def _parts(given: list[str]) -> dict[str, str]:
    """"hardware=/flop_per_second" -> {"hardware": "/flop_per_second"}; a column names itself."""
    parts = {}
    for text in given:
        name, equals, column = text.partition("=")
        parts[name if equals else text.removeprefix("/")] = column if equals else text
    return parts
