"""Examples as a host has them, in a CSV, an npz, folders of images or a text, made fit for a game.

What is wrong is collected and said at once. What had to be guessed is kept, as a sentence each.
"""

import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.errors import DataError
from mlgolf.core.text import number_of
from mlgolf.core.toml_files import toml_string

Kind = Literal["vectors", "images", "text"]
FEWEST_EXAMPLES = 20
MOST_CLASSES = 20  # whole numbers with more values than this are taken for measured numbers
MOST_NAMED = 10  # problems of one sort, and values
LOOKS_MISSING = {"", "?", "-", "na", "n/a", "nan", "null", "none"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the host said of the data. None: it is guessed."""

    target: str | None = None  # the column, or the array
    kind: Kind | None = None
    numbers: bool | None = None  # whether targets are measured numbers, and no classes


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """What a game is made of.

    `targets` are classes from 0 (int32), or numbers with mean 0 and standard deviation 1 (float64).
    `keys` are the lines of data.toml that say how the file is read, `comments` what stands there
    for people.
    """

    shape: tuple[int, ...]  # of one example
    targets: NDArray
    kind: Kind
    classes: tuple[str, ...] = ()  # their names, in order; empty for numbers
    entries: int = 0  # of a text: how many characters there are
    file: str
    content: bytes
    keys: Mapping[str, Any] = field(default_factory=dict)
    comments: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()

    @property
    def chance_loss(self) -> float:
        """Loss of the best constant answer: nats, or the variance of the targets."""
        if not self.classes:
            return float(np.var(self.targets))
        share = np.bincount(self.targets) / len(self.targets)
        return float(-(share[share > 0] * np.log(share[share > 0])).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Targets as a game takes them, and what to say about it."""

    values: NDArray
    classes: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()


def as_targets(given: Sequence[str] | NDArray, numbers: bool | None) -> Targets:
    """Classes or numbers, by what stands there. Raises: DataError where no game can be made of it.

    Args: given: (examples,) cells of a file, or an array of numbers.
    """
    values = _as_numbers(given)
    if values is None:
        if numbers:
            raise DataError("the targets are text, and --numbers asks for numbers")
        return _classes(np.asarray(given, dtype=str), sorted(set(map(str, given))), ())
    if not np.isfinite(values).all():
        raise DataError(f"target of example {int(np.isfinite(values).argmin())} is not finite")
    distinct = np.unique(values)
    whole = bool((distinct == np.floor(distinct)).all())
    if numbers is None:
        numbers = not whole or len(distinct) > MOST_CLASSES
        what = "measured numbers" if numbers else f"{len(distinct)} classes"
        other = "--classes if they are classes" if numbers else "--numbers if they are measured"
        guesses = (f"the targets are {what}: give {other}",)
    else:
        guesses = ()
    if numbers:
        return _standardised(values, guesses)
    names = [f"{value:g}" for value in distinct]
    return _classes(np.searchsorted(distinct, values), names, guesses)


def _as_numbers(given: Sequence[str] | NDArray) -> NDArray | None:
    try:
        return np.asarray(given, dtype=np.float64)
    except ValueError:
        return None


def _classes(values: NDArray, names: list[str], guesses: tuple[str, ...]) -> Targets:
    if len(names) < 2:
        raise DataError(f"all targets are {names[0]!r}: a game needs two classes or more")
    numbered = (
        np.searchsorted(names, values) if values.dtype.kind == "U" else values
    ).astype(np.int32)
    counts = Counter(numbered.tolist())
    comments = (
        f"class {number} is {toml_string(name)}: "
        f"{number_of(counts[number], 'example')}" for number, name in enumerate(names)
    )
    return Targets(values=numbered, classes=tuple(names), comments=tuple(comments), guesses=guesses)


def _standardised(values: NDArray, guesses: tuple[str, ...]) -> Targets:
    mean, spread = float(values.mean()), float(values.std())
    if spread == 0:
        raise DataError(f"all targets are {mean:g}: there is nothing to fit")
    return Targets(
        values=(values - mean) / spread,
        comments=(f"targets are (target - {mean!r}) / {spread!r}",),
        guesses=guesses,
    )


def check_count(examples: int, what: str) -> None:
    if examples < FEWEST_EXAMPLES:
        raise DataError(
            f"found {number_of(examples, what)}; a game needs {FEWEST_EXAMPLES} or more, of which "
            "a fifth is kept as the twin set"
        )


def listed(problems: Iterable[str]) -> list[str]:
    """The first of them, and how many more there are."""
    problems = list(problems)
    more = len(problems) - MOST_NAMED
    return [*problems[:MOST_NAMED], *([f"... and {more} more like the last"] if more > 0 else [])]


def as_npz(**arrays: NDArray) -> bytes:
    written = io.BytesIO()
    np.savez_compressed(written, **arrays)  # type: ignore[arg-type]
    return written.getvalue()
