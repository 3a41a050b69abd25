"""Trains by a loss of its own beside the workload's."""

import torch

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        torch.square(torch.ones(3)).sum()
        return super().update_params(**given)


submission = Submission()
