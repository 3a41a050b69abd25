"""Text in the output of a notebook's cell that is kept up to date."""

import time
from collections.abc import Callable, Sequence
from importlib import import_module
from types import TracebackType
from typing import Self

from rich.console import Console

SECONDS_BETWEEN = 0.5


def in_notebook() -> bool:
    return Console().is_jupyter


class Area:
    """Lines that take the place of those shown before; gone when the block ends.

    Plain text: it needs no widgets, and what it shows is never read as markup.
    """

    def __init__(self, lines: Callable[[], Sequence[str]]) -> None:
        self._lines, self._last = lines, time.monotonic()

    def __enter__(self) -> Self:
        display = import_module("IPython.display").display
        self._handle = display(_plain(self._lines()), raw=True, display_id=True)
        return self

    def refresh(self) -> None:
        """Show the lines as they are now, but not more often than a reader can follow."""
        if time.monotonic() - self._last >= SECONDS_BETWEEN:
            self._last = time.monotonic()
            self._handle.update(_plain(self._lines()), raw=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._handle.update(_plain(()), raw=True)


def _plain(lines: Sequence[str]) -> dict[str, str]:
    return {"text/plain": "\n".join(lines)}
