"""`mlgolf game costliest`: which examples cost most to fit, and the game without them."""

from pathlib import Path
from typing import Annotated

import typer

from mlgolf.cli.options import AsJson, DataDir, print_json
from mlgolf.cli.text import say


def add_to(game: typer.Typer) -> None:
    game.command()(costliest)


def costliest(
    run: Annotated[
        Path | None, typer.Argument(help="A run's folder; the latest if left out.")
    ] = None,
    competition: Annotated[
        str, typer.Option(help="The game's folder; not needed for one that ships.")
    ] = "",
    share: Annotated[float, typer.Option(help="Of the examples, those that cost most.")] = 0.01,
    next_round: Annotated[
        Path | None, typer.Option(help="Write the game without them into this folder.")
    ] = None,
    *, data_dir: DataDir, as_json: AsJson = False,
) -> None:
    """Say which examples of a game cost most to fit, by the models that were kept.

    Example: mlgolf game costliest --competition my-game --next-round my-game-2
    """
    from mlgolf.api import rounds

    found = rounds.costliest(run, competition=competition, data_dir=data_dir)
    if as_json:
        print_json({"workloads": [
            {
                "workload": losses.workload, "models": losses.models,
                "examples": [
                    {"row": int(row), "line": losses.line(int(row)), "loss": float(loss)}
                    for row, loss in zip(losses.rows, losses.losses, strict=True)
                ],
            }
            for losses in found
        ]})  # fmt: skip
    for losses in found if not as_json else ():
        for line in rounds.costliest_lines(losses, share):
            say(line)
    if next_round is not None:
        number = rounds.next_round(found, share, competition, next_round)
        say(
            f"round {number} is in {next_round}: without these examples. Play an entry in both "
            "rounds to see how its score moves: mlgolf run ENTRY --competition "
            f"{next_round}", err=as_json,
        )
