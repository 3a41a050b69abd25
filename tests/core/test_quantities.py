"""What is declared of a quantity agrees with everything that uses it."""

import math
from dataclasses import replace

import numpy as np
import pytest
from synthetic_trials import competition, trial, workload_rules

from mlgolf.core.errors import RulesError
from mlgolf.core.quantities import bound_noun, quantities
from mlgolf.report.words import question
from mlgolf.scoring.dual import dual

# All but the objective of these tests, and what only rules with a regulariser.py may use.
BOUNDED = sorted(quantities().keys() - {"train_loss", "regulariser"})


@pytest.mark.parametrize("name", quantities())
def test_every_quantity_has_a_value_at_every_evaluation_of_a_trial(name):
    assert len(trial(seconds=[1, 2], values=[0.5, 0.1]).values(name, "error_rate")) == 2


@pytest.mark.parametrize("name", BOUNDED)
def test_a_usual_bound_can_be_asked_for_in_words(name):
    bound = quantities()[name].usual_bound
    asked = competition(
        {"digits": workload_rules(**{bound: 3.0})}, objective="train_loss",
        constraints=[{"quantity": name, "bound": bound}],
    )
    assert f"each workload's {bound_noun(bound)}" in question(asked.rules)


@pytest.mark.parametrize("name", BOUNDED)
def test_the_dual_bounds_an_objective_by_its_usual_bound(name):
    bound = quantities()[name].usual_bound
    asked = competition(
        {"digits": workload_rules(**{bound: 3.0})}, objective=name,
        constraints=[{"quantity": "train_loss", "bound": 1.0}],
    )
    assert dual(asked).rules.bound_on(name).bound == bound


def test_targets_are_reached_and_budgets_are_stayed_within():
    budgets = {name for name, q in quantities().items() if not q.is_target}
    assert budgets == {"time", "cpu_time", "wall_time", "dollars", "energy", "steps"}


def test_steps_alone_are_claimed():
    assert [name for name, q in quantities().items() if q.claimed] == ["steps"]


def test_bits_are_nats_in_another_unit():
    measured = trial(seconds=[1], values=[math.log(8)], metric="loss")
    assert measured.values("validation_bits", "loss") == pytest.approx(3.0)
    assert measured.values("validation_loss", "loss").tolist() == [math.log(8)]


def test_a_squared_error_has_no_unit_and_other_quantities_keep_theirs():
    changed = {name for name, q in quantities().items() if q.unit_under("squared_error") != q.unit}
    losses = {"train_loss", "train_loss_max", "validation_loss", "test_loss", "validation_bits"}
    assert changed == losses


@pytest.mark.parametrize("factor", [0.0, -1.0, math.nan, math.inf])
def test_a_factor_that_would_turn_a_quantity_around_is_refused(factor):
    with pytest.raises(RulesError, match="allowed is more than 0"):
        replace(quantities()["validation_bits"], factor=factor)


@pytest.mark.parametrize(("reached", "followed"), [
    (["validation_loss"], "validation_loss"), (["train_loss", "l2"], "train_loss"),
    (["train_loss", "test_metric"], "validation_metric"), (["time", "l2"], "l2"),
])  # fmt: skip
def test_curves_follow_what_must_be_reached(reached, followed):
    constraints = [{"quantity": name, "bound": 1.0} for name in reached]
    assert competition(constraints=constraints).rules.followed.name == followed


def test_what_was_not_measured_is_missing_at_every_evaluation():
    values = trial(seconds=[1, 2], values=[0.5, 0.1]).values("train_loss", "error_rate")
    assert np.isnan(values).tolist() == [True, True]
