"""Has a thread do a part of the work, and waits for it."""

import threading

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        helper = threading.Thread(target=sum, args=(range(100),))
        helper.start()
        helper.join()
        return super().update_params(**given)


submission = Submission()
