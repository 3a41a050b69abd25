"""The next round of a game: the same rules, without some examples of its training data."""

import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

from mlgolf.core.arrays import IntArray
from mlgolf.core.competition import FILE, Competition
from mlgolf.core.errors import RulesError
from mlgolf.core.toml_files import read_table, read_text
from mlgolf.scoring.dual import to_toml
from mlgolf.workloads.graph.spec import Data, validated

DATA, ROUND = "data.toml", "round"
NO_PAR = "# No par: that of the round before is of other data. Give one when it is known."
_TRAIN = re.compile(r"^train\s*=\s*[\d_]+(.*)$", re.MULTILINE)
_LEAVE_OUT = re.compile(r"^leave_out\s*=\s*\[[^]]*\].*\n?", re.MULTILINE)
_PAR = re.compile(r"^[ \t]*par(\.[\w-]+)*\s*=.*$", re.MULTILINE)


def without_examples(game: Competition, workload: str, left_out: IntArray) -> Competition:
    """The next round as a record, without par: that is of the data before.

    Args: workload: whose data the game declares. left_out: rows of their source, from 0.
    """
    row = game.workloads[workload]
    definition: dict[str, Any] = row.definition or {}
    data = definition["data"]
    fewer = {
        **data, "train": data["train"] - len(left_out),
        "leave_out": sorted({*data.get("leave_out", ()), *left_out.tolist()}),
    }
    changed = row.model_copy(update={"definition": {**definition, "data": fewer}, "par": None})
    return game.model_copy(update={
        "round": game.round + 1, "workloads": {**game.workloads, workload: changed},
    })  # fmt: skip


def write_recorded_round(
    game: Competition, destination: Path, workload: str, left_out: IntArray
) -> int:
    """The next round of a game as a run recorded it: its rules in one file, and nothing beside.

    Args: as of `without_examples`. destination: a folder, which is made.
    Returns: the number of the round. Raises: RulesError, before anything is written, where the
      destination exists, or the data are in a file of the host's.
    """
    _check_that_it_is_new(destination)
    following = without_examples(game, workload, left_out)
    file = (following.workloads[workload].definition or {})["data"].get("file")
    if file is not None:
        raise RulesError(
            f"{file} of {game.name} is not at hand: give the game's folder as --competition"
        )
    destination.mkdir(parents=True)
    had_par = game.workloads[workload].par is not None
    rules = f"{NO_PAR}\n" * had_par + to_toml(following)
    (destination / FILE).write_text(rules, encoding="utf-8")
    return following.round


def write_next_round(game: Path, destination: Path, left_out: IntArray) -> int:
    """A copy of a game's folder without some examples of the training data, and without par.

    Args: game: with data.toml. left_out: rows of its source, none of which is left out yet.
    Returns: the number of the round. Raises: RulesError, before anything is written, where the
      destination exists, the folder is of another kind, or its examples are made for each run.
    """
    _check_that_it_is_new(destination)
    for name in (FILE, DATA):
        if not (game / name).is_file():
            raise RulesError(f"{game}: no {name} there; give the game's folder as --competition")
    if validated(Data, read_table(game / DATA)).made_for_a_run:
        raise RulesError(f"{game}: each run has examples of its own; change what makes them")
    number = 1 + read_table(game / FILE).get(ROUND, 1)
    data, rules = _fewer(game / DATA, left_out.tolist()), _of_round(game / FILE, number)
    shutil.copytree(game, destination)
    (destination / DATA).write_text(data, encoding="utf-8")
    (destination / FILE).write_text(rules, encoding="utf-8")
    return number


def _fewer(file: Path, left_out: list[int]) -> str:
    """data.toml with fewer examples, and else as it is, comments too."""
    text, table = read_text(file), read_table(file)
    rows = sorted({*table.get("leave_out", ()), *left_out})
    train = table["train"] - len(left_out)
    fewer = _TRAIN.sub(
        rf"train = {train}\1\nleave_out = {rows}", _LEAVE_OUT.sub("", text), count=1
    )
    if not _says(fewer, {**table, "train": train, "leave_out": rows}):
        raise RulesError(
            f"{file}: expected lines `train = ...` and, if there are any, `leave_out = [...]`; "
            f"leave these rows out by hand: {', '.join(map(str, rows))}"
        )
    return fewer


def _of_round(file: Path, number: int) -> str:
    """competition.toml with the number of the round and without par; else as it is."""
    text, table = read_text(file), read_table(file)
    unnumbered = re.sub(rf"^{ROUND}\s*=.*\n", "", text, flags=re.MULTILINE)
    numbered = re.sub(
        r"^(title\s*=.*\n)", rf"\1{ROUND} = {number}\n", unnumbered, count=1, flags=re.MULTILINE
    )
    found = _PAR.sub(NO_PAR, numbered)
    if not _says(found, {**_without_par(table), ROUND: number}):
        raise RulesError(
            f"{file}: expected lines `title = ...` and, if it is known, `par = {{ ... }}`; write "
            f"round {number} by hand"
        )
    return found


def _without_par(table: dict[str, Any]) -> dict[str, Any]:
    """Rules as data; workloads and cells have par."""
    return table | {
        part: {
            name: {key: value for key, value in row.items() if key != "par"}
            for name, row in table[part].items()
        }
        for part in ("workloads", "cells") if part in table
    }


def _says(text: str, table: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == table
    except tomllib.TOMLDecodeError:
        return False


def _check_that_it_is_new(destination: Path) -> None:
    if destination.exists():
        raise RulesError(
            f"{destination} exists already; give another folder for the next round (--next-round)"
        )
