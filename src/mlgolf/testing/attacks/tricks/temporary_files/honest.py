"""Keeps a cache in /tmp within a trial."""

import torch

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        torch.save(given["global_step"], "/tmp/cache")
        assert torch.load("/tmp/cache") == given["global_step"]
        return super().update_params(**given)


submission = Submission()
