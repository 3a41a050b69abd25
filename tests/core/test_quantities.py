"""What is declared of a quantity agrees with everything that uses it."""

from typing import get_args

import pytest
from synthetic_trials import competition, trial

from mlgolf.core.quantities import QUANTITIES, Bound, bound_noun, is_target
from mlgolf.core.rules import WorkloadRules
from mlgolf.report.words import question
from mlgolf.scoring.dual import dual


@pytest.mark.parametrize("name", QUANTITIES)
def test_every_quantity_has_a_value_at_every_evaluation_of_a_trial(name):
    assert len(trial(seconds=[1, 2], values=[0.5, 0.1]).values(name, "error_rate")) == 2


@pytest.mark.parametrize("bound", get_args(Bound))
def test_every_bound_is_a_number_of_a_workload(bound):
    assert bound in WorkloadRules.model_fields


BOUNDED = [name for name, declared in QUANTITIES.items() if declared.bound]


@pytest.mark.parametrize("name", BOUNDED)
def test_a_usual_bound_can_be_asked_for_in_words(name):
    bound = QUANTITIES[name].bound
    asked = competition(
        objective="train_loss", constraints=[{"quantity": name, "bound": bound}]
    )
    assert f"each workload's {bound_noun(bound)}" in question(asked.rules)


@pytest.mark.parametrize("name", BOUNDED)
def test_the_dual_bounds_an_objective_by_its_usual_bound(name):
    asked = competition(objective=name, constraints=[{"quantity": "train_loss", "bound": 1.0}])
    assert dual(asked).rules.bound_on(name).bound == QUANTITIES[name].bound


def test_targets_are_reached_and_budgets_are_stayed_within():
    assert [bound for bound in get_args(Bound) if is_target(bound)] == ["target", "test_target"]


def test_steps_alone_are_claimed():
    assert [name for name, q in QUANTITIES.items() if q.claimed] == ["steps"]
