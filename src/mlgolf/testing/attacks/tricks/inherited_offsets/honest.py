"""Reads a file of its own from the middle."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        with open(__file__) as file:
            file.seek(10)
        return super().update_params(**given)


submission = Submission()
