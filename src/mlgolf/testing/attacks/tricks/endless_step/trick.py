"""Never ends its first step."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        while True:
            pass


submission = Submission()
