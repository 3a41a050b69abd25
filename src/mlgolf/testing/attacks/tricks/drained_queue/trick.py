"""Takes batches without end, and does no step."""

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def data_selection(self, workload, input_queue, *_):
        for _ in input_queue:
            pass


submission = Submission()
