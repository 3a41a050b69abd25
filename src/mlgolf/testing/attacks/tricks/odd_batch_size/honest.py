"""Asks for batches of twice the size."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def get_batch_size(self, workload_name):
        return 64


submission = Submission()
