"""What is said against a request before anything is written."""

import pytest

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import RulesError, SubmissionError
from mlgolf.experiments.requests import RunRequest, checked_sources

GAME = load_competition("digits-l2")


def checked(tmp_path, disclosed: str | None, pretraining: str = "forbidden", **rules: str):
    entry = tmp_path / "mine"
    entry.mkdir(parents=True, exist_ok=True)
    (entry / "entry.py").write_text("def play(game):\n    pass\n")
    if disclosed is not None:
        (entry / "submission.toml").write_text(disclosed)
    changed = GAME.rules.model_copy(update={"pretraining": pretraining, **rules})
    competition = GAME.model_copy(update={"rules": changed})
    return checked_sources(RunRequest(
        submissions=(str(entry),), competition=competition, data_dir=tmp_path, out=tmp_path / "run"
    ))  # fmt: skip


def test_what_was_learned_elsewhere_is_refused_where_pretraining_is_forbidden(tmp_path):
    with pytest.raises(SubmissionError, match=r"its submission\.toml .* \(initial weights\); "):
        checked(tmp_path, 'learned_components = ["initial weights"]')


@pytest.mark.parametrize(
    ("disclosed", "pretraining"),
    [('tuned = ["learning rate"]', "forbidden"),
     ('learned_components = ["initial weights"]', "declared")],
)
def test_what_the_rules_allow_may_be_disclosed(tmp_path, disclosed, pretraining):
    (source,) = checked(tmp_path, disclosed, pretraining)
    assert source.name == "mine"


COMPLETE = 'authors = ["A"]\nlicence = "MIT"\ntuned_on = []\nlearned_components = []\n'


def test_a_disclosure_is_optional_unless_the_rules_ask_for_it(tmp_path):
    assert checked(tmp_path, None)[0].disclosure is None
    with pytest.raises(SubmissionError, match=r"no submission\.toml in its folder; digits-l2"):
        checked(tmp_path / "other", None, disclosures="required")


def test_where_it_is_required_it_says_who_made_what_under_which_licence_of_what(tmp_path):
    (source,) = checked(tmp_path, COMPLETE, disclosures="required")
    assert source.disclosure.authors == ("A",)
    with pytest.raises(SubmissionError, match="licence, tuned_on and learned_components not given"):
        checked(tmp_path / "other", 'authors = ["A"]', disclosures="required")


def test_a_module_given_alone_is_told_to_come_in_a_folder_where_a_disclosure_is_required(tmp_path):
    (tmp_path / "alone.py").write_text("def play(game):\n    pass\n")
    rules = GAME.rules.model_copy(update={"disclosures": "required"})
    request = RunRequest(
        submissions=(str(tmp_path / "alone.py"),), data_dir=tmp_path, out=tmp_path / "run",
        competition=GAME.model_copy(update={"rules": rules}),
    )  # fmt: skip
    with pytest.raises(SubmissionError, match="Put it into a folder"):
        checked_sources(request)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('author = ["A"]', "author: there is no such key. Did you mean authors?"),
        ('authors = "A"', "authors: found 'A', allowed is a list: ['A']"),
        ("runs = -1", "runs: Input should be greater than or equal to 0 (found -1)"),
        ("authors = [1]", "authors.#1: Input should be a valid string (found 1)"),
        ("authors = [''", "not TOML"),
    ],
)
def test_what_is_wrong_with_a_disclosure_is_told_with_file_and_key(tmp_path, text, said):
    with pytest.raises(RulesError) as error:
        checked(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'mine' / 'submission.toml'}: ")
    assert said in str(error.value)


def test_a_file_of_the_name_that_it_once_had_is_refused_with_the_new_one(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "declared.toml").write_text("")
    with pytest.raises(SubmissionError, match=r"this file is called submission\.toml now"):
        checked(tmp_path, None)
