"""From a table, the user's or one that ships, to the history of each of its targets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mlgolf.analysis.intervals import CONFIDENCE
from mlgolf.analysis.progress.entries import Entries
from mlgolf.analysis.progress.flags import Flag, parts_against_amounts
from mlgolf.analysis.progress.history import History, history_of
from mlgolf.analysis.progress.language_models import LossHistory, loss_history
from mlgolf.analysis.progress.published import Reading
from mlgolf.analysis.progress.table import (
    Columns,
    ProgressTable,
    check_years,
    read_entries,
    with_baseline,
)
from mlgolf.core.errors import RunFolderError, UnknownName

ALONE = ""  # the key of columns that hold for every target


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is asked of a table."""

    targets: Sequence[str] = ()  # none: all of them
    baseline: str | None = None
    since: str | None = None
    until: str | None = None
    within_a_year: bool = False
    physical_growth: float | None = None
    confidence: float = CONFIDENCE


@dataclass(frozen=True, kw_only=True, eq=False)
class Histories:
    """`histories` has one at least, in the order of the table or as they were asked for."""

    title: str
    histories: tuple[History | LossHistory, ...]
    notes: tuple[str, ...] = ()
    source: str = ""


def histories_of_table(path: Path, reading: Reading, choice: Choice) -> Histories:
    """Raises: RunFolderError, UnknownName, ScoringError."""
    if reading.columns.loss is not None:
        return _of_losses(path, reading, choice)
    entries, columns, part_flags, notes = _read(path, reading, choice)
    wanted = [*(choice.targets or entries)]
    _check_baseline(choice, wanted)
    found, left_out = [], []
    for target in wanted:
        own = entries[target]
        if choice.baseline is not None:
            own = with_baseline(own, choice.baseline)
        try:
            check_years(path, own, within_a_year=choice.within_a_year)
        except RunFolderError as error:
            if len(wanted) == 1 or choice.targets:
                raise
            left_out.append(f"{target} left out. {error}")
            continue
        found.append(history_of(
            own, columns[target], quantity=_called(reading, columns[target]),
            physical_growth=choice.physical_growth, confidence=choice.confidence,
            easier_target=reading.easier_target,
            more_flags=tuple(
                flag for flag in part_flags[target] if flag.entry in own.names
            ),
        ))  # fmt: skip
    if not found:
        raise RunFolderError(" ".join(left_out))
    return Histories(
        title=path.stem, histories=tuple(found), notes=(*notes, *left_out), source=reading.source
    )


def _called(reading: Reading, columns: Columns) -> str:
    return reading.called.get(columns.compute, columns.compute)


Read = tuple[
    dict[str, Entries], dict[str, Columns], dict[str, tuple[Flag, ...]], tuple[str, ...]
]


def _read(path: Path, reading: Reading, choice: Choice) -> Read:
    """Entries, columns and flags of each target, and notes. Some have columns of their own."""
    entries, columns, part_flags = {}, {}, {}
    notes: list[str] = []
    for target, own in {ALONE: reading.columns, **reading.of_targets}.items():
        # What the table says of other targets tells what parts usually give.
        targets = () if reading.of_targets else choice.targets
        table = read_entries(path, own, targets=targets, since=choice.since, until=choice.until)
        table = _with_what_the_source_says(table, reading)
        of_parts = parts_against_amounts([*table.targets.values()], table.columns)
        for (name, group), found in zip(table.targets.items(), of_parts, strict=True):
            if target == name or (target == ALONE and name not in reading.of_targets):
                entries[name], columns[name], part_flags[name] = group, table.columns, found
        if target == ALONE:
            notes += [] if reading.of_targets else table.notes
            notes += [f"{name} left out, {place}: {why}" for name, place, why in table.left_out]
    for target in choice.targets:
        if target not in entries:
            raise UnknownName("target", target, known=entries)
    return entries, columns, part_flags, tuple(notes)


def _check_baseline(choice: Choice, targets: Sequence[str]) -> None:
    if choice.baseline is not None and len(targets) > 1:
        raise RunFolderError(
            f"--baseline: found {choice.baseline!r} with {len(targets)} targets; a baseline is an "
            f"entry of one. Give one --target: {', '.join(targets)}"
        )


def _with_what_the_source_says(table: ProgressTable, reading: Reading) -> ProgressTable:
    """Where runs ended, and when an easier target was reached, of the entries of its protocol."""
    length = reading.ended
    if length is None:
        return table

    def told(entries: Entries) -> Entries:
        unknown = np.isin(entries.names, [*reading.ended_unknown])
        ended = np.where(unknown, np.nan, length)
        easier = np.array([reading.easier.get(name, np.nan) for name in entries.names])
        return replace(entries, numbers={**entries.numbers, "ended": ended, "easier": easier})

    targets = {name: told(entries) for name, entries in table.targets.items()}
    columns = replace(table.columns, ended=f"{length:g}")
    return replace(table, targets=targets, columns=columns)


def _of_losses(path: Path, reading: Reading, choice: Choice) -> Histories:
    asked = {
        "--baseline": choice.baseline, "--physical-growth": choice.physical_growth,
        "--part": reading.columns.parts,
    }
    if useless := [name for name, value in asked.items() if value]:
        raise RunFolderError(
            f"{useless[0]}: a fit of --loss has no record to count from. Leave one of them out"
        )
    table = read_entries(
        path, reading.columns, targets=choice.targets, since=choice.since, until=choice.until
    )
    found = []
    for entries in table.targets.values():
        check_years(path, entries, within_a_year=choice.within_a_year)
        found.append(loss_history(
            entries, _called(reading, table.columns), table.columns.loss or "",
            confidence=choice.confidence,
        ))  # fmt: skip
    left_out = (f"{name} left out, {place}: {why}" for name, place, why in table.left_out)
    return Histories(
        title=path.stem, histories=tuple(found), notes=(*table.notes, *left_out),
        source=reading.source,
    )  # fmt: skip
