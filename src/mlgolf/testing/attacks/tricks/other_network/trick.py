"""Trains a larger network."""

import torch

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        return given["optimizer_state"], torch.nn.Linear(320, 1), None


submission = Submission()
