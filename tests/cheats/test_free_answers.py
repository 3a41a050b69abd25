"""Answers about held-out data cost what they cost, whatever step count is claimed."""

import numpy as np
from judge import judged


def test_training_honestly_at_the_stated_interval_costs_nothing_extra(tmp_path, data_dir):
    trial = judged(tmp_path, data_dir, "pass", every=100, budget=1.0)
    assert len(trial.steps) > 10
    assert np.count_nonzero(trial.charged_seconds) == 0


def test_looking_now_and_then_is_allowed_and_paid_for_beyond_the_share(tmp_path, data_dir):
    look = "workload.eval_model(1, current_param_container, None, rng)"
    trick = f"if global_step % 500 == 499: {look}"
    trial = judged(tmp_path, data_dir, trick, every=100, budget=1.0)
    assert "the bound is " in trial.reason
    budget = 1.5 / trial.speed
    assert trial.seconds[-1] > 0.7 * budget
