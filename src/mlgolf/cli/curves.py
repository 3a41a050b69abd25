"""Commands that compare methods across budgets: curve."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mlgolf.cli.options import AsJson, Rulings, print_json
from mlgolf.cli.text import say


def add_to(app: typer.Typer) -> None:
    app.command(no_args_is_help=True)(curve)


Results = Annotated[
    list[Path],
    typer.Argument(
        help="One table (.csv, .parquet) with the columns method, time, quality and, for several "
        "runs, seed; or run folders. With --ci: two of them."
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(help="The method with several budgets.", show_default="the first"),
]
Time = Annotated[str | None, typer.Option(help="The table's column of time or money.")]
Quality = Annotated[
    str | None,
    typer.Option(
        help="The table's column of quality; of runs the split that is shown: validation, test. "
        "Trials are chosen by validation."
    ),
]
ItsGoal = Annotated[
    Literal["maximise", "minimise"] | None,
    typer.Option(help="The quality.", show_default="maximise; runs know"),
]
Between = Annotated[
    Literal["pchip", "log-linear"], typer.Option(help="Of the baseline, in log time.")
]
Workload = Annotated[str | None, typer.Option(help="Of runs, if they have several.")]
PointOf = Annotated[
    Literal["each", "shared"] | None,
    typer.Option(
        help="Of runs: the best point of each budget, or one for all of them.",
        show_default="each; shared after run --tune-at",
    ),
]
Pareto = Annotated[
    str | None,
    typer.Option(
        help="Two columns for the Pareto front, or quantities of runs, each with which way is "
        "better: energy:minimise,accuracy:maximise.", show_default="time and quality"
    ),
]
Unfair = Annotated[
    bool, typer.Option("--unfair", help="Compare what is not alike, and say so everywhere.")
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="A folder for the figure, its table, a page.")
]
Ci = Annotated[
    bool,
    typer.Option(
        "--ci", help="RESULTS are BASE CHANGE: print a comment for a pull request; exit code 1 "
        "only if the change is worse beyond chance."
    ),
]


def curve(
    results: Results,
    baseline: Baseline = None,
    time: Time = None,
    quality: Quality = None,
    goal: ItsGoal = None,
    interpolation: Between = "pchip",
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999)] = 0.95,
    workload: Workload = None,
    point: PointOf = None,
    pareto: Pareto = None,
    unfair: Unfair = False,
    rulings: Rulings = None,
    output: Output = None,
    ci: Ci = False,
    as_json: AsJson = False,
) -> None:
    """Judge methods by the baseline's curve of quality against time.

    A method that is faster and ends worse is better only if the baseline, trained for as long, is
    worse still. Nothing is read off beyond what was measured of the baseline.

    Example: mlgolf curve runs.csv --baseline standard --time hours --quality accuracy

    Example: mlgolf run nadamw mine --ladder 0.25,0.5,1,2,4 --workload criteo1tb --out runs/a;
    mlgolf curve runs/a --baseline nadamw

    Example: mlgolf curve --ci base.csv change.csv -o figures
    """
    from rich.console import Console

    from mlgolf.api.curves import NAME, change
    from mlgolf.api.curves import curve as judged

    if ci and len(results) != 2:
        raise typer.BadParameter(f"--ci takes BASE and CHANGE; {len(results)} were given")
    if ci and baseline is not None:
        raise typer.BadParameter(
            f"--baseline: found {baseline!r}; with --ci the baseline is BASE. Leave it out"
        )
    options = {
        "time": time, "quality": quality, "goal": goal, "workload": workload, "points": point,
        "interpolation": interpolation, "confidence": confidence, "unfair": unfair,
        "pareto": pareto, "rulings": rulings,
    }
    found = change(*results, **options) if ci else judged(*results, baseline=baseline, **options)
    if output is not None:
        found.save(output)
        say(f"wrote {output / NAME}.svg", err=True)
    if as_json:
        print_json(found.as_json())
    elif ci:
        typer.echo(found.markdown("" if output is None else f"{output / NAME}.png"))
    else:
        found.show(Console(highlight=False))
    if ci and found.is_worse:
        raise typer.Exit(1)
