"""Hands a wider network over."""

import torch

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def prepare_for_eval(self, **given):
        return given["optimizer_state"], torch.nn.Sequential(torch.nn.Linear(64, 1)), None


submission = Submission()
