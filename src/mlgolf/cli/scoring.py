"""Commands that read results: score, report, dual."""

from pathlib import Path
from typing import Annotated

import typer

from mlgolf.cli.options import AsJson, print_json


def add_to(app: typer.Typer) -> None:
    app.command(no_args_is_help=True)(score)
    app.command(no_args_is_help=True)(report)
    app.command(no_args_is_help=True)(dual)


Runs = Annotated[list[Path], typer.Argument(help="Run folders; several are scored together.")]
Framework = Annotated[str | None, typer.Option(help="Which board, where the runs have two.")]


def score(runs: Runs, framework: Framework = None, as_json: AsJson = False) -> None:
    """Score runs by the rules they were played under.

    Example: mlgolf score runs/a runs/b --json
    """
    from mlgolf.results.run_folder import read_runs
    from mlgolf.scoring.leaderboard import score_competition, to_json

    played = read_runs(runs)
    board = score_competition(played.competition, played.trials, played.ruleset, framework)
    if as_json:
        print_json(to_json(board))
        return
    from rich.console import Console

    from mlgolf.cli.tables import leaderboard_table

    Console().print(leaderboard_table(board), *board.notes, sep="\n")


def report(
    runs: Runs,
    output: Annotated[Path, typer.Option("-o", "--output", help="The HTML page to write.")],
    framework: Framework = None,
) -> None:
    """Write one self-contained page about runs, with its figures as SVG beside it.

    Example: mlgolf report runs/a -o report.html
    """
    from mlgolf.report.page import write_report
    from mlgolf.results.run_folder import read_runs
    from mlgolf.scoring.leaderboard import score_competition

    played = read_runs(runs)
    board = score_competition(played.competition, played.trials, played.ruleset, framework)
    write_report(played.competition, played.trials, board, output)
    typer.echo(output)


def dual(
    competition: Annotated[str, typer.Argument(help="By name, file or folder.")],
    runs: Annotated[
        list[Path] | None,
        typer.Option(help="Bound the old objective by the best these runs reached."),
    ] = None,
) -> None:
    """Print the competition with objective and bound swapped, as TOML.

    Example: mlgolf dual mini > my-dual.toml
    """
    from mlgolf.core.competition import load_competition
    from mlgolf.scoring.dual import dual as swapped
    from mlgolf.scoring.dual import incumbents, to_toml

    original = load_competition(competition)
    best = None
    if runs:
        from mlgolf.results.run_folder import read_runs
        from mlgolf.scoring.leaderboard import score_competition

        played = read_runs(runs)
        best = incumbents(
            score_competition(played.competition, played.trials, played.ruleset)
        )
    typer.echo(to_toml(swapped(original, best)), nl=False)
