"""AlgoPerf's CSV files of evaluations, read many at a time.

Files with one header are joined and parsed at once, which nearly always is sound. A file that is
not is read line by line, where each fault gets its words, and the rest goes on. Where the trial has
a `measurements.csv` too, which repeats every evaluation, the two are compared: alone it tells of a
file that was cut at the end of a line, or of a digit that fell over.

Source: mlcommons/algorithmic-efficiency, algoperf/logger_utils.py (MetricLogger).
"""

import csv
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from mlgolf.core.arrays import FloatArray
from mlgolf.results.files import read_at_once

SECONDS, STEP = "accumulated_submission_time", "global_step"
FILE, REPEATED_IN = "eval_measurements.csv", "measurements.csv"
ROUNDING = 1e-9  # measurements.csv was read and written again whenever a column came to it
LARGEST = 1e15  # of seconds and steps
TOGETHER = 400  # trials: enough that polars is busy, few enough that memory is not


@dataclass(slots=True)
class Evaluations:
    """What a file holds: columns by name, one entry per evaluation; an empty cell is NaN."""

    path: Path
    columns: Mapping[str, FloatArray] = field(
        default_factory=lambda: {STEP: np.empty(0), SECONDS: np.empty(0)}
    )
    problems: list[str] = field(default_factory=list)  # sentences, each naming file and line
    fingerprint: int | None = None  # of its bytes, within this process; None if there is no row


def read_evaluations(folders: Sequence[Path]) -> Iterator[Evaluations]:
    """The evaluations of every trial folder, in their order."""
    first: dict[int, Path] = {}
    for start in range(0, len(folders), TOGETHER):
        batch = folders[start : start + TOGETHER]
        read = _read([folder / FILE for folder in batch], growing=True)
        repeated = _read([folder / REPEATED_IN for folder in batch], growing=False)
        for evaluations, again in zip(read, repeated, strict=True):
            if not evaluations.problems or not len(evaluations.columns[STEP]):
                evaluations.problems += _contradiction(evaluations, again)
            if (fingerprint := evaluations.fingerprint) is not None:
                twin = first.setdefault(fingerprint, evaluations.path)
                if twin != evaluations.path:
                    evaluations.problems.append(
                        f"{evaluations.path}: the same to the last digit as {twin}, which no two "
                        "runs are; both are kept"
                    )
            yield evaluations


@dataclass(frozen=True, slots=True)
class _Text:
    """The whole lines of a file below its header."""

    found: Evaluations
    body: bytes
    rows: int


def _read(paths: Sequence[Path], *, growing: bool) -> list[Evaluations]:
    """Args: growing: time and steps are in every row and never fall."""
    all_found = [Evaluations(path) for path in paths]
    by_header: dict[bytes, list[_Text]] = defaultdict(list)
    for found in all_found:
        if (opened := _open(found)) is not None:
            by_header[opened[0]].append(opened[1])
    for header, texts in by_header.items():
        _parse(header, texts, growing=growing)
    return all_found


def _open(found: Evaluations) -> tuple[bytes, _Text] | None:
    """The header and what is below it; None if there is nothing to be read, which is said."""
    path = found.path
    try:
        data = read_at_once(path)
    except FileNotFoundError:
        found.problems.append(f"{path}: missing; the trial ended before its first evaluation")
        return None
    except OSError as error:
        found.problems.append(f"{path}: cannot be read: {error.strerror}")
        return None
    header, _, body = data.replace(b"\r\n", b"\n").partition(b"\n")
    names = _names(header)
    wrong = [name for name in (STEP, SECONDS) if name not in names]
    wrong += [name for name, count in Counter(names).items() if count > 1]
    if wrong:
        found.problems.append(
            f"{path}, line 1: column {', '.join(wrong)} is missing or there twice"
        )
        return None
    rows = body.count(b"\n")
    if not body.endswith(b"\n"):
        body, newline, rest = body.rpartition(b"\n")
        body += newline
        if rest:
            found.problems.append(f"{path}, line {rows + 2}: cut short, the row is left out")
    if not rows and not found.problems:
        found.problems.append(f"{path}: no row below the header")
    if not rows:
        return None
    found.fingerprint = hash(body)
    return header, _Text(found, body, rows)


def _names(header: bytes) -> list[str]:
    return header.decode(errors="replace").split(",")


