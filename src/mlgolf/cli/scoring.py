"""Commands that read results: score, report, dual."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mlgolf.cli.options import AsJson, print_json


def add_to(app: typer.Typer) -> None:
    app.command(no_args_is_help=True)(score)
    app.command(no_args_is_help=True)(report)
    app.command(no_args_is_help=True)(dual)


Runs = Annotated[list[Path], typer.Argument(help="Run folders; several are scored together.")]
Results = Annotated[
    list[Path], typer.Argument(help="Run folders, or one table of trials (.csv, .parquet).")
]
Framework = Annotated[str | None, typer.Option(help="Which board, where the runs have two.")]


def score(
    results: Results,
    competition: Annotated[
        str | None, typer.Option(help="Whose rules; runs bring their own, a table needs it.")
    ] = None,
    tuning: Annotated[
        str | None, typer.Option(help="external or self: which part of a table.")
    ] = None,
    framework: Framework = None,
    submissions: Annotated[
        str | None, typer.Option(help="Score these alone, a,b,c: scores depend on the field.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Whom geometric means of time ratios are taken to.")
    ] = None,
    reading: Annotated[
        list[str] | None,
        typer.Option(help="Read the rules another way, e.g. trial=fastest. Repeatable."),
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Bound each score while trials are missing.")
    ] = False,
    by_target: Annotated[
        bool, typer.Option("--ladder", help="Score by easier targets too; needs evaluations.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Score runs by the rules they were played under, or a published table of trials.

    Example: mlgolf score runs/a runs/b --json

    Example: mlgolf score trials.csv --competition algoperf-0.5 --tuning external
    """
    from mlgolf.cli.sources import open_source
    from mlgolf.scoring.ladder import ladder
    from mlgolf.scoring.leaderboard import score_standings, to_json
    from mlgolf.scoring.questions import absences, bounds, costs, pairs
    from mlgolf.scoring.readings import other_readings, with_readings
    from mlgolf.scoring.resampling import Doubt
    from mlgolf.scoring.standings import Standings

    source = open_source(
        results, competition, tuning, framework=framework, submissions=submissions
    )
    rules = with_readings(source.competition, dict(map(_pair, reading or ())))
    pool, framework, notes = source.field(rules)
    standings = Standings(rules, pool)
    board = score_standings(
        standings, source.ruleset, framework=framework, notes=notes, baseline=baseline
    )
    trials = rules.rules.tuning.under(source.ruleset).trials
    hidden = {
        "readings": other_readings(rules, source.pool),
        "pairs": pairs(Doubt(standings)),
        "absences": absences(standings),
        "costs": costs(pool),
        **({"bounds": bounds(standings, trials)} if partial else {}),
        **({"ladder": ladder(rules, source.pool_of_evaluations)} if by_target else {}),
    }
    if as_json:
        told = {name: [asdict(record) for record in records] for name, records in hidden.items()}
        print_json({**to_json(board), **told})
        return
    from rich.console import Console

    from mlgolf.cli.tables import hidden_lines, leaderboard_table

    lines = [*board.notes, *hidden_lines(**hidden), *([board.notice] if board.notice else [])]
    Console().print(leaderboard_table(board), *lines, sep="\n")


def _pair(text: str) -> tuple[str, str]:
    name, separator, choice = text.partition("=")
    if not separator:
        raise typer.BadParameter(f"found {text!r}, expected NAME=CHOICE such as trial=fastest")
    return name, choice


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
