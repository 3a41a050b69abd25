"""Games are listed, explained, and compared cell by cell."""

import json
import shutil
from pathlib import Path

import pytest
from tiny_games import GAME, HONEST, changed_game, scored


@pytest.fixture(scope="module")
def run(mlgolf, tmp_path_factory) -> Path:
    """Both seeds of the honest entry."""
    out = tmp_path_factory.mktemp("game") / "run"
    mlgolf("run", HONEST, "--competition", GAME, "--seed", 1, "--out", out)
    return out


def test_the_list_of_games_has_the_best_value_of_runs(mlgolf, run):
    """Whose rules are those of a game that ships: the tiny one does not."""
    told = json.loads(mlgolf("game", "list", run, "--json").stdout)["games"]
    assert {row["name"] for row in told} >= {"digits-l2"}
    assert all(row["best"] is None for row in told)


def test_a_board_of_cells_says_who_holds_each(mlgolf, run):
    told = json.loads(mlgolf("game", "show", GAME, run, "--board", "--json").stdout)["cells"]
    (cell,) = told
    assert cell["submission"] == "fits"
    assert cell["best"] == pytest.approx(scored(mlgolf, run)["value"])
    said = " ".join(mlgolf("game", "show", GAME, run.parent, "--board").stdout.split())
    assert "by fits" in said
    assert "discloses" not in said
    assert "Tuning outside the budget is unbounded" in said


def test_what_an_entry_discloses_is_recorded_and_told_on_the_board_of_cells(mlgolf, tmp_path):
    entry = tmp_path / "fits"
    entry.mkdir()
    shutil.copy(HONEST, entry / "entry.py")
    (entry / "submission.toml").write_text(
        'authors = ["A. N."]\ntuned_on = ["flowers"]\ntuned = ["step size"]\nruns = 12\n'
    )
    run = tmp_path / "run"
    mlgolf("run", entry, "--competition", GAME, "--seed", 1, "--out", run)
    said = " ".join(mlgolf("game", "show", GAME, run, "--board").stdout.split())
    told = "fits discloses: tuned on flowers in 12 runs: step size; authors A. N."
    assert f"{told}." in said
    scored_run = json.loads(mlgolf("score", run, "--json").stdout)
    assert told in scored_run["notes"]
    assert scored_run["disclosures"]["fits"]["runs"] == 12
    assert (run / "fits" / "code" / "submission.toml").read_bytes() == (
        entry / "submission.toml"
    ).read_bytes()
    assert "authors A. N." in mlgolf("triage", run).stdout


def test_a_game_is_explained_with_its_numbers_and_units(mlgolf):
    said = mlgolf("game", "show", GAME).stdout
    assert "training loss at most 0.1 nats" in said
    assert "training time at most 3 s" in said
    assert "12 weights in 2 tensors: linear.weight 3 x 3, linear.bias 3" in said
    assert "50 training examples" in said
    assert "Par, the best that is known: 5 (a round number for tests)" in said
    assert "each weight is off by 0.1%" in said
    assert "It is not told what is measured of the twin set" in said
    assert "Time class: SS" in said


def test_a_game_is_explained_to_programs_in_the_same_words(mlgolf):
    told = json.loads(mlgolf("game", "show", GAME, "--json").stdout)["game"]
    assert "\n\n".join(told["words"]) == mlgolf("game", "show", GAME).stdout.rstrip("\n")
    assert told["competition"]["name"] == "tiny-game"


def test_a_game_that_has_closed_is_played_unofficially_and_says_so(mlgolf, tmp_path):
    game = changed_game(tmp_path / "game", ('size = "game"', 'size = "game"\ncloses = 2024-01-31'))
    played = mlgolf("run", HONEST, "--competition", game, "--studies", 1, "--out", tmp_path / "run")
    said = "unofficial: played after the competition closed on 2024-01-31"
    assert said in played.stderr
    assert said in mlgolf("score", tmp_path / "run").stdout
