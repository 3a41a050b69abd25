"""Progress on a fixed result over the years: progress."""

from pathlib import Path
from typing import Annotated

import typer

from mlgolf.cli.options import AsJson, print_json
from mlgolf.cli.text import say


def add_to(app: typer.Typer) -> None:
    app.command(no_args_is_help=True)(progress)


Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="TABLE|NAME|RUNS...",
        help="A table (.csv, .parquet), one row per entry; the name of one that ships: "
        "hernandez_brown, lm_progress; or run folders of one competition.",
    ),
]


def _column(option: str, help: str) -> typer.models.OptionInfo:
    return typer.Option(option, metavar="COLUMN", help=help, rich_help_panel=None)


def progress(
    sources: Sources,
    date: Annotated[str | None, _column("--date", "The table's dates.")] = None,
    compute: Annotated[
        str | None,
        _column("--compute", "Its compute, time, energy or money to the target; of runs a "
                "quantity: the objective, time, dollars."),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option("--target", "--task", metavar="NAME", help="Of several targets; of runs a "
                     "workload.", show_default="all of them"),
    ] = None,
    name: Annotated[str | None, _column("--name", "Names of entries.")] = None,
    target_column: Annotated[
        str | None, _column("--target-column", "What was to be reached; else task or target.")
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The entry that factors count from.",
                     show_default="the first"),
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="Leave out earlier.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="Leave out later.")] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=][/]COLUMN", help="What the amount is made of; with / it is "
                     "divided by it. Repeat it."),
    ] = None,
    loss: Annotated[
        str | None, _column("--loss", "Log perplexity: entries reach different losses.")
    ] = None,
    unit: Annotated[str | None, _column("--unit", "The unit of the amount.")] = None,
    reached: Annotated[
        str | None, _column("--reached", "When the target was reached, as epochs or seconds.")
    ] = None,
    ended: Annotated[str | None, _column("--ended", "When the run ended, in the same.")] = None,
    easier: Annotated[
        str | None, _column("--easier", "When an easier target was reached, in the same.")
    ] = None,
    final: Annotated[str | None, _column("--final", "The metric at the end.")] = None,
    wanted: Annotated[str | None, _column("--wanted", "The metric to reach, a number.")] = None,
    reported: Annotated[
        str | None, _column("--reported", "The factor that the source reports, to check.")
    ] = None,
    other_date: Annotated[
        str | None, _column("--other-date", "Dates to check the others by.")
    ] = None,
    other_compute: Annotated[
        str | None, _column("--other-compute", "Amounts to check the reported factor by.")
    ] = None,
    physical_growth: Annotated[
        float | None,
        typer.Option(metavar="FACTOR", help="By what the compute that was spent grew: gives "
                     "effective compute."),
    ] = None,
    within_a_year: Annotated[
        bool, typer.Option("--within-a-year", help="A trend of entries of one year.")
    ] = False,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999)] = 0.95,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="A folder for the figure, its table, a page."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """How much less a fixed result takes than years ago, and how fast that goes.

    The record is the least that any entry needed so far; its trend gives the doubling time of
    efficiency, with an interval. Entries that were not tuned for the target, and numbers that
    contradict one another, are flagged.

    Example: mlgolf progress hernandez_brown --target alexnet-top5-79.1 -o figures

    Example: mlgolf progress entries.csv --date published --compute flop --json

    Example: mlgolf progress runs/2024 runs/2025 --compute dollars
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
        confidence=confidence,
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
