"""Asks for the validation loss without end, and learns from the answers alone."""

import torch

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import harness, link


def climb(given, hand_over):
    """Random changes of the parameters, kept where validation likes them."""
    params = given["current_param_container"]
    values, best, step = [p.data for p in params.parameters()], float("inf"), 0
    while True:
        kept = [value.clone() for value in values]
        for value in values:
            value.add_(0.1 * torch.randn_like(value))
        step += 100
        link().board.step = step
        loss = hand_over(harness()._arrays(params, None), step).metrics["validation/loss"]
        if loss < best:
            best = loss
        else:
            for value, old in zip(values, kept, strict=True):
                value.copy_(old)


class Submission(Honest):
    def update_params(self, **given):
        climb(given, link().query)


submission = Submission()
