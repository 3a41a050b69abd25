"""Looks at its own objects."""

import gc

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        assert gc.get_count()
        return super().update_params(**given)


submission = Submission()
