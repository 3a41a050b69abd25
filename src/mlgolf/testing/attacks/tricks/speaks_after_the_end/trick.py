"""Says that it has finished, and goes on."""

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import harness, link


class Submission(Honest):
    def update_params(self, **given):
        link().finish(0, "finished, it said")
        climb_on = harness()._arrays(given["current_param_container"], None)
        while True:
            link().submit(climb_on, 1)


submission = Submission()
