"""Reads its copy of the clock."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, train_state, **given):
        assert train_state["accumulated_submission_time"] >= 0.0
        return super().update_params(**given)


submission = Submission()
