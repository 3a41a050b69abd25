"""A grandchild goes on while the referee evaluates."""

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import Worker, detach


class Submission(Honest):
    def update_params(self, **given):
        worker = Worker()
        detach(worker.work)
        worker.must_be_on_the_clock(given)


submission = Submission()
