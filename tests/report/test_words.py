"""Rules and numbers in words."""

import math

import pytest
from one_workload import SMALLEST
from synthetic_trials import TIME_TO_TARGET, workload_rules

from mlgolf.core.competition import load_competition
from mlgolf.core.rules import Rules
from mlgolf.report.words import (
    duration,
    energy_in_words,
    how_scored,
    how_valued,
    pretraining_in_words,
    question,
    three_digits,
    valued,
    with_unit,
)

BUDGET = {"quantity": "time", "bound": "budget_seconds"}


@pytest.mark.parametrize(
    ("objective", "constraints", "asked"),
    [
        (
            "time", [{"quantity": "validation_metric", "bound": "target"}, BUDGET],
            "Which submission needs the least training time until its validation metric reaches "
            "each workload's target, within each workload's budget?",
        ),
        (
            "validation_metric", [BUDGET],
            "Which submission reaches the best validation metric while its training time "
            "stays within each workload's budget?",
        ),
        (
            "steps", [{"quantity": "train_loss", "bound": 0.5}, {"quantity": "time", "bound": 60}],
            "Which submission needs the least number of steps (as claimed by the submission) so "
            "that its training loss stays at or below 0.5 nats and its training time stays at "
            "or below 60 s?",
        ),
        ("test_metric", [], "Which submission reaches the best test metric?"),
        (
            "time", [{"quantity": "l2", "bound": "weight_limit"}],
            "Which submission needs the least training time until its L2 norm is at most each "
            "workload's weight limit?",
        ),
        (
            "l2", [{"quantity": "l2", "bound": "weight_limit"}, BUDGET],
            "Which submission reaches the best L2 norm while its training time stays within each "
            "workload's budget, at most each workload's weight limit?",
        ),
    ],
)
def test_rules_are_one_question(objective, constraints, asked):
    changes = {"objective": objective, "constraints": constraints}
    assert question(Rules.model_validate({**TIME_TO_TARGET, **changes})) == asked


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, "0"), (12.345, "12.3"), (0.08349, "0.0835"), (54321.0, "54321"), (1e-5, "1e-05"),
     (9.999, "10.0"), (1.0, "1.00"), (122874.3, "122874"), (1e7, "1e+07"), (-2.5, "-2.50")],
)
def test_numbers_have_three_digits(value, said):
    assert three_digits(value) == said


def test_what_was_never_reached_is_a_dash_and_units_follow_after_a_space_that_does_not_break():
    assert with_unit(math.inf, "s") == "–"
    assert with_unit(5.0, "s") == "5.00\N{NO-BREAK SPACE}s"
    assert with_unit(0.25, "1") == "0.250"


def test_a_value_has_the_four_digits_by_which_submissions_are_ranked():
    assert valued("l2", 14.9486, "1") == "14.95"


@pytest.mark.parametrize(
    ("value", "said"),
    [(181_712.4, "181,712"), (115.0, "115"), (115.5, "115.5"), (2e7, "20,000,000")],
)
def test_a_count_is_a_whole_number_with_separators_of_thousands(value, said):
    assert valued("nonzeros", value, "1") == said


@pytest.mark.parametrize(
    ("hours", "said"), [(0.25, "900 s"), (1.0, "1.00 hours"), (29_897.4, "29897 hours")]
)
def test_less_than_an_hour_is_told_in_seconds(hours, said):
    assert duration(hours) == said


def test_rules_that_select_a_trial_by_other_constraints_say_by_which():
    words = how_scored(load_competition("algoperf-paper").rules)
    assert words.startswith(
        "In each study the trial with the best training time until its validation metric reaches "
        "each workload's target is selected; its training time until its test metric reaches each "
        "workload's test target is scored."
    )
    assert how_scored(load_competition("mini").rules).startswith("In each study the best trial co")


def test_a_single_workload_is_asked_for_with_its_numbers():
    rules = SMALLEST.rules
    assert question(rules, [SMALLEST.workloads["digits"]]) == (
        "Minimise the L2 norm subject to training loss at most 0.01 nats, largest training loss of "
        "an example at most 0.1 nats, training time at most 30 s on one-thread-cpu."
    )


def test_the_number_of_a_budget_is_that_of_the_tuning_rules():
    words = question(SMALLEST.rules, [SMALLEST.workloads["digits"]], budget_factor=1.5)
    assert "training time at most 45 s" in words


def test_numbers_that_workloads_share_are_said_and_others_are_not():
    rules = Rules.model_validate(TIME_TO_TARGET)
    same, other = [workload_rules(), workload_rules()], [workload_rules(), workload_rules(target=1)]
    assert question(rules, same) == (
        "Minimise the training time subject to validation metric (error rate) at most 0.1, "
        "training time at most 30 s on one-thread-cpu."
    )
    assert question(rules, other) == question(rules)


def test_what_is_maximised_and_what_must_be_beaten_are_told_as_such():
    rules = Rules.model_validate({
        **TIME_TO_TARGET, "objective": "test_metric",
        "aggregation": {"interpretations": {"target": "beaten"}},
    })
    row = workload_rules(metric="accuracy", goal="maximise", target=0.9)
    assert question(rules, [row]).startswith(
        "Maximise the test metric (accuracy) subject to validation metric (accuracy) above 0.9, "
    )


def test_the_share_of_runs_that_must_qualify_is_told():
    words = how_valued(SMALLEST.rules, "self", SMALLEST.workloads["digits"])
    assert "median over runs, if at least 80% of them qualify" in words


@pytest.mark.parametrize(
    ("allowed", "said"),
    [
        ("forbidden", "Pre-training: forbidden."),
        ("declared", "Pre-training: allowed if it is declared."),
        (
            {"model": "tiny.bin", "sha256": "a" * 64},
            f"Pre-training: the model tiny.bin and no other, SHA-256 {'a' * 64}. The compute "
            "behind it is unbounded.",
        ),
        (
            {"data": "MNIST", "relation": "likely_inputs", "words": "drawn by other people"},
            "Pre-training: on MNIST and nothing else; they are likely inputs. The host says: drawn "
            "by other people",
        ),
    ],
)
def test_what_pre_training_is_allowed_is_a_sentence(allowed, said):
    rules = Rules.model_validate({**TIME_TO_TARGET, "pretraining": allowed})
    assert pretraining_in_words(rules.pretraining) == said


def test_a_ceiling_of_energy_is_said_with_what_it_is_and_that_nobody_checks_it():
    rules = Rules.model_validate({**TIME_TO_TARGET, "watts": 15})
    assert "at most 450 J, 15 W times the budget" in energy_in_words(rules, workload_rules())
    assert "nobody checks it" in energy_in_words(rules, workload_rules())
    assert energy_in_words(Rules.model_validate(TIME_TO_TARGET), workload_rules()) == ""
