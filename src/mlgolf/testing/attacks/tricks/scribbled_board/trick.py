"""Fills the shared counters with steps that never were, backwards and forwards."""

from mlgolf.core import spec
from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import link


class Submission(Honest):
    def update_params(self, **given):
        board = link().board
        for step in (-5, 0, 2**62, 3, -(2**63)):
            board.step = step
        board.evaluate_at = 0
        if given["global_step"] == 20:
            raise spec.TrainingCompleteError("done")
        return super().update_params(**given)


submission = Submission()
