"""Keeps weights in a message queue of System V."""

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain, libc


class Submission(Honest):
    def update_params(self, **given):
        if libc.msgget(77, 0) >= 0:
            gained("a queue")
        libc.msgget(77, 0o1666)
        in_vain()


submission = Submission()
