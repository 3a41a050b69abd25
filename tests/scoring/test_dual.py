"""Duals: the objective and a bound change places."""

import math

import pytest
from hypothesis import given
from hypothesis.strategies import composite, dictionaries, floats, permutations, sampled_from, text
from synthetic_trials import competition, reaching, workload_rules

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import RulesError
from mlgolf.core.quantities import quantity
from mlgolf.core.rules import Constraint
from mlgolf.scoring.dual import dual, incumbents, to_toml
from mlgolf.scoring.leaderboard import score_competition


def constraints(*pairs):
    return tuple(Constraint(quantity=quantity, bound=bound) for quantity, bound in pairs)


def test_the_dual_of_time_to_target_is_the_best_metric_within_the_budget():
    swapped = dual(competition())
    assert swapped.rules.objective == "validation_metric"
    assert swapped.rules.constraints == constraints(("time", "budget_seconds"))
    assert (swapped.name, swapped.title) == ("tiny-dual", "Dual of Tiny")


def test_incumbents_become_the_bounds():
    given_one = competition(["digits", "wmt"])
    swapped = dual(given_one, {"digits": 12.5, "wmt": 7})
    assert [n.bounds["budget_seconds"] for n in swapped.workloads.values()] == [12.5, 7]
    assert swapped.workloads["wmt"].sources == {"budget_seconds": "incumbent of tiny"}


def test_incumbents_of_a_metric_become_its_targets():
    best_metric = dual(competition())
    swapped = dual(best_metric, {"digits": 0.07})
    assert swapped.workloads["digits"].bounds["target"] == 0.07
    assert swapped.rules == competition().rules


def test_a_missing_incumbent_is_named():
    with pytest.raises(RulesError, match="tiny: no finite incumbent for wmt"):
        dual(competition(["digits", "wmt"]), {"digits": 3})


def test_an_incumbent_of_the_old_objective_is_not_kept_for_the_new_one():
    swapped = dual(competition({"digits": workload_rules(incumbent=12.0)}))
    assert swapped.workloads["digits"].incumbent is None


def test_the_incumbents_of_a_board_are_the_best_values_that_somebody_reached():
    rules = competition(["digits", "wmt"])
    trials = [
        *reaching("a", "digits", [7, 8, 9]), *reaching("b", "digits", [5, 6, 20]),
        *reaching("a", "wmt", [math.inf]),
    ]
    board = score_competition(rules, trials, "external")
    assert incumbents(board) == {"digits": 6}
    with pytest.raises(RulesError, match="no finite incumbent for wmt"):
        dual(rules, incumbents(board))


def test_rules_without_another_bounded_quantity_have_no_dual():
    alone = competition(
        objective="validation_metric",
        constraints=[{"quantity": "validation_metric", "bound": "target"}],
    )
    with pytest.raises(RulesError, match="only validation_metric is bounded"):
        dual(alone)


def test_an_objective_that_no_number_of_a_workload_bounds_has_no_dual():
    rules = competition(
        objective="train_loss", constraints=[{"quantity": "time", "bound": "budget_seconds"}]
    )
    with pytest.raises(RulesError, match="not every workload has a number 'train_loss'"):
        dual(rules)


@composite
def customary_rules(draw):
    """All quantities with their usual bounds; the metric not where it is the objective."""
    bounded = draw(permutations(["validation_metric", "time", "steps", "cpu_time"]))
    objective = draw(sampled_from(bounded))
    names = [name for name in bounded if name != "validation_metric" or name != objective]
    return competition(
        objective=objective,
        constraints=[{"quantity": name, "bound": quantity(name).usual_bound} for name in names],
    )


@given(original=customary_rules())
def test_the_dual_of_a_dual_asks_the_question_of_the_original(original):
    again = dual(dual(original))
    assert again.rules.objective == original.rules.objective
    assert set(again.rules.constraints) == set(original.rules.constraints)
    assert again.model_copy(update={"rules": original.rules}) == original


def test_the_dual_of_the_dual_of_mini_has_its_rules():
    mini = load_competition("mini")
    assert dual(dual(mini)).rules == mini.rules


@given(
    original=customary_rules(), title=text(), provenance=text(),
    target=floats(allow_nan=False, allow_infinity=False),
    names=dictionaries(text(), sampled_from(["minimise", "maximise"]), max_size=3),
)
def test_a_competition_survives_its_toml(
    tmp_path_factory, original, title, provenance, target, names
):
    workloads = {
        name: workload_rules(goal=goal, target=target, provenance=provenance)
        for name, goal in names.items()
    }
    changed = original.model_copy(update={"title": title, "workloads": workloads})
    path = tmp_path_factory.getbasetemp() / "competition.toml"
    path.write_text(to_toml(changed))
    assert load_competition(path) == changed


def test_the_shipped_dual_is_the_dual_of_mini():
    """After a change of mini.toml, write it again:

        mlgolf dual mini > src/mlgolf/competitions/mini-dual.toml
    """
    shipped = load_competition("mini-dual")
    assert shipped.fingerprint() == dual(load_competition("mini")).fingerprint()


def test_the_dual_of_a_game_has_its_network_and_no_par():
    game = load_competition("digits-l2")
    swapped = dual(game, {"digits": 15.0}).workloads["digits"]
    assert swapped.definition == game.workloads["digits"].definition
    assert swapped.bounds["l2"] == 15.0
    assert swapped.par is None
