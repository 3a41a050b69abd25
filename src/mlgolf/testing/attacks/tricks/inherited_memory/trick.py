"""Writes into memory that it shares with the process from which trials are forked."""

import ctypes

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain

MARK = b"kept-by-a-trial."


def shared():
    """(address, name) of the last bytes of all memory that can be written and is shared."""
    for line in open("/proc/self/maps"):
        span, rights, _, _, _, *name = line.split()
        if rights.startswith("rw") and rights.endswith("s"):
            yield int(span.split("-")[1], 16) - len(MARK), name


class Submission(Honest):
    def update_params(self, **given):
        places = [*shared()]
        for address, name in places:
            if ctypes.string_at(address, len(MARK)) == MARK:
                gained(name)
            ctypes.memmove(address, MARK, len(MARK))
        in_vain(f"{len(places)} places")


submission = Submission()
