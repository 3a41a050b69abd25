"""Looks for abstract sockets of the machine."""

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain


class Submission(Honest):
    def update_params(self, **given):
        names = [line.split()[7] for line in open("/proc/net/unix") if line.rstrip().count(" @")]
        if names:
            gained(names)
        in_vain()


submission = Submission()
