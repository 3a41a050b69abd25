"""Has a number of its own written into the log."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        given["workload"].metrics_logger.append_scalar_metrics({"mine": 1.0}, given["global_step"])
        return super().update_params(**given)


submission = Submission()
