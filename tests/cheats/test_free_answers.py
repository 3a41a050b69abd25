"""Answers about held-out data cost what they cost, whatever step count is claimed."""

import numpy as np
from judge import judged

from mlgolf.core.status import Status

HARNESS = "import sys; h = sys._getframe(1).f_locals['self']; "
CLIMB = HARNESS + "climb(h, current_param_container, global_step)"
# Random changes of the parameters, kept when validation likes them, each as a hundred steps.
TOP = """
import torch
def climb(harness, params, step):
    best, values = float("inf"), [p.data for p in params.parameters()]
    link = harness._link
    hand_over = link.query if ASKS else link.submit
    while True:
        kept = [v.clone() for v in values]
        for v in values:
            v.add_(0.1 * torch.randn_like(v))
        step += 100
        link.board.step = step
        evaluated = hand_over(harness._arrays(params, None), step)
        loss = evaluated.metrics["validation/loss"]
        if loss < best:
            best = loss
        else:
            for v, old in zip(values, kept):
                v.copy_(old)
"""


def test_claiming_steps_buys_no_free_answers(tmp_path, data_dir):
    trial = judged(tmp_path, data_dir, CLIMB, f"ASKS = False\n{TOP}", every=100, budget=1.0)
    assert trial.status is Status.OUT_OF_TIME, trial.reason
    paid = trial.charged_seconds.sum() / trial.seconds[-1]
    assert paid > 0.4, f"{len(trial.steps)} answers, {paid:.0%} of the clock paid for them"


def test_asking_without_end_buys_no_free_answers(tmp_path, data_dir):
    trial = judged(tmp_path, data_dir, CLIMB, f"ASKS = True\n{TOP}", every=10**6, budget=1.0)
    assert trial.status is Status.OUT_OF_TIME, trial.reason
    assert len(trial.steps) == 0
    assert trial.verdict.charged_seconds > 0.4 * trial.total_seconds


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
