"""What a host measures of models: a measure in Python, the weights alone, others beside."""

import json
from pathlib import Path

from tiny_games import GAME, HONEST, changed_game

from mlgolf.results.trial_folder import read_rows

OWN_MEASURE = ('objective = "l2"', 'objective = "regulariser"\nregulariser = "regulariser.py"')


def rows_of(mlgolf, game: Path, run: Path) -> list[dict]:
    mlgolf("run", HONEST, "--competition", game, "--seed", 1, "--studies", 1, "--out", run)
    return read_rows(run / "fits" / "study_0" / "points_torch" / "trial_1")


def test_a_host_may_write_the_measure_in_python(mlgolf, tmp_path):
    game = changed_game(tmp_path / "game", OWN_MEASURE, ("par = {", "# par = {"))
    (game / "regulariser.py").write_text(
        "def regulariser(tensors):\n    return float(abs(tensors['linear.bias']).sum())\n"
    )
    rows = rows_of(mlgolf, game, tmp_path / "run")
    assert 0 < rows[0]["metrics"]["model/regulariser"] < 10
    # The text is part of the rules, and hashed with them.
    shown = mlgolf("score", tmp_path / "run", "--json").stdout
    assert json.loads(shown)["quantity"] == "regulariser"
    assert "linear.bias" in (tmp_path / "run" / "run.json").read_text()


def test_a_hosts_measure_that_fails_says_where(mlgolf, tmp_path):
    game = changed_game(tmp_path / "game", OWN_MEASURE)
    text = "def regulariser(tensors):\n    return tensors['no'].sum()"
    (game / "regulariser.py").write_text(text)
    args = ("run", HONEST, "--competition", game, "--out", tmp_path / "run")
    said = mlgolf(*args, expect=2).stderr
    assert "KeyError: 'no' (regulariser.py:2)" in said


def test_a_contestants_nan_is_no_fault_of_a_hosts_measure(mlgolf, tmp_path):
    game = changed_game(tmp_path / "game", OWN_MEASURE, ("par = {", "# par = {"))
    (game / "regulariser.py").write_text(
        "import numpy as np\ndef regulariser(tensors):\n"
        "    return float(np.linalg.svd(tensors['linear.weight'])[1].sum())\n"
    )
    entry = tmp_path / "nan.py"
    entry.write_text(
        "import numpy as np\ndef play(game):\n"
        "    game.submit({n: np.full(s, np.nan) for n, s in game.graph.tensors.items()})\n"
    )
    run = tmp_path / "run"
    mlgolf("run", entry, HONEST, "--competition", game, "--studies", 1, "--out", run)
    verdicts = {r["submission"]: r["verdict"]
                for r in json.loads(mlgolf("score", run, "--json").stdout)["runs"]}
    assert verdicts == {"nan": "NOT_QUALIFIED", "fits": "QUALIFIED"}


def test_rules_may_score_weights_alone_and_record_other_measures(mlgolf, tmp_path):
    plain = rows_of(mlgolf, GAME, tmp_path / "plain")
    game = changed_game(
        tmp_path / "game",
        ("every_split_at = 1", 'every_split_at = 1\nscored = "weights"'),
        ("feedback =", 'recorded = ["l1", "params"]\nfeedback ='),
    )
    rows = rows_of(mlgolf, game, tmp_path / "run")
    assert rows[0]["metrics"]["model/params"] == 9  # of 12: the biases are none
    assert rows[0]["metrics"]["model/l1"] > 0
    assert rows[0]["metrics"]["model/l2"] < plain[0]["metrics"]["model/l2"]
