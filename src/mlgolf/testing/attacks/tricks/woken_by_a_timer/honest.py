"""Has a timer tell it each now and then that time has passed."""

import signal

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        if given["global_step"] == 0:
            signal.signal(signal.SIGALRM, lambda *_: None)
            signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        return super().update_params(**given)


submission = Submission()
