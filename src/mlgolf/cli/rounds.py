"""`mlgolf game costliest`: which examples cost most to fit, and the game without them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlgolf.cli.options import AsJson, DataDir, print_json
from mlgolf.cli.text import say

if TYPE_CHECKING:
    from mlgolf.golf.costliest import ExampleLosses


def add_to(game: typer.Typer) -> None:
    game.command()(costliest)


def costliest(
    run: Annotated[
        Path | None, typer.Argument(help="A run's folder; the latest if left out.")
    ] = None,
    competition: Annotated[
        str,
        typer.Option(
            help="The game's folder. Needed where its data are in a file and it does not ship."
        ),
    ] = "",
    share: Annotated[
        float, typer.Option(help="Of the examples, those that cost most: between 0 and 1.")
    ] = 0.01,
    next_round: Annotated[
        Path | None, typer.Option(help="Write the game without them into this folder.")
    ] = None,
    play: Annotated[
        bool,
        typer.Option(
            "--play", help="Play the run's entries on the game without them, and compare scores. "
            "It is written into NAME-round-NUMBER unless --next-round says where.",
        ),
    ] = False,
    *, data_dir: DataDir, as_json: AsJson = False,
) -> None:
    """Say which examples of a game cost most to fit, by the models that were kept.

    Example: mlgolf game costliest

    Example: mlgolf game costliest runs/a --competition my-game --play
    """
    from mlgolf.api import rounds
    from mlgolf.core.text import quoted
    from mlgolf.results.run_names import latest_run

    run = run or latest_run()
    found = rounds.costliest(run, competition=competition, data_dir=data_dir)
    told: dict[str, Any] = {"workloads": [_as_json(losses) for losses in found]}
    for losses in found if not as_json else ():
        for line in rounds.costliest_lines(losses, share):
            say(line)
    if next_round is not None or play:
        following = rounds.next_round(found, share, competition=competition, out=next_round)
        told["next_round"] = following.as_json()
        say(f"round {following.number}, without these examples: {following.folder}", err=as_json)
        if play:
            moved = rounds.play_next_round(run, found, following, data_dir=data_dir)
            told["next_round"] |= moved.as_json()
            for line in moved.lines() if not as_json else ():
                say(line)
            say(f"the latest run is now that of round {following.number}, {moved.run}; the one "
                f"before is {run}", err=True)
        else:
            again = quoted(following.competition)
            say(f"next: mlgolf run ENTRY --competition {again}", err=as_json)
    if as_json:
        print_json(told)


def _as_json(losses: "ExampleLosses") -> dict[str, Any]:
    return {
        "workload": losses.workload, "models": losses.models,
        "examples": [
            {"row": int(row), "line": losses.line(int(row)), "loss": float(loss)}
            for row, loss in zip(losses.rows, losses.losses, strict=True)
        ],
    }
