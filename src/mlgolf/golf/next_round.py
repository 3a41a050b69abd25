"""The next round of a game: the same rules, without some examples of its training data."""

import re
import shutil
from pathlib import Path
from typing import Any

from mlgolf.core.arrays import IntArray
from mlgolf.core.competition import FILE, Competition
from mlgolf.core.errors import RulesError
from mlgolf.core.toml_files import read_table
from mlgolf.scoring.dual import to_toml
from mlgolf.workloads.graph.spec import Data, validated

DATA, ROUND = "data.toml", "round"


def without_examples(game: Competition, workload: str, left_out: IntArray) -> Competition:
    """The next round as a record.

    Args: workload: whose data the game declares. left_out: rows of their source, from 0.
    """
    row = game.workloads[workload]
    definition: dict[str, Any] = row.definition or {}
    data = definition["data"]
    fewer = {
        **data, "train": data["train"] - len(left_out),
        "leave_out": sorted({*data.get("leave_out", ()), *left_out.tolist()}),
    }
    changed = row.model_copy(update={"definition": {**definition, "data": fewer}})
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
    (destination / FILE).write_text(to_toml(following), encoding="utf-8")
    return following.round


def write_next_round(game: Path, destination: Path, left_out: IntArray) -> int:
    """A copy of a game's folder without some examples of the training data.

    Args: game: with data.toml. left_out: rows of its source.
    Returns: the number of the round. Raises: RulesError, before anything is written, where the
      destination exists, the folder is of another kind, or its examples are made for each run.
    """
    _check_that_it_is_new(destination)
    for name in (FILE, DATA):
        if not (game / name).is_file():
            raise RulesError(f"{game}: no {name} there; give the game's folder as --competition")
    if validated(Data, read_table(game / DATA)).made_for_a_run:
        raise RulesError(f"{game}: each run has examples of its own; change what makes them")
    data = (game / DATA).read_text()
    train = re.search(r"^train\s*=\s*(\d+)", data, re.MULTILINE)
    if train is None or re.search(r"^leave_out\s*=", data, re.MULTILINE):
        raise RulesError(
            f"{game / DATA}: expected a line `train = ...` and none for leave_out; leave these "
            f"rows out by hand: {', '.join(map(str, left_out))}"
        )
    rows = ", ".join(map(str, sorted(left_out.tolist())))
    fewer = f"train = {int(train[1]) - len(left_out)}\nleave_out = [{rows}]"
    rules = (game / FILE).read_text()
    before = re.search(rf"^{ROUND}\s*=\s*(\d+)\n", rules, re.MULTILINE)
    number = 1 + (int(before[1]) if before else 1)
    rest = rules if before is None else rules.replace(before[0], "")
    shutil.copytree(game, destination)
    (destination / DATA).write_text(data.replace(train[0], fewer, 1))
    titled = re.sub(r"^(title\s*=.*\n)", rf"\1{ROUND} = {number}\n", rest, flags=re.MULTILINE)
    (destination / FILE).write_text(titled)
    return number


def _check_that_it_is_new(destination: Path) -> None:
    if destination.exists():
        raise RulesError(f"{destination} exists already; give another folder")
