"""Reads its training split from the disk."""

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import data_folder


class Submission(Honest):
    def update_params(self, **given):
        assert [*data_folder().glob("train/*")]
        return super().update_params(**given)


submission = Submission()
