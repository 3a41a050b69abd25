"""Keeps weights in message queues of both kinds."""

import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain, libc


class Submission(Honest):
    def update_params(self, **given):
        if libc.msgget(77, 0) >= 0 or libc.mq_open(b"/kept", os.O_RDONLY) >= 0:
            gained("a queue")
        libc.msgget(77, 0o1666)
        in_vain(f"made {libc.mq_open(b'/kept', os.O_RDWR | os.O_CREAT, 0o666, None) >= 0}")


submission = Submission()
