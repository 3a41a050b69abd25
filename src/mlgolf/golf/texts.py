"""A text: each example is some characters, and the target is the one that comes next."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.errors import DataError
from mlgolf.core.text import number_of
from mlgolf.core.toml_files import toml_string
from mlgolf.golf.examples import Examples, Wishes, as_npz, check_count

SUFFIXES = (".txt", ".md")
WINDOWS = (4, 8, 16, 32, 64)  # characters
MOST_EXAMPLES = 2000


def read_text(path: Path, wishes: Wishes) -> Examples:
    """The first MOST_EXAMPLES windows. Raises: DataError."""
    text = read_characters(path)
    used = text[: MOST_EXAMPLES + WINDOWS[-1]]
    characters = sorted(set(used))
    if len(characters) < 2:
        raise DataError(f"{path}: found {len(characters)} different characters, expected 2 or more")
    try:
        check_count(len(used) - WINDOWS[0], "window")
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    ids = np.searchsorted(characters, list(used)).astype(np.int32)
    inputs, targets, undecided = _windows(ids)
    return Examples(
        shape=inputs.shape[1:], targets=targets, kind="text", entries=len(characters),
        classes=tuple(characters), file="data.npz",
        content=as_npz(inputs=inputs, targets=targets),
        comments=(
            f"characters 0 to {len(characters) - 1}: {toml_string(''.join(characters))}",
        ),
        guesses=_guesses(len(text), inputs, undecided),
    )


def read_characters(path: Path) -> str:
    """Raises: DataError."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text in UTF-8: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None


def _windows(ids: NDArray) -> tuple[NDArray, NDArray, int]:
    """The shortest windows after which the next character is certain, or else the longest.

    Returns: inputs (examples, length), targets (examples,), and how many windows are followed by
      several characters.
    """
    inputs, targets, undecided = ids[None], ids, 0
    for length in WINDOWS:
        if len(ids) <= length:
            break
        inputs = np.lib.stride_tricks.sliding_window_view(ids, length)[:-1][:MOST_EXAMPLES]
        targets = ids[length:][:MOST_EXAMPLES]
        _, which = np.unique(inputs, axis=0, return_inverse=True)
        pairs = np.unique(np.stack([which.ravel(), targets], axis=1), axis=0)
        undecided = int((np.bincount(pairs[:, 0]) > 1).sum())
        if not undecided:
            break
    return inputs, targets, undecided


def _guesses(characters: int, inputs: NDArray, undecided: int) -> tuple[str, ...]:
    count, length = inputs.shape
    part = f"the first {count} of {characters - length} windows" if count == MOST_EXAMPLES else (
        f"all {count} windows"
    )
    said = f"an example is {length} characters, its target the next one; {part} are used"
    if not undecided:
        return (said,)
    return (said, f"{number_of(undecided, 'window')} can be followed by several characters, so the "
            "training loss cannot become 0: give a text that repeats itself less")  # fmt: skip
