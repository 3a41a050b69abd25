"""Which games there are, their cells, and the best in each."""

import hashlib
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from synthetic_trials import competition, reaching, trial
from written_rulings import write

from mlgolf.core.competition import Competition, competition_names, load_competition
from mlgolf.core.errors import RulesError, UnknownName
from mlgolf.core.records import SubmissionRecord
from mlgolf.core.time_classes import time_class
from mlgolf.golf.games import (
    Runs,
    division,
    find_runs,
    game_names,
    game_row,
    held,
    listed,
    same_rules,
)

TINY = Path(__file__).parents[1] / "end_to_end" / "tiny_game"
CELL = """
[cells.A]
hardware = "one-gpu"
bounds.points.budget_seconds = 7200
eval_every_seconds.points = 120
"""


@pytest.fixture
def with_cell(tmp_path):
    """Makes the tiny game with further text in its file."""
    import shutil

    def make(more: str) -> Path:
        folder = shutil.copytree(TINY, tmp_path / "game")
        file = folder / "competition.toml"
        file.write_text(file.read_text() + more)
        return folder

    return make


def test_games_are_the_competitions_that_an_entry_may_play():
    assert "digits-l2" in game_names()
    assert "mini" in competition_names()
    assert "mini" not in game_names()


def test_a_game_is_a_row_of_what_a_player_chooses_by():
    row = game_row(load_competition("digits-l2"), {})
    assert row == {
        "name": "digits-l2", "title": "Digits with the smallest L2 norm", "objective": "l2",
        "division": "closed", "hardware": "one-thread-cpu", "time_class": "SS", "par": 14.84,
        "best": None,
    }


def test_a_game_is_open_if_its_contestants_bring_the_model():
    game = load_competition(TINY)
    assert division(game) == division(load_competition("mini")) == "closed"
    data = game.workloads["points"].definition["data"]
    task = {"inputs": {"shape": [3], "dtype": "float32"}, "num_classes": 3, "data": data}
    assert division(changed(game, workload="onnx", definition=task)) == "open"


@pytest.mark.parametrize(
    ("seconds", "name"),
    [(1, "SS"), (599, "SS"), (600, "S"), (3600, "A"), (86400, "B"), (604800, "C"),
     (2592000, "unbounded"), (float("inf"), "unbounded")],
)
def test_a_budget_is_of_the_first_class_whose_limit_it_is_below(seconds, name):
    assert time_class(seconds) == name


def test_a_cell_is_a_competition_with_what_differs(with_cell):
    folder = with_cell(CELL)
    game, cell = load_competition(folder), load_competition(f"{folder}@A")
    assert (cell.name, cell.rules.hardware) == ("tiny-game@A", "one-gpu")
    row = cell.workloads["points"]
    assert (row.bounds["budget_seconds"], row.eval_every_seconds) == (7200, 120)
    assert row.bounds["train_loss"] == game.workloads["points"].bounds["train_loss"]
    assert row.definition == game.workloads["points"].definition
    assert cell.workload_of("points").size("game").data.host_folder == folder


def test_par_of_a_game_is_none_of_its_cells(with_cell):
    folder = with_cell(CELL)
    assert load_competition(folder).workloads["points"].par is not None
    assert load_competition(f"{folder}@A").workloads["points"].par is None


def test_a_game_is_the_same_record_with_cells_and_without(with_cell):
    assert load_competition(with_cell(CELL)).fingerprint() == load_competition(TINY).fingerprint()


def test_a_cell_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(UnknownName, match=r"unknown cell of digits-l2 'B'.*Known: S"):
        load_competition("digits-l2@B")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("[cells.A]\nbounds.dots.budget_seconds = 7", "cells.A.bounds: found 'dots', allowed are"),
        ("[cells.A]\nbounds.points.speed = 7", "found 'speed', which no constraint uses"),
        ("[cells.A]\ncolour = 7", "cells.A.colour"),
    ],
)
def test_a_cell_that_makes_no_competition_is_refused_with_its_game(with_cell, cell, said):
    with pytest.raises(RulesError, match=said):
        load_competition(with_cell(cell))


def test_a_folder_whose_name_has_the_mark_of_a_cell_is_a_folder(with_cell, tmp_path):
    folder = with_cell("").rename(tmp_path / "me@home")
    assert load_competition(folder).name == "tiny-game"


