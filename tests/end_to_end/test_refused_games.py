"""What is refused before anything is played: changed data, wrong graphs, other contestants."""

import shutil

import pytest
from tiny_games import GAME, HONEST, changed_game


def test_data_that_are_not_what_the_host_hashed_are_refused(mlgolf, tmp_path):
    game = shutil.copytree(GAME, tmp_path / "game")
    (game / "points.csv").write_text((game / "points.csv").read_text().replace("1", "2", 1))
    (game / "data.toml").write_text((game / "data.toml").read_text() + "split_seed = 7\n")
    done = mlgolf("run", game / "fits.py", "--competition", game, "--out", tmp_path / "r", expect=2)
    assert "points.csv: its SHA-256 is" in done.stderr
    assert "write the new hash there, and raise `round`" in done.stderr
    assert not (tmp_path / "r").exists()


def test_data_that_changed_after_a_run_are_refused_by_the_next(mlgolf, tmp_path):
    game = shutil.copytree(GAME, tmp_path / "game")
    args = ("run", game / "fits.py", "--competition", game, "--studies", 1, "--out")
    mlgolf(*args, tmp_path / "one")
    (game / "points.csv").write_text((game / "points.csv").read_text().replace("1", "2", 1))
    assert "points.csv: its SHA-256 is" in mlgolf(*args, tmp_path / "two", expect=2).stderr


def test_rules_that_no_model_fulfils_are_refused_before_a_run(mlgolf, tmp_path):
    game = changed_game(tmp_path / "game", ("train_loss = 0.1", "train_loss = -0.1"))
    done = mlgolf("run", HONEST, "--competition", game, "--out", tmp_path / "r", expect=2)
    assert "no model fulfils its rules" in done.stderr
    assert "competition.toml:33: workloads.points.bounds.train_loss: found -0.1" in done.stderr
    assert not (tmp_path / "r").exists()


def test_all_that_is_wrong_with_a_graph_is_said_at_once(mlgolf, tmp_path):
    game = shutil.copytree(GAME, tmp_path / "game")
    graph = (game / "graph.toml").read_text()
    (game / "graph.toml").write_text(graph.replace("units = 3", "units = 0\ncolour = 1"))
    done = mlgolf("run", game / "fits.py", "--competition", game, "--out", tmp_path / "r", expect=2)
    assert "layers.#1.units" in done.stderr
    assert "layers.#1.colour" in done.stderr


def test_an_entry_is_refused_where_only_submissions_are_taken(mlgolf, tmp_path):
    done = mlgolf("run", HONEST, "--competition", "mini", "--out", tmp_path / "run", expect=2)
    assert "fits.py is an entry, with play(game); mini takes AlgoPerf's functions" in done.stderr


def test_an_entry_whose_files_are_larger_than_the_rules_allow_is_refused(mlgolf, tmp_path):
    game = changed_game(tmp_path / "game", ("[rules]", "[rules]\ncode_bytes = 100"))
    done = mlgolf("run", HONEST, "--competition", game, "--out", tmp_path / "run", expect=2)
    size = HONEST.stat().st_size
    assert f"fits: its files have {size:,} bytes, tiny-game allows 100" in done.stderr
    assert not (tmp_path / "run").exists()
    assert "at most 100 bytes, stored weights too" in mlgolf("game", "show", game).stdout


@pytest.mark.parametrize(
    ("pretraining", "said"),
    [("forbidden", "is not to be brought along"), ("declared", "counts, too")],
)
def test_what_was_learned_before_counts_by_size_where_it_may_be_brought_along(
    mlgolf, tmp_path, pretraining, said
):
    game = changed_game(
        tmp_path / "game", ("[rules]", f'[rules]\ncode_bytes = 100\npretraining = "{pretraining}"')
    )
    done = mlgolf("run", HONEST, "--competition", game, "--out", tmp_path / "run", expect=2)
    assert f"what was learned before {said}. Remove" in done.stderr
