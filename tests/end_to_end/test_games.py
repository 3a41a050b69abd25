"""A game of a second: played, scored, told, replayed, and turned into its dual."""

import json
import shutil
from pathlib import Path

import pytest
from tiny_games import GAME, HONEST, changed_game, scored

from mlgolf.core.competition import load_competition
from mlgolf.results.run_folder import RunFolder


@pytest.fixture(scope="module")
def run(mlgolf, tmp_path_factory) -> Path:
    """Both seeds of the honest entry."""
    out = tmp_path_factory.mktemp("game") / "run"
    mlgolf("run", HONEST, "--competition", GAME, "--seed", 1, "--out", out)
    return out


def load_written(file: Path, text: str):
    file.write_text(text)
    return load_competition(file)


def test_an_entry_is_scored_by_its_best_model_that_keeps_the_bounds(mlgolf, run):
    trials = RunFolder(run).trials()
    best = [trial.values("l2", "error_rate").min() for trial in trials]
    cell = scored(mlgolf, run)
    assert cell["outcome"] == "scored"
    assert cell["value"] == pytest.approx(sum(best) / 2)


def test_a_board_says_how_far_an_entry_is_from_par(mlgolf, run):
    cell = scored(mlgolf, run)
    assert cell["to_par"] == pytest.approx(cell["value"] / 5.0)
    said = " ".join(mlgolf("score", run).stdout.split())
    assert f"{100 * (cell['to_par'] - 1):+.2f}%" in said


def test_an_ordinary_submission_plays_the_same_game(mlgolf, tmp_path):
    run = tmp_path / "run"
    mlgolf("run", "nadamw", "--competition", GAME, "--seed", 1, "--studies", 1, "--out", run)
    (trial,) = RunFolder(run).trials()
    assert len(trial.steps) > 3
    assert set(trial.metrics) >= {"train/loss_max", "model/l2", "test/error_rate"}


def test_the_model_that_a_game_keeps_is_shipped_without_training_it_again(mlgolf, tmp_path):
    every, run = "every_split_at = 1", tmp_path / "run"
    game = changed_game(tmp_path / "game", (every, f"{every}\nkeep_model = true"))
    asked = ("--competition", game, "--seed", 1, "--studies", 1, "--out", run)
    mlgolf("run", HONEST, *asked)
    (trial,) = RunFolder(run).trials()
    quick = ("--quantise", "none", "--runs", 60, "--seconds", 0.3, "--threads", 1, "--json")
    found = json.loads(mlgolf("deploy", run / str(trial.key), *quick).stdout)
    assert found["passed"]
    exported = found["exported"]
    assert (exported["trained_again"], exported["is_recorded"]) == (False, True)
    best = trial.values("l2", "error_rate").argmin()
    assert exported["model_sha256"] == trial.model_sha256[best]


def test_the_dual_of_a_game_is_played_and_scored(mlgolf, run, tmp_path):
    game = shutil.copytree(GAME, tmp_path / "game")
    text = mlgolf("dual", game, "--runs", run).stdout
    bound = load_written(game / "dual.toml", text).workloads["points"].bounds["l2"]
    room = 1.1 * bound  # it is a median, which one of the two seeds does not reach again
    rules = load_written(game / "dual.toml", text.replace(f"l2 = {bound}", f"l2 = {room}"))
    assert rules.rules.objective == "train_loss"
    again = tmp_path / "again"
    mlgolf("run", HONEST, "--competition", game / "dual.toml", "--seed", 1, "--out", again)
    lowest = [
        min(loss for loss, norm in zip(*values, strict=True) if norm <= room)
        for values in (
            [trial.values(name, "error_rate") for name in ("train_loss", "l2")]
            for trial in RunFolder(again).trials()
        )
    ]
    assert scored(mlgolf, again)["value"] == pytest.approx(sum(lowest) / 2)


def test_an_entry_is_replayed_bit_for_bit(mlgolf, run):
    trial = run / "fits" / "study_0" / "points_torch" / "trial_1"
    assert "equal bit for bit" in mlgolf("replay", trial).stdout


def test_a_game_is_reported_with_its_rules(mlgolf, run, tmp_path):
    mlgolf("report", run, "-o", tmp_path / "game.html")
    page = (tmp_path / "game.html").read_text()
    assert "L2 norm" in page
    assert "largest training loss of an example" in page


FIXED = """
import numpy as np

def play(game):
    rng = np.random.default_rng(0)
    tensors = {name: rng.normal(size=shape) for name, shape in game.graph.tensors.items()}
    HONESTLY
    game.submit(tensors)
"""


@pytest.mark.parametrize("qualifies", [False, True])
def test_torch_and_jax_find_the_same_loss_and_verdict_of_the_same_tensors(
    mlgolf, tmp_path, qualifies
):
    """Tensors at random, and those of the honest entry."""
    honest = "from fits import play as fit; fit(game); return"
    entry = tmp_path / "entry"
    entry.mkdir()
    shutil.copy(HONEST, entry / "fits.py")
    (entry / "entry.py").write_text(FIXED.replace("HONESTLY", honest if qualifies else "pass"))
    losses, verdicts = [], []
    for framework in ("torch", "jax"):
        out = tmp_path / framework
        args = ("--framework", framework, "--seed", 1, "--studies", 1, "--out", out)
        mlgolf("run", entry, "--competition", GAME, *args)
        (trial,) = RunFolder(out).trials()
        losses.append((trial.metrics["train/loss"][0], trial.metrics["train/loss_max"][0]))
        board = json.loads(mlgolf("score", out, "--json").stdout)
        (found,) = board["runs"]
        verdicts.append(found["verdict"])
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    assert verdicts == ["QUALIFIED" if qualifies else "NOT_QUALIFIED"] * 2
