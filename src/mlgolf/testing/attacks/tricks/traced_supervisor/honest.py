"""Reads about itself."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        open("/proc/self/status").read()
        return super().update_params(**given)


submission = Submission()
