import pytest
from small_games import checked, game, said

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import RulesError
from mlgolf.golf.check import check_game
from mlgolf.golf.contradictions import contradictions

BOUNDS = "train_loss = 0.1, train_loss_max = 0.7, budget_seconds = 3"
MAX = '{ quantity = "train_loss_max", bound = "train_loss_max" }'


@pytest.mark.parametrize(
    ("edit", "words", "line"),
    [
        ((BOUNDS, "train_loss = 0.1, train_loss_max = 0.1, budget_seconds = 3"),
         "No mean is above the worst example", 33),
        ((BOUNDS, "train_loss = -0.1, train_loss_max = 0.7, budget_seconds = 3"),
         "found -0.1, which no model reaches", 33),
        ((MAX, f'{MAX}, {{ quantity = "l2", bound = 20.0 }}'), "l2 is the objective, too", 12),
        ((MAX, f'{MAX}, {{ quantity = "train_loss", bound = 0.2 }}'),
         "train_loss is bounded twice", 12),
        ((MAX, '{ quantity = "train_loss_max", bound = "train_loss" }, '
          '{ quantity = "l1", bound = "train_loss_max" }'),
         "train_loss_max is bounded by 'train_loss', the number for train_loss", 12),
        (("weight_noise = 1e-3", "weight_noise = 1.0"), "noise as large as the weights", 17),
        (("eval_every_seconds = 0.05", "eval_every_seconds = 5"), "the budget is 3 s", 32),
        (("eval_every_seconds = 0.05", "eval_every_steps = 5"), "give eval_every_seconds", 32),
        ((MAX, f'{MAX}, {{ quantity = "validation_metric", bound = 0.2 }}'),
         "measured on the validation split", 12),
        (("value = 5.0", "value = 0.0"), "l2 is more than 0", 34),
    ],
)  # fmt: skip
def test_rules_that_make_no_sense_are_found_with_their_line(tmp_path, edit, words, line):
    found = said(checked(tmp_path, competition=edit), words)
    assert found.startswith(f"competition.toml:{line}: ")


def by_error_rate(objective="l2"):
    """Edits after which models qualify by errors on the twin set alone."""
    return (
        'objective = "l2"\nconstraints = [\n  { quantity = "train_loss", bound = "train_loss" },\n'
        f"  {MAX},\n",
        f'objective = "{objective}"\nconstraints = [\n'
        '  { quantity = "test_metric", bound = 0.3 },\n',
    )


@pytest.fixture
def without_losses(tmp_path):
    def edited(objective):
        folder = game(tmp_path, competition=by_error_rate(objective))
        file = folder / "competition.toml"
        file.write_text(file.read_text().replace("train_loss = 0.1, train_loss_max = 0.7, ", ""))
        return folder

    return edited


@pytest.mark.parametrize(("objective", "is_refused"), [("l2", True), ("nonzeros", False)])
def test_a_norm_under_a_bound_on_errors_alone_is_refused(
    without_losses, tmp_path, objective, is_refused
):
    found = check_game(str(without_losses(objective)), tmp_path / "data", play=False)
    assert any("keeps every argmax" in f.what for f in found.findings) == is_refused
    if is_refused:
        assert said(found, "keeps every argmax").startswith("competition.toml:11")


def test_rules_of_a_cell_that_no_model_fulfils_are_refused_by_its_name(tmp_path):
    folder = game(tmp_path)
    with (folder / "competition.toml").open("a") as file:
        file.write("\n[cells.A]\nbounds.points.train_loss = -1\n")
    assert not contradictions(str(folder), load_competition(folder))  # the game itself is fine
    name = f"{folder}@A"
    with pytest.raises(RulesError, match=r"(?s)@A: no model fulfils .*found -1, which no model"):
        contradictions(name, load_competition(name))


def test_rules_that_say_nothing_are_told_and_not_refused(tmp_path):
    folder = game(tmp_path, competition=(MAX, f'{MAX}, {{ quantity = "l2", bound = 20.0 }}'))
    (told,) = contradictions(str(folder), load_competition(folder))
    assert told.startswith("competition.toml:12: rules.constraints.#3: l2 is the objective, too")
