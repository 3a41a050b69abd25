"""Which quantity of models goes with their error on the twin set."""

import math

import numpy as np
import pytest
from one_workload import SMALLEST, run
from scipy.stats import spearmanr

from mlgolf.scoring.twin import association, spearman, twin


def played(submissions: int, seeds: int, models: int = 4):
    """Runs whose larger norms go with larger errors on the twin set, on the whole."""
    random = np.random.default_rng(3)
    return [
        run(f"s{s}", seed, l2=norms, twin={
            "error_rate": 0.01 * norms + 0.003 * random.normal(size=models),
            "loss": 0.1 * norms,
        })
        for s in range(submissions) for seed in range(seeds)
        for norms in [10 + s + random.random(models)]
    ]  # fmt: skip


def test_the_correlation_is_spearmans():
    random = np.random.default_rng(0)
    a, b = random.integers(5, size=30), random.normal(size=30)
    assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)


def test_a_quantity_that_never_differs_has_no_correlation():
    assert math.isnan(spearman(np.ones(4), np.arange(4.0)))


def test_each_quantity_is_compared_with_the_error_and_the_loss():
    found = twin(SMALLEST, played(2, 3), "self")
    assert found is not None
    assert [(a.quantity, a.error) for a in found.associations] == [
        ("l2", "error_rate"), ("l2", "loss"),
    ]
    assert found.associations[1].correlation == pytest.approx(1.0)


def test_with_few_submissions_all_valid_models_of_all_runs_are_taken():
    found = twin(SMALLEST, played(2, 3), "self")
    assert found is not None
    assert (found.one_of_each_run, len(found.runs), found.num_runs) == (False, 24, 6)


def test_with_many_submissions_each_run_gives_the_model_that_counts():
    trials = played(5, 2)
    found = twin(SMALLEST, trials, "self")
    assert found is not None
    assert found.one_of_each_run
    assert sorted(found.columns["l2"]) == sorted(t.metrics["model/l2"].min() for t in trials)


def test_models_that_break_a_bound_are_left_out():
    trials = [
        run("a", seed, l2=[5.0, 9.0 + seed], loss=[1.0, 0.001], twin={"error_rate": [0.1, 0.2]})
        for seed in range(3)
    ]
    found = twin(SMALLEST, trials, "self")
    assert found is not None
    assert set(found.columns["l2"]) == {9.0, 10.0, 11.0}


def test_the_interval_resamples_runs_and_not_their_models():
    random = np.random.default_rng(1)
    values, errors = random.random(8), random.random(8)
    alone = association("l2", "loss", values, errors, np.arange(8))
    copied = association(
        "l2", "loss", values.repeat(9), errors.repeat(9), np.arange(8).repeat(9)
    )
    assert copied.interval == pytest.approx(alone.interval)


def test_two_runs_have_no_interval():
    found = association("l2", "loss", np.arange(4.0), np.arange(4.0), np.array([0, 0, 1, 1]))
    assert found.interval is None


def test_a_split_that_is_scored_is_no_twin_set():
    rules = SMALLEST.model_copy(update={"rules": SMALLEST.rules.model_copy(
        update={"objective": "test_metric"}
    )})
    assert twin(rules, played(2, 3), "self") is None


def test_without_a_measured_twin_set_there_is_nothing_to_compare():
    assert twin(SMALLEST, [run("a", seed, l2=[5.0]) for seed in range(3)], "self") is None


def test_a_quantity_on_which_all_models_are_equal_is_left_out_and_named():
    trials = played(2, 3)
    for trial in trials:
        trial.metrics["model/params"] = np.full(len(trial.steps), 12.0)
    found = twin(SMALLEST, trials, "self")
    assert found is not None
    assert found.quantities == ("l2",)
    assert found.left_out == (("params", "which is the same in all models"),)
