"""Games from Python: what the commands print, as records."""

import json
from pathlib import Path

import pytest

from mlgolf.api.games import check_game, list_games, new_game, show_cells, show_game
from mlgolf.core.errors import DataError

TINY = Path(__file__).parents[1] / "end_to_end" / "tiny_game"


def printed(mlgolf, *words: object) -> dict:
    told = json.loads(mlgolf("game", *words, "--json", expect=None).stdout)
    assert told.pop("schema_version") == 1
    return told


def test_the_list_is_that_of_the_command(mlgolf, tmp_path):
    assert {"games": list_games([tmp_path]).rows} == printed(mlgolf, "list", tmp_path)


def test_a_folder_without_a_run_is_said(tmp_path):
    (problem,) = list_games([tmp_path]).problems
    assert str(tmp_path) in problem


def test_a_game_is_shown_as_by_the_command(mlgolf):
    game = show_game("digits-l2")
    assert game["words"] == printed(mlgolf, "show", "digits-l2")["game"]["words"]


def test_the_cells_are_those_of_the_command(mlgolf, tmp_path):
    board = show_cells("digits-l2", [tmp_path])
    assert {"cells": board.rows} == printed(mlgolf, "show", "digits-l2", tmp_path, "--board")
    assert [len(line) for line in board.cells] == [len(board.heads)] * len(board.cells)


def test_a_check_is_that_of_the_command(mlgolf, data_dir):
    found = check_game(TINY, play=False, data_dir=data_dir)
    assert found.as_json() == printed(mlgolf, "check", TINY, "--no-play")


def test_a_new_game_is_made_of_a_table_and_says_what_was_guessed(tmp_path):
    made = new_game("mine", TINY / "points.csv", out=tmp_path, target="kind", licence="CC0-1.0")
    assert show_game(made.folder)["division"] == "closed"
    assert any("--budget" in guess for guess in made.guesses)


def test_all_that_is_wrong_with_a_new_game_is_said_at_once(tmp_path):
    with pytest.raises(DataError, match=r"(?s)NAME: found 'No!'.*no such file"):
        new_game("No!", tmp_path / "none.csv", out=tmp_path)