def _parse(header: bytes, texts: Sequence[_Text], *, growing: bool) -> None:
    """Fill in the columns of files with the same header."""
    columns = _at_once(header, texts)
    if columns is None:
        if len(texts) == 1:
            _line_by_line(_names(header), texts[0], growing=growing)
        else:
            for text in texts:
                _parse(header, [text], growing=growing)
        return
    ends = np.cumsum([text.rows for text in texts])
    starts = np.concatenate([[0], ends[:-1]])
    faulty = _faulty_rows(columns, starts) if growing else np.empty(0)
    faulty_files = set(np.searchsorted(ends, faulty, side="right").tolist())
    for number, text in enumerate(texts):
        if number in faulty_files:
            _line_by_line(_names(header), text, growing=True)
        else:
            part = slice(starts[number], ends[number])
            text.found.columns = {name: values[part] for name, values in columns.items()}


def _at_once(header: bytes, texts: Sequence[_Text]) -> dict[str, FloatArray] | None:
    """All rows as numbers; None if any cell is no number, missing, or one too many."""
    names = _names(header)
    body = b"".join(text.body for text in texts)
    rows = sum(text.rows for text in texts)
    # A row too long is an error to polars, a row too short is not.
    if body.count(b",") != rows * (len(names) - 1) or any(mark in body for mark in b'"\r'):
        return None
    try:
        table = pl.read_csv(
            header + b"\n" + body, schema=dict.fromkeys(names, pl.Float64), quote_char=None
        )
    except pl.exceptions.PolarsError:
        return None
    if table.height != rows:  # blank lines
        return None
    return {name: table[name].to_numpy() for name in names}


def _faulty_rows(columns: Mapping[str, FloatArray], starts: np.ndarray) -> np.ndarray:
    faulty = np.zeros(len(columns[STEP]), dtype=bool)
    for name in (SECONDS, STEP):
        values = columns[name]
        before = np.concatenate([[0.0], values[:-1]])
        before[starts] = 0.0
        faulty |= ~((values >= before) & (values <= LARGEST))
    return np.flatnonzero(faulty)


def _line_by_line(names: list[str], text: _Text, *, growing: bool) -> None:
    found = text.found
    kept: list[list[float]] = []
    latest = {SECONDS: 0.0, STEP: 0.0} if growing else {}
    lines = text.body.decode(errors="replace").split("\n")[:-1]
    for number, line in enumerate(lines, start=2):
        cells = _cells(line)
        if problem := _problem(names, cells, latest):
            found.problems.append(f"{found.path}, line {number}: {problem}; the row is left out")
            continue
        row = [_number(cell) for cell in cells]
        latest = {name: row[names.index(name)] for name in latest}
        kept.append(row)
    if kept:
        found.columns = dict(zip(names, np.array(kept).T, strict=True))


def _cells(line: str) -> list[str]:
    if '"' not in line:
        return line.split(",")
    try:
        return next(csv.reader([line]))
    except csv.Error:
        return [line]


def _problem(names: list[str], cells: list[str], latest: Mapping[str, float]) -> str:
    """What is wrong with a row, or ''."""
    if len(cells) != len(names):
        return f"found {len(cells)} cells, the header has {len(names)}"
    for name, cell in zip(names, cells, strict=True):
        try:
            number = _number(cell)
        except ValueError:
            return f"{name}: found {cell!r}, expected a number"
        if name in latest and not number >= latest[name]:
            return f"{name}: found {number:g} after {latest[name]:g}, it may not fall"
        if name in latest and number > LARGEST:
            return f"{name}: found {number:g}, no run is that long"
    return ""


def _number(cell: str) -> float:
    if "_" in cell:  # Python reads 1_0 as 10
        raise ValueError(cell)
    return float(cell) if cell else math.nan


def _contradiction(evaluations: Evaluations, again: Evaluations) -> Iterator[str]:
    """What the other file says otherwise. Its rows without a time are no evaluations."""
    path, columns = evaluations.path, evaluations.columns
    at = np.flatnonzero(np.isfinite(again.columns[SECONDS]))
    if not len(again.columns[SECONDS]):
        return  # there is no other file, or it says nothing
    if len(at) != len(columns[STEP]):
        yield (
            f"{path}: found {len(columns[STEP])} evaluations, {again.path.name} beside it has "
            f"{len(at)}; nothing was added"
        )
        return
    for name in sorted(columns.keys() & again.columns.keys()):
        ours, theirs = columns[name], again.columns[name][at]
        differ = np.flatnonzero(~np.isclose(ours, theirs, rtol=ROUNDING, atol=0, equal_nan=True))
        if len(differ):
            row = differ[0]
            yield (
                f"{path}, line {row + 2}: {name}: found {ours[row]:g}, {again.path.name} beside it "
                f"has {theirs[row]:g}; the former is used"
            )
            return
