"""Commands that read results: score, report, dual."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from mlgolf.cli.options import AsJson, Rulings, print_json
from mlgolf.cli.text import say


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
    str | None, typer.Option(help="The submission that mean ratios of times are taken to.")
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
    typer.Option(help="A submission that is in both results, OLD=NEW if renamed. Repeatable."),
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
    rulings: Rulings = None,
    as_json: AsJson = False,
) -> None:
    """Score runs by the rules of their competition, or a published table of trials.

    Example: mlgolf score

    Example: mlgolf score runs/a runs/b --json

    Example: mlgolf score trials.csv --competition algoperf-0.5 --tuning external

    Example: mlgolf score runs/a --competition my-game --rulings my-game/rulings

    Example: mlgolf score algoperf_logs --competition algoperf-0.5 --target-levels
    """
    from rich.console import Console

    from mlgolf.api.results import score as scored

    board = scored(
        *(results or _latest()), competition=competition, tuning=tuning, framework=framework,
        submissions=_names(submissions), baseline=baseline,
        interpretation=_interpretations(interpretation or ()), partial=partial,
        target_levels=by_target, since=earlier, bridge=_bridges(bridge, earlier), rulings=rulings,
    )
    if as_json:
        print_json(board.review.as_json())
    else:
        board.show(Console(highlight=False))


def _latest() -> list[Path]:
    from mlgolf.results.run_names import latest_run

    latest = latest_run()
    say(f"reading the latest run, {latest}", err=True)
    return [latest]


def _names(submissions: str | None) -> list[str] | None:
    return None if submissions is None else [name.strip() for name in submissions.split(",")]


def _bridges(bridge: list[str] | None, earlier: str | None) -> list[tuple[str, str]]:
    if bridge and not earlier:
        raise typer.BadParameter("--bridge names a submission run in both; add --since EARLIER")
    return [_pair(text, "OLD=NEW") if "=" in text else (text, text) for text in bridge or ()]


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
    rulings: Rulings = None,
) -> None:
    """Write a self-contained HTML page about results, with its figures and tables beside it.

    Example: mlgolf report

    Example: mlgolf report runs/a -o report.html

    Example: mlgolf report trials.csv --competition algoperf-0.5 --tuning external -o report.html
    """
    from mlgolf.api.results import write_report

    found = results or _latest()
    with _progress_shown() as progress:
        page = write_report(
            *found, output=output, progress=progress, competition=competition,
            tuning=tuning, framework=framework, submissions=_names(submissions),
            baseline=baseline, interpretation=_interpretations(interpretation or ()),
            partial=partial, since=earlier, bridge=_bridges(bridge, earlier),
            rulings=rulings,
        )
    say(page)


@contextmanager
def _progress_shown() -> Iterator[Callable[[str, int, int], None]]:
    """A line with a bar on a terminal's stderr, gone at the end; nothing where that is piped."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as shown:
        task = shown.add_task("")
        yield lambda what, done, total: shown.update(
            task, description=what, completed=done, total=total or None
        )


def dual(
    competition: Annotated[str, typer.Argument(help="By name, file or folder.")],
    runs: Annotated[
        list[Path] | None,
        typer.Option(help="Bound the old objective by the best value of these runs."),
    ] = None,
) -> None:
    """Swap the objective and a constraint; print the new competition as TOML.

    Example: mlgolf dual mini > my-dual.toml
    """
    from mlgolf.core.competition import load_competition
    from mlgolf.scoring.dual import dual as swapped
    from mlgolf.scoring.dual import incumbents, to_toml

    original = load_competition(competition)
    best = None
    if runs:
        from mlgolf.core.jury_ruling import rulings_of
        from mlgolf.results.run_folder import read_runs
        from mlgolf.scoring.jury import judged
        from mlgolf.scoring.leaderboard import score_competition

        played = read_runs(runs)
        trials = judged(played.trials, rulings_of(original), played.run_of).trials
        board = score_competition(played.competition, trials, played.ruleset)
        for note in board.labels.notes:
            typer.echo(f"mlgolf: of the runs that give the bounds: {note}", err=True)
        best = incumbents(board)
    typer.echo(to_toml(swapped(original, best)), nl=False)
