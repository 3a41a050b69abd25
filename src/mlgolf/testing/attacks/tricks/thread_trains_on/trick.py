"""A thread goes on while the referee evaluates."""

import threading

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import Worker


class Submission(Honest):
    def update_params(self, **given):
        worker = Worker()
        threading.Thread(target=worker.work, daemon=True).start()
        worker.must_be_on_the_clock(given)


submission = Submission()
