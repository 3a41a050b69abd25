"""Runs of a table for a scaling law: parameters, tokens, loss, and what else a form asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from mlgolf.analysis.scaling.form import BITS, ScalingRuns
from mlgolf.analysis.scaling.law import TRAINING_FLOP
from mlgolf.core.errors import RunFolderError, ScoringError, UnknownName
from mlgolf.core.text import number_of
from mlgolf.results.measurement_table import LINE, Column, place_of, read_measurements

FEWEST = 100  # parameters or tokens: below, a column is in millions or billions
HIGHEST = 20.0  # nats per token: above, it is a perplexity
RATIOS = (1e-2, 1e5)  # tokens per parameter, in the median: beyond, one of them has another unit
STATED_FLOP = ("flop", "flops", "train_flop", "training_flop", "compute")  # columns of FLOP
FLOP_FACTOR = 10.0  # from 6 N D, in the median: attention and embeddings explain less
CHOOSES = "="  # before a column by which rows are chosen, as it may be read as something else, too

Notes = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What a table calls them. Exactly one of `tokens` and `flop` is needed."""

    params: str = "params"
    tokens: str | None = "tokens"
    flop: str | None = None  # of training; tokens are then C / 6 N
    loss: str = "loss"
    unique_tokens: str | None = None
    bits: Mapping[str, str] = field(default_factory=dict)  # of weights, activations, cache
    levers: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class ScalingTable:
    path: Path
    runs: ScalingRuns
    notes: Notes = ()


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which rows count.

    Args:
      only, without: "COLUMN" of 0 and 1, or "COLUMN=VALUE"; rows that have 1, or the value, there
        are kept, or left out.
      drop_highest: how many runs of the highest loss are left out.
    """

    only: str | None = None
    without: str | None = None
    drop_highest: int = 0

    @property
    def before_outliers(self) -> "Choice":
        """With the runs that `without` and `drop_highest` leave out."""
        return Choice(only=self.only)

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Those that it asks for, each with the value that it wants; empty: 1."""
        asked = [text.partition("=") for text in (self.only, self.without) if text is not None]
        return [(column, value) for column, _, value in asked]

    def of(self, path: Path, rows: pl.DataFrame, prefix: str = "") -> tuple[pl.DataFrame, Notes]:
        """The rows in their order, and what was left out. Args: prefix: of the columns there.

        Raises: RunFolderError if no row is left. path: for errors.
        """
        notes = []
        for asked, kept in ((self.only, True), (self.without, False)):
            if asked is not None:
                column, _, value = asked.partition("=")
                there = pl.col(prefix + column)
                has = there.cast(pl.String) == value if value else there == 1
                left = rows.filter(has == kept)
                notes.append(f"{len(rows) - len(left)} of {len(rows)} rows left out by {asked}")
                rows = left
        if self.drop_highest:
            places = rows.with_row_index("place").sort("loss", descending=True)
            rows = places.slice(self.drop_highest).sort("place").drop("place")
            notes.append(f"the {number_of(self.drop_highest, 'run')} of highest loss left out")
        if rows.is_empty():
            raise RunFolderError(f"{path}: no row is left. Leave out fewer of them")
        return rows, tuple(notes)


ALL = Choice()


def read_runs(path: Path, columns: Columns, choice: Choice = ALL) -> ScalingTable:
    """Raises: RunFolderError for a table that has no such columns, or not in their units."""
    _check_levers(columns)
    table = read_measurements(path, _wanted(columns, choice), keep=STATED_FLOP)
    rows, notes = choice.of(path, table, CHOOSES)
    _check_units(path, columns, rows)
    return ScalingTable(
        path=path, runs=_runs(columns, rows), notes=(*_doubts(rows), *notes)
    )


def _check_levers(columns: Columns) -> None:
    taken = {columns.params, columns.tokens, columns.flop, columns.loss, columns.unique_tokens}
    taken |= {*columns.bits.values()}
    for lever in columns.levers:
        if lever in taken:
            raise ScoringError(
                f"lever {lever}: found a column that is read as something else. A lever is a "
                "column of 0 and 1, or of a setting, besides size, data and loss"
            )


def _wanted(columns: Columns, choice: Choice) -> tuple[Column, ...]:
    if unknown := [kind for kind in columns.bits if kind not in BITS]:
        raise UnknownName("kind of bits", unknown[0], known=BITS)
    amount = Column(name="tokens", found_as=columns.tokens or "", positive=True, option="--tokens")
    if columns.flop is not None:
        amount = Column(name="flop", found_as=columns.flop, positive=True, option="--flop")
    found = [
        Column(name="params", found_as=columns.params, positive=True, option="--params"), amount,
        Column(name="loss", found_as=columns.loss, positive=True, option="--loss"),
    ]  # fmt: skip
    if columns.unique_tokens is not None:
        found.append(Column(name="unique", found_as=columns.unique_tokens, positive=True))
    found += [
        Column(name=f"bits of {kind}", found_as=column, positive=True)
        for kind, column in columns.bits.items()
    ]
    found += [Column(name=f"lever {lever}", found_as=lever) for lever in columns.levers]
    found += [
        Column(name=CHOOSES + column, found_as=column, is_number=not value)
        for column, value in choice.columns
    ]
    return tuple(found)


