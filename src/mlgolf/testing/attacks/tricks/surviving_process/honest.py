"""Has a child, and waits for it."""

import subprocess

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        if given["global_step"] == 0:
            subprocess.run(["true"], check=True)
        return super().update_params(**given)


submission = Submission()
