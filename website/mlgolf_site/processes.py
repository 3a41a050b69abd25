"""Processes that end when the one that started them does, however that was ended."""

import os
import signal
from collections.abc import Callable

from mlgolf.referee import kernel


def ends_with_its_parent(by: signal.Signals) -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends the signal when the thread that starts it has ended."""
    parent = os.getpid()

    def ask() -> None:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, by)
        if os.getppid() != parent:  # it has ended already
            os.kill(os.getpid(), by)

    return ask
