"""The environment that a measurement shares with the trials of `mini`: allocator and threads.

An allocator that hands freed memory back, or a compiler with threads of its own, takes its time in
each step; a trial's player has neither. Both are read once, when a process starts.
"""

import os
from collections.abc import Mapping

from mlgolf.core.competition import load_competition
from mlgolf.core.hardware import load_hardware

COMPETITION = "mini"
_DEVICES = ("CUDA_VISIBLE_DEVICES", "JAX_PLATFORMS")  # a GPU that is here is measured


def trial_environment(
    threads: int, inherited: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """What is inherited, with the settings of the hardware class; its one thread become `threads`.

    With several, XLA takes as many as NPROC says, and its own flags are left as they are.
    """
    settings = dict(load_hardware(load_competition(COMPETITION).rules.hardware).environment)
    for name in _DEVICES:
        settings.pop(name, None)
    if threads != 1:
        settings.pop("XLA_FLAGS", None)
        one = {name for name, value in settings.items() if value == "1"}
        settings |= dict.fromkeys(one, str(threads))
    return {**inherited, **settings}
