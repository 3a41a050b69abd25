"""What is drawn for each run after the code was hashed: examples, and noise on weights."""

import json

from tiny_games import GAME, HONEST, changed_game

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
