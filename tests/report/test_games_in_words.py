"""What `mlgolf game show` says of weights that an entry brings along."""

from datetime import date

from mlgolf.core.competition import load_competition
from mlgolf.report.games import game_in_words

GAME = load_competition("digits-l2")


def test_weights_that_are_brought_along_are_said_to_be_bounded_and_not_checked():
    said = " ".join(game_in_words(GAME, "digits-l2"))
    assert "at most 50,000 bytes, stored weights too. Nobody can check where" in said
    assert "from a pool" not in said


def test_the_days_on_which_runs_are_official_are_said():
    game = GAME.model_copy(update={"opens": date(2030, 1, 2), "closes": date(2030, 1, 31)})
    said = " ".join(game_in_words(game.with_files_in(GAME.folder), "digits-l2"))
    assert "Open from 2030-01-02 until 2030-01-31, in UTC." in said
    assert "in UTC" not in " ".join(game_in_words(GAME, "digits-l2"))


def words_of(**data) -> str:
    """Of the game with other data."""
    row = GAME.workloads["digits"]
    definition = {**row.definition, "data": {**row.definition["data"], **data}}
    rows = {"digits": row.model_copy(update={"definition": definition})}
    game = GAME.model_copy(update={"workloads": rows}).with_files_in(GAME.folder)
    return " ".join(game_in_words(game, "digits-l2"))


def test_a_blind_game_is_not_said_to_make_stored_weights_useless():
    said = words_of(blind=True)
    assert "Who knows the pool can fit all of it beforehand." in said
    assert "help little" not in said


def test_a_game_whose_examples_are_made_for_each_run_has_no_pool_to_fit():
    said = words_of(blind=True, source=None, file="generate.py", sha256="0" * 64)
    assert "A program of the host makes the examples of each run anew." in said
    assert "pool" not in said


def test_a_game_that_renames_its_classes_says_what_cannot_be_known_beforehand():
    said = words_of(blind=True, permute_labels=True)
    assert "Classes are renamed by a permutation" in said
    assert "can fit all of it beforehand, but for the names of the classes." in said
