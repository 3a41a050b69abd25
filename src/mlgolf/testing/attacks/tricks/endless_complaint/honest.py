"""Warns in a few words."""

import warnings

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        warnings.warn("a warning", stacklevel=1)
        return super().update_params(**given)


submission = Submission()
