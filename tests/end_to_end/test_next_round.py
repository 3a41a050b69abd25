"""How a score moves without the examples that cost most: one command of a host's."""

import json
import shutil
from pathlib import Path

import pytest
from tiny_games import HONEST, changed_game, scored

from mlgolf.core.competition import load_competition
from mlgolf.results.run_folder import RunFolder


@pytest.fixture(scope="module")
def place(mlgolf, tmp_path_factory) -> Path:
    """Holds `game`, the tiny one with models kept, and `run`, of an entry that is a folder."""
    place = tmp_path_factory.mktemp("rounds")
    every = "every_split_at = 1"
    changed_game(place / "game", (every, f"{every}\nkeep_model = true"))
    (place / "mine").mkdir()
    shutil.copy(HONEST, place / "mine" / "entry.py")
    mlgolf(
        "run", place / "mine", "--competition", place / "game", "--seed", 1, "--out", place / "run"
    )
    return place


@pytest.fixture(scope="module")
def told(mlgolf, place) -> dict:
    """The next round without 3 of 50 examples, played."""
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(place)
        done = mlgolf(
            "game", "costliest", "run", "--competition", "game", "--share", 0.06, "--play", "--json"
        )
    return json.loads(done.stdout)["next_round"]


def test_the_same_entry_is_played_without_the_costliest_and_both_scores_are_told(
    mlgolf, place, told
):
    (score,) = told["scores"]
    before, after = (scored(mlgolf, place / run)["value"] for run in ("run", told["run"]))
    assert score["submission"] == "mine"
    assert (score["before"]["value"], score["after"]["value"]) == (before, after)
    assert score["difference"] == after - before < 0


def test_the_round_is_played_by_the_same_code_and_seeds(place, told):
    first, second = (RunFolder(place / run) for run in ("run", told["run"]))
    assert [t.seed for t in first.trials()] == [t.seed for t in second.trials()]
    codes = [run.record.submissions["mine"].sha256 for run in (first, second)]
    assert codes[0] == codes[1]


def test_the_round_is_a_game_of_its_own_in_a_folder_named_after_it(place, told):
    assert told["folder"] == "tiny-game-round-2"
    assert load_competition(place / told["folder"]).round == 2
    assert RunFolder(place / told["run"]).competition.round == 2


def test_a_difference_is_told_with_the_ranges_over_seeds(mlgolf, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = mlgolf("game", "costliest", place / "run", "--competition", place / "game", "--play")
    *_, score, caveat = said.stdout.splitlines()
    assert "without the costliest 1: " in score
    assert score.count("2 of 2 seeds within the bounds") == 2
    assert "a difference within the ranges over seeds says little" in caveat


def test_a_board_and_the_rules_say_the_round(mlgolf, place, told):
    assert mlgolf("score", place / told["run"]).stdout.startswith("tiny-game, round 2 · ")
    shown = mlgolf("game", "show", place / told["folder"]).stdout
    assert shown.startswith("tiny-game, round 2: ")


def test_a_third_round_leaves_out_more(mlgolf, place, told, tmp_path):
    second = place / told["folder"]
    mlgolf("game", "costliest", place / told["run"], "--competition", second, "--next-round",
           tmp_path / "third")
    before, after = (
        load_competition(game).workloads["points"].definition["data"]
        for game in (second, tmp_path / "third")
    )
    assert load_competition(tmp_path / "third").round == 3
    assert after["train"] == before["train"] - 1 == 46
    assert len({*after["leave_out"]} - {*before["leave_out"]}) == 1
    assert {*before["leave_out"]} < {*after["leave_out"]}


def test_a_round_that_was_not_played_yet_is_not_answered_from_a_run_of_another(
    mlgolf, place, told
):
    second = place / told["folder"]
    done = mlgolf("game", "costliest", place / "run", "--competition", second, expect=2)
    assert f"{place / 'run'} was played under other rules than those of {second}" in done.stderr
    data = "workloads.points.definition.data"
    assert f"what differs is {data}.train, {data}.leave_out. Play an entry there" in done.stderr


def test_nothing_is_played_under_other_rules_than_those_of_the_run(
    mlgolf, place, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    rules = shutil.copytree(place / "game", tmp_path / "game") / "competition.toml"
    rules.write_text(rules.read_text().replace("train_loss = 0.1", "train_loss = 0.2"))
    done = mlgolf(
        "game", "costliest", place / "run", "--competition", "game", "--play", expect=2
    )
    assert "what differs is workloads.points.bounds.train_loss." in done.stderr
    assert not (tmp_path / "tiny-game-round-2").exists()
    assert not (tmp_path / "runs").exists()
