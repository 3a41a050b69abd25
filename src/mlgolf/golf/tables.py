"""A CSV: a line of names, then numbers; the targets may be words."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mlgolf.core.errors import DataError
from mlgolf.golf.examples import (
    LOOKS_MISSING,
    MOST_NAMED,
    Examples,
    Targets,
    Wishes,
    as_targets,
    check_count,
    listed,
)

USUAL_TARGETS = ("target", "targets", "label", "class", "y")
Row = tuple[int, list[str]]  # the line of the file, its cells


def read_columns(path: Path, wishes: Wishes) -> Examples:
    """Every column but the target's is an input. Raises: DataError, a line for each problem."""
    names, rows = _lines(path)
    problems = [*_repeated(path, names), *_ragged(path, names, rows)]
    target, guesses = "", ()
    try:
        target, guesses = _target(path, names, wishes)
    except DataError as error:
        problems.append(str(error))
    whole = [row for row in rows if len(row[1]) == len(names)]
    problems += _wrong_cells(path, names, whole, target)
    try:
        check_count(len(rows), "row")
    except DataError as error:
        problems.append(f"{path}: {error}")
    if problems:
        raise DataError("\n".join(problems))
    place = names.index(target)
    try:
        targets = as_targets([cells[place].strip() for _, cells in rows], wishes.numbers)
    except DataError as error:
        raise DataError(f"{path}, column {target!r}: {error}") from None
    return Examples(
        shape=(len(names) - 1,), targets=targets.values, kind="vectors", classes=targets.classes,
        file="data.csv", content=_written(names, rows, place, targets),
        keys={"targets": target, "standardise": True}, comments=targets.comments,
        guesses=(*guesses, *targets.guesses),
    )


def _lines(path: Path) -> tuple[list[str], list[Row]]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            rows = [(reader.line_num, cells) for cells in reader if cells]
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text in UTF-8: {error}") from None
    except (OSError, csv.Error) as error:
        raise DataError(f"{path}: {error}") from None
    if not rows:
        raise DataError(f"{path}: the file is empty; line 1 must name the columns")
    (_, names), *others = rows
    names = [name.strip() for name in names]
    if len(names) < 2:
        raise DataError(
            f"{path}, line 1: found one column, {names[0]!r}; columns are separated by commas, and "
            "a game needs inputs and a target"
        )
    if all(_is_number(name) for name in names):
        raise DataError(f"{path}, line 1: found numbers; the first line must name the columns")
    return names, others


def _target(path: Path, names: list[str], wishes: Wishes) -> tuple[str, tuple[str, ...]]:
    if wishes.target is not None:
        if wishes.target not in names:
            raise DataError(f"{path}: no column {wishes.target!r}; it has {', '.join(names)}")
        return wishes.target, ()
    usual = [name for name in names if name.lower() in USUAL_TARGETS]
    found = usual[0] if len(usual) == 1 else names[-1]
    return found, (f"the target is the column {found!r}: give --target COLUMN if it is another",)


def _repeated(path: Path, names: list[str]) -> Iterator[str]:
    for name in dict.fromkeys(names):
        if names.count(name) > 1 or not name:
            called = f"called {name!r}" if name else "without a name"
            yield f"{path}, line 1: found {names.count(name)} columns {called}; name each its own"


def _ragged(path: Path, names: list[str], rows: list[Row]) -> list[str]:
    return listed(
        f"{path}, line {line}: found {len(cells)} cells, line 1 has {len(names)}"
        for line, cells in rows if len(cells) != len(names)
    )


def _wrong_cells(path: Path, names: list[str], rows: list[Row], target: str) -> Iterator[str]:
    """Missing values by line and column; a column of words once, with its values."""
    missing = [
        f"{path}, line {line}, column {name!r}: the value is missing (found {cell!r}). Fill it in, "
        "or remove the line or the column"
        for line, cells in rows for name, cell in zip(names, cells, strict=True)
        if cell.strip().lower() in LOOKS_MISSING
    ]
    yield from listed(missing)
    for place, name in enumerate(names):
        if name == target:
            continue
        column = ((line, cells[place].strip()) for line, cells in rows)
        words = [
            (line, cell) for line, cell in column
            if cell.lower() not in LOOKS_MISSING and not _is_number(cell)
        ]
        if words:
            yield _of_words(path, name, words)


def _of_words(path: Path, name: str, words: list[tuple[int, str]]) -> str:
    values = list(dict.fromkeys(cell for _, cell in words))
    shown = ", ".join(map(repr, values[:MOST_NAMED])) + (", ..." if values[MOST_NAMED:] else "")
    return (
        f"{path}, line {words[0][0]}, column {name!r}: found text: {shown}. Inputs are finite "
        "numbers: use a column of 0 and 1 for each value, correct the cells, or remove the column"
    )


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


def _written(names: list[str], rows: list[Row], place: int, targets: Targets) -> bytes:
    """The same table with targets as a game takes them."""
    texts = [
        str(int(value)) if targets.classes else repr(float(value)) for value in targets.values
    ]
    whole = io.StringIO()
    writer = csv.writer(whole, lineterminator="\n")
    writer.writerow(names)
    for (_, cells), text in zip(rows, texts, strict=True):
        own = [*cells[:place], text, *cells[place + 1 :]]
        writer.writerow(cell.strip() for cell in own)
    return whole.getvalue().encode()
