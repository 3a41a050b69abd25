"""Takes all memory."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        bytearray(1 << 40)
        return super().update_params(**given)


submission = Submission()
