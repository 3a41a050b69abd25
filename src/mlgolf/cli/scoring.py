"""Commands that read results: score, report, dual."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlgolf.cli.options import AsJson, print_json
from mlgolf.cli.text import say

if TYPE_CHECKING:
    from mlgolf.cli.sources import Source
    from mlgolf.scoring.review import Review
    from mlgolf.scoring.since import Since
    from mlgolf.scoring.standings import Standings


def add_to(app: typer.Typer) -> None:
    app.command()(score)
    app.command()(report)
    app.command(no_args_is_help=True)(dual)


Results = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Run folders, AlgoPerf's logs, or one table of trials (.csv, .parquet).",
        show_default="the latest run in runs/",
    ),
]
Competition = Annotated[
    str | None,
    typer.Option(help="The rules to score by. Runs have their own; a table needs this."),
]
Tuning = Annotated[str | None, typer.Option(help="external or self; a table needs this.")]
Framework = Annotated[str | None, typer.Option(help="torch or jax, if the runs have both.")]
Submissions = Annotated[
    str | None,
    typer.Option(help="Score only these: a,b,c. A score depends on all submissions scored."),
]
Baseline = Annotated[
    str | None, typer.Option(help="The submission that mean ratios of times refer to.")
]
Interpretation = Annotated[
    list[str] | None,
    typer.Option(help="Interpret an ambiguous rule differently, e.g. trial=fastest. Repeatable."),
]
Partial = Annotated[
    bool, typer.Option("--partial", help="Bounds of each score while trials are missing.")
]
SinceEarlier = Annotated[
    str | None,
    typer.Option(
        "--since", help="Earlier results to compare with: a folder of runs or logs, or another "
        "competition in the same table."
    ),
]
Bridge = Annotated[
    list[str] | None,
    typer.Option(help="A submission run in both, OLD=NEW if renamed. Repeatable."),
]


def score(
    results: Results = None,
    competition: Competition = None,
    tuning: Tuning = None,
    framework: Framework = None,
    submissions: Submissions = None,
    baseline: Baseline = None,
    interpretation: Interpretation = None,
    partial: Partial = False,
    by_target: Annotated[
        bool,
        typer.Option("--target-levels", help="Score at easier targets too; needs evaluations."),
    ] = False,
    earlier: SinceEarlier = None,
    bridge: Bridge = None,
    as_json: AsJson = False,
) -> None:
    """Score runs by the rules of their competition, or a published table of trials.

    Example: mlgolf score

    Example: mlgolf score runs/a runs/b --json

    Example: mlgolf score trials.csv --competition algoperf-0.5 --tuning external

    Example: mlgolf score algoperf_logs --competition algoperf-0.5 --target-levels
    """
    from mlgolf.cli.sources import open_source

    source = open_source(
        results or _latest(), competition, tuning, framework=framework, submissions=submissions
    )
    found = _review(
        source, interpretation, earlier, bridge, baseline, partial, target_levels=by_target
    )
    if as_json:
        print_json(found.as_json())
        return
    from rich.console import Console

    from mlgolf.cli.tables import leaderboard_tables, plain, review_lines

    console = Console(highlight=False)
    for table in leaderboard_tables(found.board):
        console.print(table)
    for line in review_lines(found):
        console.print(plain(line), soft_wrap=not console.is_terminal)


def _latest() -> list[Path]:
    from mlgolf.results.run_names import latest_run

    latest = latest_run()
    say(f"reading the latest run, {latest}", err=True)
    return [latest]


def _page_of(results: list[Path]) -> Path:
    """Where a report is written that was given no place: nothing is put among others' logs."""
    alone = len(results) == 1 and (results[0] / "run.json").exists()
    return (results[0] if alone else Path()) / "report.html"


def _review(
    source: "Source", interpretation: list[str] | None, earlier: str | None,
    bridge: list[str] | None, baseline: str | None, partial: bool, *, target_levels: bool,
) -> "Review":
    from mlgolf.scoring.review import review
    from mlgolf.scoring.sensitivity import with_interpretations

    if bridge and not earlier:
        raise typer.BadParameter("--bridge names a submission run in both; add --since EARLIER")
    return review(
        with_interpretations(source.competition, _interpretations(interpretation or ())),
        source.ruleset, source.admitted, baseline=baseline, partial=partial,
        evaluations=source.evaluations if target_levels else None,
        since=_since(source, earlier, bridge) if earlier else None, problems=source.problems,
    )


def _interpretations(texts: Iterable[str]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for name, choice in (_pair(text, "NAME=CHOICE such as trial=fastest") for text in texts):
        if chosen.setdefault(name, choice) != choice:
            raise typer.BadParameter(f"{name} cannot be {chosen[name]} and {choice} at once")
    return chosen


def _pair(text: str, form: str) -> tuple[str, str]:
    name, separator, choice = text.partition("=")
    if not separator:
        raise typer.BadParameter(f"found {text!r}, expected {form}")
    return name, choice


def _since(
    source: "Source", earlier: str, bridge: list[str] | None
) -> "Callable[[Standings], Since]":
    """Compares standings with those of earlier results."""
    from mlgolf.scoring.since import since
    from mlgolf.scoring.standings import Standings

    before = source.earlier(earlier)
    then = Standings(before.competition, before.admitted(before.competition).pool)
    named = [_pair(text, "OLD=NEW") if "=" in text else (text, text) for text in bridge or ()]
    return lambda now: since(now, then, named or None)


def report(
    results: Results = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="The HTML page to write.",
            show_default="report.html in the run, or here if there is not just one run",
        ),
    ] = None,
    competition: Competition = None,
    tuning: Tuning = None,
    framework: Framework = None,
    submissions: Submissions = None,
    baseline: Baseline = None,
    interpretation: Interpretation = None,
    partial: Partial = False,
    earlier: SinceEarlier = None,
    bridge: Bridge = None,
) -> None:
    """Write a self-contained HTML page about results, with its figures and tables beside it.

    Example: mlgolf report

    Example: mlgolf report runs/a -o report.html

    Example: mlgolf report trials.csv --competition algoperf-0.5 --tuning external -o report.html
    """
    from mlgolf.cli.sources import open_source
    from mlgolf.core.disk import naming
    from mlgolf.report.page import write_report
    from mlgolf.scoring.target_levels import has_targets

    results = results or _latest()
    output = output or _page_of(results)
    source = open_source(
        results, competition, tuning, framework=framework, submissions=submissions,
        command="report",
    )
    movable = source.has_evaluations and has_targets(source.competition)
    found = _review(
        source, interpretation, earlier, bridge, baseline, partial, target_levels=movable
    )
    with naming(output):
        write_report(found, source.shown(found.board), output)
    say(output)


def dual(
    competition: Annotated[str, typer.Argument(help="By name, file or folder.")],
    runs: Annotated[
        list[Path] | None,
        typer.Option(help="Bound the old objective by the best value of these runs."),
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
        board = score_competition(played.competition, played.trials, played.ruleset)
        for note in board.labels.notes:
            typer.echo(f"mlgolf: bounds from these runs are {note}", err=True)
        best = incumbents(board)
    typer.echo(to_toml(swapped(original, best)), nl=False)
