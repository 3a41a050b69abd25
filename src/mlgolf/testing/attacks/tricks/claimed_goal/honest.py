"""Asks whether its last result reaches the target."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        for _, result in given["eval_results"]:
            given["workload"].has_reached_validation_target(result)
        return super().update_params(**given)


submission = Submission()
