"""Logs a loss that was never measured."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        given["workload"].metrics_logger.append_scalar_metrics(
            {"validation/loss": 0.0, "validation_metric": 0.0}, given["global_step"]
        )
        return super().update_params(**given)


submission = Submission()
