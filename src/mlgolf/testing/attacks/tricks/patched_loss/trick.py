"""Makes every loss that it can reach zero."""

import sys

import torch

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.workloads.parts import losses_torch


def zero(*_, **__):
    return {
        "summed": torch.zeros((), requires_grad=True),
        "n_valid_examples": 1,
        "per_example": torch.zeros(1),
    }


class Submission(Honest):
    def update_params(self, **given):
        given["workload"].loss_fn = zero
        losses_torch.masked_losses = zero
        for module in [*sys.modules.values()]:
            if hasattr(module, "masked_losses"):
                module.masked_losses = zero
        for parameter in given["current_param_container"].parameters():
            parameter.data.add_(0.001)
        return given["optimizer_state"], given["current_param_container"], given["model_state"]


submission = Submission()
