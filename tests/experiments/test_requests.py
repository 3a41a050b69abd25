"""What is said against a request before anything is written."""

import pytest

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import SubmissionError
from mlgolf.experiments.requests import RunRequest, checked_sources

GAME = load_competition("digits-l2")


def checked(tmp_path, declared: str, pretraining: str):
    entry = tmp_path / "mine"
    entry.mkdir()
    (entry / "entry.py").write_text("def play(game):\n    pass\n")
    (entry / "declared.toml").write_text(declared)
    rules = GAME.rules.model_copy(update={"pretraining": pretraining})
    competition = GAME.model_copy(update={"rules": rules})
    return checked_sources(RunRequest(
        submissions=(str(entry),), competition=competition, data_dir=tmp_path, out=tmp_path / "run"
    ))  # fmt: skip


def test_what_was_learned_elsewhere_is_refused_where_pretraining_is_forbidden(tmp_path):
    with pytest.raises(SubmissionError, match=r"mine: its declared\.toml .* \(initial weights\); "):
        checked(tmp_path, 'learned = ["initial weights"]', "forbidden")


@pytest.mark.parametrize(
    ("declared", "pretraining"),
    [('tuned = ["learning rate"]', "forbidden"), ('learned = ["initial weights"]', "declared")],
)
def test_what_the_rules_allow_may_be_declared(tmp_path, declared, pretraining):
    (source,) = checked(tmp_path, declared, pretraining)
    assert source.name == "mine"
