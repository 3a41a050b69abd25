"""Writes a file into its scratch."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        with open("/tmp/mine", "w") as file:
            file.write("1")
        return super().update_params(**given)


submission = Submission()
