"""How the commands print text that may hold anything."""

import shutil
import sys
import textwrap

import typer

from mlgolf.core.text import printable


def say(text: object, *, err: bool = False) -> None:
    """Print text that may hold anything, as it is but for what would command the terminal.

    On a terminal lines end between words.
    """
    shown = printable(text)
    if (sys.stderr if err else sys.stdout).isatty():
        width = shutil.get_terminal_size().columns
        shown = "\n".join(
            part for line in shown.split("\n")
            for part in (textwrap.wrap(line, width, break_long_words=False) or [""])
        )
    typer.echo(shown, err=err)
