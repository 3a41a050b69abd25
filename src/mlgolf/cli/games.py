"""`mlgolf game`: make a game from one's own data, check it, list and show games."""

from typing import Annotated

import typer

from mlgolf.cli.options import AsJson, DataDir, print_json
from mlgolf.cli.text import say

GAME = typer.Typer(help="Make, check, list and show games.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(GAME, name="game")


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
