"""A game from one's own table: made, played, scored without an edit."""

import json

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


def test_bad_data_are_one_message_and_exit_code_2(mlgolf, tmp_path):
    (tmp_path / "bad.csv").write_text("a,b\n1,\n")
    done = mlgolf("game", "new", "bad", "--from", tmp_path / "bad.csv", "--out", tmp_path, expect=2)
    assert "line 2, column 'b': the value is missing" in done.stderr
    assert not (tmp_path / "bad").exists()
