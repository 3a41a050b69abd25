"""`mlgolf game`: make a game from one's own data, check it, list and show games."""

import typer

GAME = typer.Typer(help="Make, check, list and show games.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(GAME, name="game")
