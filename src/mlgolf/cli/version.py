"""`mlgolf --version`: this package, and what training with it depends on."""

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from mlgolf.cli.text import say


def add_to(app: typer.Typer) -> None:
    app.callback()(_options)


def version_line() -> str:
    """One line; a framework that is not installed is left out."""
    from mlgolf import __version__
    from mlgolf.referee.freeze import package_fingerprint

    code = package_fingerprint()[:12]
    parts = [f"mlgolf {__version__} (code {code}…)", f"Python {platform.python_version()}"]
    return ", ".join([*parts, *_frameworks()])


def _frameworks() -> Iterator[str]:
    from mlgolf.backends import FRAMEWORKS

    for name in FRAMEWORKS:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            continue


def _print(asked: bool) -> None:
    if asked:
        say(version_line())
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print, is_eager=True,
            help="Print the versions of mlgolf, Python, PyTorch and JAX.",
        ),
    ] = False,
) -> None:
    """Of the command as a whole."""
