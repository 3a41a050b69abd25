"""Types into a terminal."""

import fcntl
import termios

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import try_all


class Submission(Honest):
    def update_params(self, **given):
        try_all(
            {f"descriptor {n}": lambda n=n: fcntl.ioctl(n, termios.TIOCSTI, b"x") for n in range(3)}
        )


submission = Submission()
