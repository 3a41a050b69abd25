"""Has the referee write a hundred megabytes."""

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import in_vain


class Submission(Honest):
    def update_params(self, **given):
        for number in range(130):
            given["workload"].metrics_logger.append_scalar_metrics({"x" * 900_000: 1.0}, number)
        in_vain()


submission = Submission()
