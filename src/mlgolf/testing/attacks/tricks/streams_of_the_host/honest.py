"""Prints, in both ways, and reads nothing."""

import sys

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        if given["global_step"] % 50 == 0:
            print("a step", sys.stdin.read(1), flush=True)
            print("a step", file=sys.stderr)
        return super().update_params(**given)


submission = Submission()
