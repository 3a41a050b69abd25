"""How the commands print text that may hold anything."""

import typer

from mlgolf.core.text import printable


def say(text: object, *, err: bool = False) -> None:
    """Print text that may hold anything, as it is but for what would command the terminal."""
    typer.echo(printable(text), err=err)
