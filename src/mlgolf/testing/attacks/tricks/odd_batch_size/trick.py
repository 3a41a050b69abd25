"""Asks for empty batches."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def get_batch_size(self, workload_name):
        return 0


submission = Submission()
