"""Which examples of a game cost most to fit, and the round without them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import RulesError
from mlgolf.golf.costliest import example_losses, write_next_round
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


def test_an_existing_folder_is_not_written_into(game, tmp_path):
    with pytest.raises(RulesError, match="exists already"):
        write_next_round(game, tmp_path, np.array([1]))


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