def _check_units(path: Path, columns: Columns, rows: pl.DataFrame) -> None:
    for name, source in (("params", columns.params), ("tokens", columns.tokens)):
        if name not in rows.columns:
            continue
        few = rows.filter(pl.col(name) < FEWEST)
        if len(few):
            line, value = few.select(LINE, name).row(0)
            raise RunFolderError(
                f"{place_of(path, line)}: {source}: found {value:g}; {name} are counted one by "
                f"one, {FEWEST} at least. If the column is in millions or billions, multiply it"
            )
    high = rows.filter(pl.col("loss") > HIGHEST)
    if len(high):
        line, value = high.select(LINE, "loss").row(0)
        raise RunFolderError(
            f"{place_of(path, line)}: {columns.loss}: found {value:g}; a loss is in nats per "
            f"token, at most {HIGHEST:g}. Of a perplexity take the natural logarithm"
        )
    _check_ratio(path, columns, rows)
    _check_flop(path, columns, rows)
    if "unique" in rows.columns:
        more = rows.filter(pl.col("unique") > pl.col("tokens") * 1.001)
        if len(more):
            line, unique, tokens = more.select(LINE, "unique", "tokens").row(0)
            raise RunFolderError(
                f"{place_of(path, line)}: {columns.unique_tokens}: found {unique:g} unique tokens, "
                f"but {tokens:g} were seen. Tokens count repeats, so they are never fewer"
            )


def _check_ratio(path: Path, columns: Columns, rows: pl.DataFrame) -> None:
    """Tokens in millions beside parameters one by one, or two columns exchanged."""
    if columns.flop is not None:
        return
    ratio = _tokens_per_parameter(rows)
    low, high = RATIOS
    if not low <= ratio <= high:
        raise RunFolderError(
            f"{path}: {columns.params}, {columns.tokens}: found {ratio:.2g} tokens per parameter "
            f"in the median, allowed is {low:g} to {high:g}. Both are counted one by one, not in "
            "millions or billions; or the two columns are exchanged"
        )


def _tokens_per_parameter(rows: pl.DataFrame) -> float:
    return float(np.median(rows["tokens"].to_numpy() / rows["params"].to_numpy()))


def _check_flop(path: Path, columns: Columns, rows: pl.DataFrame) -> None:
    """FLOP that the table states, and nobody asked for, against 6 N D."""
    for column in STATED_FLOP:
        if columns.flop is not None or column not in rows.columns:
            continue
        stated = rows[column].cast(pl.Float64, strict=False)
        known = rows.select("params", "tokens", stated=stated).filter(pl.col("stated") > 0)
        factor = (known["stated"] / (TRAINING_FLOP * known["params"] * known["tokens"])).median()
        if isinstance(factor, float) and not 1 / FLOP_FACTOR <= factor <= FLOP_FACTOR:
            raise RunFolderError(
                f"{path}: {columns.params}, {columns.tokens}: found {factor:.2g} times 6 N D in "
                f"the column {column}, in the median, allowed is {1 / FLOP_FACTOR:g} to "
                f"{FLOP_FACTOR:g}. Parameters and tokens are counted one by one; if they are, "
                f"remove or rename the column {column}, or take it in place of tokens: "
                f"--flop {column}"
            )


def _doubts(rows: pl.DataFrame) -> list[str]:
    """What is possible, and unusual."""
    ratio = _tokens_per_parameter(rows) if "tokens" in rows.columns else 1.0
    return [] if ratio >= 1 else [
        f"Unusual: {ratio:.2g} tokens per parameter in the median. Language models see more tokens "
        "than they have parameters: are the two columns exchanged, or tokens in thousands?"
    ]  # fmt: skip


def _runs(columns: Columns, rows: pl.DataFrame) -> ScalingRuns:
    def of(name: str) -> np.ndarray:
        return rows[name].to_numpy()

    tokens = of("tokens") if columns.flop is None else of("flop") / (TRAINING_FLOP * of("params"))
    unique = np.minimum(of("unique"), tokens) if columns.unique_tokens is not None else None
    return ScalingRuns(
        params=of("params"), tokens=tokens, loss=of("loss"), unique_tokens=unique,
        bits={kind: of(f"bits of {kind}") for kind in columns.bits},
        levers={lever: of(f"lever {lever}") for lever in columns.levers},
    )
