"""What is drawn for each run after the code was hashed: examples, and noise on weights."""

import hashlib
import json
import re
import shutil
from pathlib import Path

from tiny_games import GAME, HONEST, TRICK, changed_game

from mlgolf.results.trial_folder import read_rows


def test_a_blind_game_is_played_on_a_draw_of_its_own_and_replayed_on_it(mlgolf, tmp_path):
    game = changed_game(tmp_path / "game")
    data = (game / "data.toml").read_text()
    (game / "data.toml").write_text(f"blind = true\n{data}")
    losses = {}
    for name in ("one", "two"):
        mlgolf("run", HONEST, "--competition", game, "--studies", 1, "--out", tmp_path / name)
        trial = tmp_path / name / "fits" / "study_0" / "points_torch" / "trial_1"
        losses[name] = read_rows(trial)[0]["metrics"]["train/loss"]
    assert losses["one"] != losses["two"]
    assert (tmp_path / "one" / "held_out.json").exists()  # the draw, once the run has ended
    trial = tmp_path / "one" / "fits" / "study_0" / "points_torch" / "trial_1"
    said = mlgolf("replay", trial, expect=2).stderr
    assert "give the game's folder as --competition" in said
    again = mlgolf("replay", trial, "--competition", game, expect=None).stdout
    assert "equal bit for bit" in again


CLASSES = 13  # whose names are never drawn alike twice
COUNTS = f"""
import numpy as np

def play(game):
    counts = np.bincount(game.train["targets"], minlength={CLASSES})
    game.log(**{{f"of_{{number}}": count for number, count in enumerate(counts)}})
    game.submit({{name: np.ones(shape) for name, shape in game.graph.tensors.items()}})
"""


def test_a_player_sees_the_classes_under_names_of_its_run_and_a_replay_sees_the_same(
    mlgolf, tmp_path
):
    game = changed_game(tmp_path / "game")
    rows = [f"{k},{n},1,{k}\n" for k in range(CLASSES) for n in range(k + 1)]  # k + 1 of class k
    with_data(
        game, "points.csv", "a,b,c,kind\n" + "".join(rows), blind=True, permute_labels=True,
        targets="kind", train=len(rows),
    )
    graph = (game / "graph.toml").read_text()
    (game / "graph.toml").write_text(graph.replace("units = 3", f"units = {CLASSES}"))
    entry = tmp_path / "counts.py"
    entry.write_text(COUNTS)
    found = []
    for name in ("one", "two"):
        mlgolf("run", entry, "--competition", game, "--studies", 1, "--out", tmp_path / name)
        trial = tmp_path / name / "counts" / "study_0" / "points_torch" / "trial_1"
        logged = (trial / "log.txt").read_text()
        found.append([int(n) for n in re.findall(r"of_\d+\D+(\d+)", logged)])
    assert sorted(found[0]) == sorted(found[1]) == list(range(1, CLASSES + 1))
    assert found[0] != found[1]
    again = mlgolf("replay", trial, "--competition", game, expect=None).stdout
    assert "equal bit for bit" in again


GENERATE = """
def generate(rng):
    inputs = rng.normal(size=(99, 3))
    return {"inputs": inputs, "targets": 1 + (inputs[:, 0] > 0)}
"""


def test_a_game_whose_examples_a_program_makes_is_played_on_other_ones_in_each_run_and_replayed(
    mlgolf, tmp_path
):
    game = changed_game(tmp_path / "game")
    with_data(game, "generate.py", GENERATE, blind=True, train=50, twin=49)
    hashes = set()
    for name in ("one", "two"):
        mlgolf("run", HONEST, "--competition", game, "--studies", 1, "--out", tmp_path / name)
        trial = tmp_path / name / "fits" / "study_0" / "points_torch" / "trial_1"
        hashes.add(json.loads((trial / "trial.json").read_text())["data_sha256"])
    assert len(hashes) == 2
    again = mlgolf("replay", trial, "--competition", game, expect=None).stdout
    assert "equal bit for bit" in again


def with_data(game: Path, file: str, text: str, **keys) -> None:
    """Other examples for a game."""
    (game / file).write_text(text)
    keys |= {"file": file, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    keys |= {"licence": "Apache-2.0", "origin": "this test"}
    (game / "data.toml").write_text(
        "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
    )


def test_noise_on_weights_is_drawn_by_the_secret_of_the_run_and_replayed(mlgolf, tmp_path):
    """The same model has other losses in another run: no entry can look for one that is spared."""
    rows = {}
    for name, more in {"secret": (), "practice": ("--practice",)}.items():
        args = ("--seed", 1, "--studies", 1, "--out", tmp_path / name, *more)
        mlgolf("run", HONEST, "--competition", GAME, *args)
        rows[name] = read_rows(tmp_path / name / "fits/study_0/points_torch/trial_1")[0]
    assert rows["secret"]["model_sha256"] == rows["practice"]["model_sha256"]
    losses = {name: row["metrics"]["train/loss_max"] for name, row in rows.items()}
    assert losses["secret"] != losses["practice"]
    trial = tmp_path / "secret" / "fits/study_0/points_torch/trial_1"
    assert "equal bit for bit" in mlgolf("replay", trial, expect=None).stdout


def test_a_game_with_noise_is_practice_where_the_noise_can_be_known(mlgolf, tmp_path):
    practice, own = tmp_path / "practice", tmp_path / "own"
    mlgolf("run", HONEST, "--competition", GAME, "--practice", "--studies", 1, "--out", practice)
    mlgolf("run", HONEST, "--competition", GAME, "--studies", 1, "--out", own)
    boards = [json.loads(mlgolf("score", run, "--json").stdout) for run in (practice, own)]
    assert [board["practice"] for board in boards] == [True, False]


def test_noise_on_weights_is_another_in_each_trial(mlgolf, tmp_path):
    """Or five seeds of an entry that draws nothing would be one draw of the noise, five times."""
    entry = tmp_path / "same"
    entry.mkdir()
    shutil.copy(HONEST, entry / "fits.py")
    same = TRICK.replace("seed=game.seed", "seed=0")
    (entry / "entry.py").write_text(f"{same}    game.submit(model)\n")
    args = ("--practice", "--seed", 1, "--studies", 4, "--out", tmp_path / "run")
    mlgolf("run", entry, "--competition", GAME, *args)
    trials = [tmp_path / f"run/same/study_{n}/points_torch/trial_1" for n in range(4)]
    rows = [read_rows(trial)[0] for trial in trials]
    assert len({row["model_sha256"] for row in rows}) == 1
    # The worse counts of what the model itself has and of what it has with noise.
    assert len({row["metrics"]["train/loss_max"] for row in rows}) > 1
