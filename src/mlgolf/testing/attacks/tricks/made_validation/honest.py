"""Looks at what the workload is like."""

from mlgolf.core.registry import load_workload
from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        assert load_workload("linear").size("mini")
        return super().update_params(**given)


submission = Submission()
