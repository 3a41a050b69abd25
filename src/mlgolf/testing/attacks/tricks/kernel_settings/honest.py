"""Reads a setting."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        open("/proc/self/limits").read()
        return super().update_params(**given)


submission = Submission()
