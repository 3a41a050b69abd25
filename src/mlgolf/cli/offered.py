"""Commands that installed packages add, by the entry point group `mlgolf.commands`.

A Typer application becomes a group of commands, a function one command. What cannot be loaded
becomes a command that says so, and breaks no other.
"""

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from types import FunctionType

import typer

from mlgolf.core.entry_points import load_entry
from mlgolf.core.errors import BrokenPackage

ANYTHING = {"allow_extra_args": True, "ignore_unknown_options": True}


def add_to(app: typer.Typer) -> None:
    for offered in sorted(entry_points(group="mlgolf.commands")):
        try:
            found = _loaded(offered)
        except BrokenPackage as error:
            app.command(offered.name, context_settings=ANYTHING)(_broken(error))
            continue
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=offered.name)
        else:
            app.command(offered.name)(found)


def _loaded(offered: EntryPoint) -> typer.Typer | FunctionType:
    """Raises: BrokenPackage."""
    found = load_entry(offered, object)
    if isinstance(found, typer.Typer | FunctionType):
        return found
    return load_entry(offered, typer.Typer)  # which says what it is instead


def _broken(error: BrokenPackage) -> Callable[[typer.Context], None]:
    def command(context: typer.Context) -> None:
        """(It cannot be loaded.)"""
        raise error

    return command
