"""Runs of a table for a scaling law: parameters, tokens, loss, and what else a form asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from mlgolf.analysis.scaling.form import BITS, ScalingRuns
from mlgolf.analysis.scaling.law import TRAINING_FLOP
from mlgolf.core.errors import RunFolderError, UnknownName
from mlgolf.results.measurement_table import LINE, Column, place_of, read_measurements

FEWEST = 100  # parameters or tokens: below, a column is in millions or billions
HIGHEST = 20.0  # nats per token: above, it is a perplexity


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
    lines: Sequence[int]  # where each run stands
    notes: tuple[str, ...] = ()


def read_runs(
    path: Path, columns: Columns, *, only: str | None = None, without: str | None = None,
    drop_highest: int = 0,
) -> ScalingTable:
    """Args:
      only, without: "COLUMN" of 0 and 1, or "COLUMN=VALUE"; rows that have 1, or the value, there
        are kept, or left out.
      drop_highest: how many runs of the highest loss are left out.
    Raises: RunFolderError for a table that has no such columns, or not in their units.
    """
    rows = read_measurements(path, _wanted(columns, only, without))
    notes = []
    for asked, kept in ((only, True), (without, False)):
        if asked is not None:
            column, _, value = asked.partition("=")
            has = pl.col(f"={column}") == (value or 1)
            left = rows.filter(has == kept)
            notes.append(f"{len(rows) - len(left)} of {len(rows)} rows left out by {asked}")
            rows = left
    if drop_highest:
        rows = rows.sort("loss", descending=True).slice(drop_highest).sort(LINE)
        notes.append(f"the {drop_highest} runs of the highest loss left out")
    if rows.is_empty():
        raise RunFolderError(f"{path}: no row is left. Leave out fewer of them")
    _check_units(path, columns, rows)
    return ScalingTable(
        path=path, runs=_runs(columns, rows), lines=rows[LINE].to_list(), notes=tuple(notes)
    )


def _wanted(columns: Columns, only: str | None, without: str | None) -> tuple[Column, ...]:
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
    return (*found, *(_chosen_by(asked) for asked in (only, without) if asked))


def _chosen_by(asked: str) -> Column:
    column, sign, _ = asked.partition("=")
    return Column(name=f"={column}", found_as=column, is_number=not sign)


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
    if "unique" in rows.columns:
        more = rows.filter(pl.col("unique") > pl.col("tokens") * 1.001)
        if len(more):
            line, unique, tokens = more.select(LINE, "unique", "tokens").row(0)
            raise RunFolderError(
                f"{place_of(path, line)}: {columns.unique_tokens}: found {unique:g} unique tokens, "
                f"but {tokens:g} were seen. Tokens count repeats, so they are never fewer"
            )


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
