"""Reads its own code."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        assert open(__file__).read()
        return super().update_params(**given)


submission = Submission()
