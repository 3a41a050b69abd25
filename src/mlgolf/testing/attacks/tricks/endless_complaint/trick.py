"""Complains at length."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        raise RuntimeError("\x1b]0;mine\x07" * 10_000_000)


submission = Submission()