def changed(game: Competition, **row) -> Competition:
    (name, rules), *_ = game.workloads.items()
    return game.model_copy(update={"workloads": {name: rules.model_copy(update=row)}})


def test_results_stay_on_the_board_when_par_is_found_and_not_when_a_bound_moves():
    game = load_competition("digits-l2")
    assert same_rules(game, changed(game, par=None, provenance="elsewhere"))
    assert not same_rules(game, changed(game, bounds={"train_loss": 0.02}))


class OneRun:
    """A run whose trials were made up."""

    def __init__(self, game: Competition, *trials, path: str) -> None:
        self.competition, self._trials, self.path = game, list(trials), Path(path)
        submissions = {trial.key.submission: SubmissionRecord() for trial in trials}
        self.record = type(
            "Record", (), {"ruleset": "external", "submissions": submissions}
        )

    def trials(self):
        return self._trials


def test_the_best_is_official_before_it_is_small():
    game = competition(["digits"], tuning={"external": {"trials": 1, "studies": 1}})
    runs = [
        OneRun(game, trial(name, seconds=[spent], values=[0.1], unofficial=why), path=name)
        for name, spent, why in (("slow", 9.0, ""), ("fast", 5.0, ""), ("odd", 2.0, "no sandbox"))
    ]
    best = held(game, Runs(folders=tuple(runs))).best["digits"]
    assert (best.submission, best.value, best.official) == ("fast", 5.0, True)


@pytest.mark.parametrize("first", ["a", "b"])
def test_of_equal_results_the_best_is_the_one_that_was_received_first(first):
    game = competition(["digits"], tuning={"external": {"trials": 1, "studies": 1}})
    runs = tuple(
        OneRun(game, trial(
            name, seconds=[5.0], values=[0.1],
            received=datetime(2030, 1, 1 if name == first else 2, tzinfo=UTC),
        ), path=name)
        for name in "ab"
    )  # fmt: skip
    assert held(game, Runs(folders=runs)).best["digits"].submission == first


def test_a_result_of_fewer_studies_than_the_rules_ask_for_is_not_the_best():
    game = competition(["digits"], tuning={"external": {"trials": 1, "studies": 2}})
    whole = OneRun(game, *reaching("whole", "digits", [9.0, 9.0]), path="whole")
    half = OneRun(game, *reaching("half", "digits", [5.0]), path="half")
    found = held(game, Runs(folders=(whole, half)))
    assert found.best["digits"].submission == "whole"
    assert found.too_few_runs == ("half in half: 1 of 2 runs on digits",)


def test_who_a_jury_disqualified_holds_no_game(tmp_path):
    game = competition(["digits"], tuning={"external": {"trials": 1, "studies": 1}})
    runs = Runs(folders=tuple(
        OneRun(game, *reaching(name, "digits", [spent]), path=name)
        for name, spent in (("fast", 5.0), ("slow", 9.0))
    ))  # fmt: skip
    write(tmp_path / "rulings", "R1", subject='submission = "fast"')
    assert held(game, runs).best["digits"].submission == "fast"
    assert held(game.with_files_in(tmp_path), runs).best["digits"].submission == "slow"


def test_cells_are_listed_below_their_game():
    names = [game.name for game in listed()]
    assert names[names.index("digits-l2") + 1] == "digits-l2@S"


def test_what_is_no_run_is_said_and_left_out(tmp_path):
    found = find_runs([tmp_path / "none"])
    assert found.folders == ()
    assert "none is not there" in found.problems[0]


def test_the_cell_that_ships_is_an_hour_class_board_of_its_own():
    file = Path(load_competition("digits-l2")._folder) / "competition.toml"
    assert "S" in tomllib.loads(file.read_text())["cells"]
    row = game_row(load_competition("digits-l2@S"), {})
    assert row["time_class"] == "S"


def test_a_model_that_pretraining_is_pinned_to_is_checked_by_its_hash(with_cell):
    digest = hashlib.sha256(b"it").hexdigest()
    folder = with_cell(f'[cells.P.pretraining]\nmodel = "model.bin"\nsha256 = "{digest}"')
    pinned = load_competition(f"{folder}@P")
    pinned.check_pinned_model()  # a contestant brings it
    (folder / "model.bin").write_bytes(b"it")
    pinned.check_pinned_model()
    (folder / "model.bin").write_bytes(b"another")
    with pytest.raises(RulesError, match=r"model.bin: its SHA-256 is .* correct the hash"):
        pinned.check_pinned_model()
