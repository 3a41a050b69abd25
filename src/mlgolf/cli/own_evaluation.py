"""`mlgolf game evaluate`: what a host's own script says of a run, beside its score."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mlgolf.cli.options import AsJson, print_json
from mlgolf.cli.text import say


def add_to(game: typer.Typer) -> None:
    game.command()(evaluate)


def evaluate(
    run: Annotated[
        Path | None, typer.Argument(help="A run's folder; the latest if left out.")
    ] = None,
    competition: Annotated[
        str,
        typer.Option(
            help="The competition's folder, with evaluation.py. Needed where it does not ship."
        ),
    ] = "",
    sandbox: Annotated[
        Literal["process", "bubblewrap"] | None,
        typer.Option(
            help="bubblewrap for anybody's script, process for your own.",
            show_default="the strongest that this machine gives",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a competition's own evaluation.py on a run. What it says counts for nothing.

    The script has no network, 30 s and 4.3 GB of memory for each submission, and writes nothing.

    Exit code 1 if the script failed.

    Example: mlgolf game evaluate runs/a --competition my-game
    """
    from mlgolf.api.own_evaluation import evaluate as evaluate_run
    from mlgolf.golf.own_evaluation import LABEL, in_words

    found = evaluate_run(run, competition=competition, sandbox=sandbox)
    if as_json:
        print_json({"label": LABEL, "evaluations": [one.as_json() for one in found]})
    for one in found if not as_json else ():
        if one.printed:
            say(one.printed.rstrip("\n"), err=True)
        if one.problem:
            say(f"{one.submission}: {one.problem}", err=True)
        for name, value in one.values.items():
            say(f"{one.submission}: {name} {in_words(value)}")
    if not as_json:
        say(f"({LABEL})")
    raise typer.Exit(1 if any(one.problem for one in found) else 0)
