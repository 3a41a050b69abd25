"""Which examples of a game cost most to fit, and the round without them."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlgolf.api.rounds import costliest_lines, next_round
from mlgolf.core.competition import load_competition
from mlgolf.core.errors import RulesError
from mlgolf.golf.costliest import ExampleLosses, example_losses
from mlgolf.golf.next_round import write_next_round
from mlgolf.results.run_folder import RunFolder

TINY = Path(__file__).parents[1] / "end_to_end" / "tiny_game"


@pytest.fixture(scope="module")
def game(tmp_path_factory) -> Path:
    """The tiny game, with models kept."""
    folder = tmp_path_factory.mktemp("kept") / "game"
    shutil.copytree(TINY, folder)
    rules = (folder / "competition.toml").read_text()
    (folder / "competition.toml").write_text(
        rules.replace("every_split_at = 1", "every_split_at = 1\nkeep_model = true")
    )
    return folder


@pytest.fixture(scope="module")
def run(mlgolf, game) -> Path:
    out = game.parent / "run"
    mlgolf("run", TINY / "fits.py", "--competition", game, "--seed", 1, "--out", out)
    return out


def test_the_losses_are_those_of_the_models_that_count(run, data_dir):
    (found,) = example_losses(RunFolder(run), data_dir)
    trials = RunFolder(run).trials()
    assert found.models == 2
    best = [trial.values("l2", "error_rate").argmin() for trial in trials]
    losses = [t.metrics["train/loss"][row] for t, row in zip(trials, best, strict=True)]
    assert found.losses.mean() == pytest.approx(np.mean(losses), rel=0.01)  # those are with noise
    assert (np.diff(found.losses) <= 0).all()


def test_the_next_round_has_the_same_split_without_the_costliest(
    mlgolf, game, run, data_dir, tmp_path
):
    said = mlgolf(
        "game", "costliest", run, "--share", 0.06, "--competition", game,
        "--next-round", tmp_path / "next",
    ).stdout
    assert "the costliest 3 of 50 examples" in said
    assert load_competition(tmp_path / "next").round == 2
    (found,) = example_losses(RunFolder(run), data_dir)
    again = tmp_path / "again"
    mlgolf(
        "run", TINY / "fits.py", "--competition", tmp_path / "next", "--seed", 1, "--studies", 1,
        "--out", again,
    )
    (fewer,) = example_losses(RunFolder(again), data_dir)
    assert set(fewer.rows) == set(found.rows) - set(found.costliest(0.06))
    norms = [RunFolder(path).trials()[0].values("l2", "error_rate") for path in (run, again)]
    assert norms[1].min() < norms[0].min()


def test_all_examples_are_listed_as_json(mlgolf, run):
    record = json.loads(mlgolf("game", "costliest", run, "--json").stdout)
    (workload,) = record["workloads"]
    assert len(workload["examples"]) == 50


def test_an_example_of_a_table_is_told_by_its_line(mlgolf, run):
    (first,) = (
        line for line in mlgolf("game", "costliest", run).stdout.splitlines() if "example " in line
    )
    (workload,) = json.loads(mlgolf("game", "costliest", run, "--json").stdout)["workloads"]
    row, line = workload["examples"][0]["row"], workload["examples"][0]["line"]
    assert f"example {row}, from 0 (line {line} of points.csv): " in first
    text = (TINY / "points.csv").read_text().splitlines()
    assert np.genfromtxt([text[line - 1]], delimiter=",").tolist() == (
        np.genfromtxt(TINY / "points.csv", delimiter=",", skip_header=1)[row].tolist()
    )


def losses(**changes) -> ExampleLosses:
    return replace(
        ExampleLosses(
            game=load_competition("digits-l2"), workload="digits", file="", rows=np.array([7, 3]),
            losses=np.array([0.5, 0.25]), unit="nats", models=1,
        ), **changes,
    )  # fmt: skip


def test_an_example_of_a_library_is_told_by_its_place():
    head, first = costliest_lines(losses(), 0.5)
    assert head.endswith("mean over 1 model")
    assert first == "  example 7, from 0: 0.5 nats"


def test_a_squared_error_is_not_in_nats():
    _, first = costliest_lines(losses(unit=""), 0.5)
    assert first == "  example 7, from 0: 0.5"


def test_a_game_that_ships_is_found_by_the_name_in_its_run(tmp_path):
    next_round([losses()], 0.5, out=tmp_path / "next")
    assert (tmp_path / "next" / "baseline").is_dir()
    data = load_competition(tmp_path / "next").workloads["digits"].definition["data"]
    assert (data["train"], data["leave_out"]) == (1436, [7])


def test_a_game_with_data_of_a_library_is_made_of_what_its_run_recorded(tmp_path):
    mine = load_competition("digits-l2").model_copy(update={"name": "mine"})
    next_round([losses(game=mine)], 0.5, out=tmp_path / "next")
    made = load_competition(tmp_path / "next")
    assert (made.name, made.round) == ("mine", 2)
    assert made.rules == mine.rules
    assert made.workloads["digits"].definition["data"]["leave_out"] == [7]


def test_a_changed_game_that_is_called_as_one_that_ships_is_not_taken_for_it(tmp_path):
    shipped = load_competition("digits-l2")
    row = shipped.workloads["digits"].with_bounds(train_loss=0.02)
    mine = shipped.model_copy(update={"workloads": {"digits": row}})
    next_round([losses(game=mine)], 0.5, out=tmp_path / "next")
    made = load_competition(tmp_path / "next")
    assert made.workloads["digits"].bounds["train_loss"] == 0.02


def test_the_next_round_of_a_cell_is_a_cell_of_the_next_round(tmp_path):
    hour = losses(game=load_competition("digits-l2@S"))
    made = next_round([hour], 0.5, out=tmp_path / "next")
    assert load_competition(made.competition).name == "digits-l2@S"


def test_the_folder_of_a_game_with_its_data_in_a_file_is_asked_for(mlgolf, run, tmp_path):
    said = mlgolf("game", "costliest", run, "--next-round", tmp_path / "next", expect=2).stderr
    assert "points.csv of tiny-game is not at hand: give the game's folder as --competition" in said
    assert not (tmp_path / "next").exists()


def test_an_existing_folder_is_not_written_into(game, tmp_path):
    with pytest.raises(RulesError, match="exists already"):
        write_next_round(game, tmp_path, np.array([1]))


def test_a_game_whose_examples_are_made_for_each_run_has_none_to_leave_out(game, tmp_path):
    made = shutil.copytree(game, tmp_path / "made")
    data = (made / "data.toml").read_text().replace("points.csv", "generate.py")
    (made / "data.toml").write_text(f"blind = true\n{data}")
    with pytest.raises(RulesError, match="each run has examples of its own"):
        write_next_round(made, tmp_path / "next", np.array([1]))
    assert not (tmp_path / "next").exists()


def test_par_of_the_round_before_is_no_par_of_the_next(game, tmp_path):
    write_next_round(game, tmp_path / "next", np.array([1]))
    assert load_competition(game).workloads["points"].par is not None
    assert load_competition(tmp_path / "next").workloads["points"].par is None
    assert "\n# No par: " in (tmp_path / "next" / "competition.toml").read_text()


def test_par_of_a_cell_is_no_par_of_its_next_round(game, tmp_path):
    celled = shutil.copytree(game, tmp_path / "celled")
    with open(celled / "competition.toml", "a") as rules:
        rules.write('[cells.S]\npar.points = { value = 1.0, provenance = "a guess" }\n')
    write_next_round(celled, tmp_path / "next", np.array([1]))
    assert load_competition(f"{tmp_path / 'next'}@S").workloads["points"].par is None


def test_a_recorded_game_loses_par_in_its_next_round(tmp_path):
    mine = load_competition("digits-l2").model_copy(update={"name": "mine"})
    next_round([losses(game=mine)], 0.5, out=tmp_path / "next")
    assert load_competition(tmp_path / "next").workloads["digits"].par is None
    assert (tmp_path / "next" / "competition.toml").read_text().startswith("# No par: ")


def test_a_list_of_several_lines_is_extended_and_comments_stay(game, tmp_path):
    second = shutil.copytree(game, tmp_path / "second")
    data = (second / "data.toml").read_text().replace(
        "train = 50\n", "train = 48  # of 99\nleave_out = [\n  3,\n  40,\n]\n"
    )
    (second / "data.toml").write_text(data)
    write_next_round(second, tmp_path / "third", np.array([7]))
    written = (tmp_path / "third" / "data.toml").read_text()
    assert "train = 47  # of 99\nleave_out = [3, 7, 40]\n" in written
    assert written.count("leave_out") == 1


def test_lines_that_cannot_be_changed_are_told_and_nothing_is_written(game, tmp_path):
    odd = shutil.copytree(game, tmp_path / "odd")
    data = (odd / "data.toml").read_text().replace("train = 50", "'train' = 50")
    (odd / "data.toml").write_text(data)
    with pytest.raises(RulesError, match="leave these rows out by hand: 7"):
        write_next_round(odd, tmp_path / "next", np.array([7]))
    assert not (tmp_path / "next").exists()


def test_a_run_that_kept_no_model_says_what_is_missing(mlgolf, tmp_path):
    run = tmp_path / "run"
    mlgolf("run", TINY / "fits.py", "--competition", TINY, "--studies", 1, "--out", run)
    assert "keep_model = true" in mlgolf("game", "costliest", run, expect=2).stderr


def test_files_of_more_bytes_than_the_rules_allow_are_refused(mlgolf, tmp_path):
    game = tmp_path / "game"
    shutil.copytree(TINY, game)
    rules = (game / "competition.toml").read_text()
    (game / "competition.toml").write_text(
        rules.replace("every_split_at = 1", "code_bytes = 10_000")
    )
    entry = tmp_path / "mine"
    entry.mkdir()
    shutil.copy(TINY / "fits.py", entry / "entry.py")
    args = ("run", entry, "--competition", game, "--studies", 1, "--out")
    mlgolf(*args, tmp_path / "small")
    (entry / "weights.bin").write_bytes(bytes(10_000))
    said = mlgolf(*args, tmp_path / "large", expect=2).stderr
    assert "allows 10,000" in said


@pytest.mark.parametrize("share", [0.0, 1.0, 2.0])
def test_a_share_that_leaves_nothing_to_train_on_is_refused(mlgolf, run, tmp_path, share):
    said = mlgolf(
        "game", "costliest", run, "--share", share, "--next-round", tmp_path / "next", expect=2
    ).stderr
    assert "more than 0, and below 1" in said
    assert not (tmp_path / "next").exists()
