"""`mlgolf game`: make a game from one's own data, check it, list and show games."""

from pathlib import Path
from typing import Annotated

import typer

from mlgolf.cli.options import AsJson, DataDir, print_json
from mlgolf.cli.text import say

GAME = typer.Typer(help="Make, check, list and show games.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(GAME, name="game")


@GAME.command()
def costliest(
    run: Annotated[
        Path | None, typer.Argument(help="A run's folder; the latest if left out.")
    ] = None,
    competition: Annotated[
        str, typer.Option(help="The game's folder, or the name of one that ships.")
    ] = "",
    share: Annotated[float, typer.Option(help="Of the examples, those that cost most.")] = 0.01,
    next_round: Annotated[
        Path | None, typer.Option(help="Write the game without them into this folder.")
    ] = None,
    *, data_dir: DataDir, as_json: AsJson = False,
) -> None:
    """Say which examples of a game cost most to fit, by the models that were kept.

    Example: mlgolf game costliest runs/latest --next-round my-game-2 --competition my-game
    """
    from mlgolf.api import games

    found = games.costliest(run, competition=competition, data_dir=data_dir)
    if as_json:
        print_json({"workloads": [
            {
                "workload": losses.workload, "models": losses.models,
                "examples": [
                    {"row": int(row), "loss": float(loss)}
                    for row, loss in zip(losses.rows, losses.losses, strict=True)
                ],
            }
            for losses in found
        ]})  # fmt: skip
    for losses in found if not as_json else ():
        for line in games.costliest_lines(losses, share):
            say(line)
    if next_round is not None:
        number = games.next_round(found, share, competition, next_round)
        say(
            f"round {number} is in {next_round}: without these examples. Play an entry in both "
            "rounds to see how its score moves: mlgolf run ENTRY --competition "
            f"{next_round}", err=as_json,
        )


@GAME.command(no_args_is_help=True)
def check(
    game: Annotated[str, typer.Argument(help="By name, or the path of its folder.")],
    no_play: Annotated[
        bool, typer.Option("--no-play", help="Leave out the trial of the baseline.")
    ] = False,
    *,
    data_dir: DataDir,
    as_json: AsJson = False,
) -> None:
    """List all that is wrong with a game, and refuse one that can be won without learning.

    Its files are read, its rules compared, models tried, and its baseline is played once.

    Exit code 0 if everything was looked at and nothing was found; 1 with findings; 3 if nothing
    was found, and something was not looked at.

    Example: mlgolf game check digits-l2
    """
    from mlgolf.golf.check import check_game

    found = check_game(
        game, data_dir, play=not no_play, tell=lambda text: say(f"{text} ...", err=True)
    )
    if as_json:
        print_json(found.as_json())
    else:
        for finding in found.findings:
            say(finding)
        for word, lines in (("ok", found.passed), ("not checked", found.skipped)):
            for line in lines:
                say(f"{word}  {line}")
    raise typer.Exit(0 if found.is_fine else 1 if found.findings else 3)
