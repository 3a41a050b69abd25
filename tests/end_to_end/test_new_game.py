"""A game from one's own table: made, played, scored without an edit."""

import json
import shutil

import numpy as np
import pytest
from sklearn.datasets import load_diabetes


@pytest.fixture(scope="module")
def game(mlgolf, tmp_path_factory):
    """Two kinds that a line separates."""
    folder = tmp_path_factory.mktemp("games")
    rng = np.random.default_rng(0)
    rows = [f"{x:.3f},{y:.3f},{'up' if y > 0 else 'down'}" for x, y in zip(
        rng.normal(size=40), np.tile([-2.0, 2.0], 20) + 0.1 * rng.normal(size=40), strict=True
    )]  # fmt: skip
    (folder / "mine.csv").write_text("\n".join(["across,along,way", *rows]))
    done = mlgolf("game", "new", "mine", "--from", folder / "mine.csv", "--out", folder,
                  "--budget", 4)
    assert "the target is the column 'way': give --target COLUMN" in done.stdout
    assert f"then: mlgolf game check {folder / 'mine'}" in done.stdout
    return folder / "mine"


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_its_baseline_plays_and_keeps_the_bounds(mlgolf, tmp_path, game, framework):
    run = tmp_path / "run"
    mlgolf(
        "run", game / "baseline", "--competition", game, "--framework", framework, "--seed", 1,
        "--studies", 1, "--out", run,
    )
    (entry,) = json.loads(mlgolf("score", run, "--json").stdout)["leaderboard"]
    assert entry["workloads"]["mine"]["outcome"] == "scored"


def test_a_game_of_measured_numbers_with_noise_passes_its_own_check(mlgolf, tmp_path):
    table = load_diabetes()
    names = ",".join([*table.feature_names, "progression"])
    np.savetxt(tmp_path / "a.csv", np.column_stack([table.data, table.target]), delimiter=",",
               header=names, comments="")
    mlgolf("game", "new", "ill", "--from", tmp_path / "a.csv", "--out", tmp_path, "--licence",
           "BSD-3-Clause", "--budget", 15)
    done = mlgolf("game", "check", tmp_path / "ill")
    assert "ok  baseline: it keeps all bounds" in done.stdout


@pytest.fixture(scope="module")
def open_game(mlgolf, tmp_path_factory):
    """A text in which characters depend on those before them."""
    folder = tmp_path_factory.mktemp("open")
    text = "\n".join(f"{number} squared is {number * number}" for number in range(600))
    (folder / "squares.txt").write_text(text)
    mlgolf("game", "new", "squares", "--from", folder / "squares.txt", "--objective", "bits",
           "--licence", "CC0-1.0", "--budget", 10, "--out", folder)
    return folder / "squares"


def test_an_open_game_from_a_text_passes_its_own_check(mlgolf, open_game):
    done = mlgolf("game", "check", open_game)
    assert "ok  baseline: it keeps all bounds, with bits " in done.stdout


def test_the_baseline_of_an_open_game_has_a_score_below_that_of_a_constant(
    mlgolf, tmp_path, open_game
):
    run = tmp_path / "run"
    mlgolf("run", open_game / "baseline", "--competition", open_game, "--studies", 1, "--out", run)
    (entry,) = json.loads(mlgolf("score", run, "--json").stdout)["leaderboard"]
    text = (open_game / "text.txt").read_text()
    shares = np.array([text.count(character) / len(text) for character in set(text)])
    constant = -0.8 * len(text) * (shares * np.log2(shares)).sum()
    assert entry["workloads"]["squares"]["value"] < 0.9 * constant


def test_more_classes_than_a_text_has_are_told(mlgolf, tmp_path, open_game):
    changed = shutil.copytree(open_game, tmp_path / "changed")
    rules = (changed / "competition.toml").read_text()
    (changed / "competition.toml").write_text(rules.replace("num_classes = 21", "num_classes = 25"))
    done = mlgolf("game", "check", changed, "--no-play", expect=1)
    assert "num_classes: found 25, but text.txt has 20 different characters" in done.stdout


def test_bad_data_are_one_message_and_exit_code_2(mlgolf, tmp_path):
    (tmp_path / "bad.csv").write_text("a,b\n1,\n")
    done = mlgolf("game", "new", "bad", "--from", tmp_path / "bad.csv", "--out", tmp_path, expect=2)
    assert "line 2, column 'b': the value is missing" in done.stderr
    assert not (tmp_path / "bad").exists()
