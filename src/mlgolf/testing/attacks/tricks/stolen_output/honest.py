"""Prints a line for each step."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        print("step", given["global_step"])
        return super().update_params(**given)


submission = Submission()
