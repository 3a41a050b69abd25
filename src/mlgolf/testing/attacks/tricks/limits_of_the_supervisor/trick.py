"""Sets limits of the supervisor."""

import resource

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import try_all


class Submission(Honest):
    def update_params(self, **given):
        limits = {"files": resource.RLIMIT_NOFILE, "time": resource.RLIMIT_CPU}
        try_all(
            {name: lambda n=n: resource.prlimit(1, n, (1000, 1000)) for name, n in limits.items()}
        )


submission = Submission()
