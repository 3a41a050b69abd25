"""Writes a megabyte into its scratch."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        with open("/tmp/mine", "wb") as file:
            file.write(bytes(1 << 20))
        return super().update_params(**given)


submission = Submission()
