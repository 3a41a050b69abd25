"""Has a timer of the kernel wake it as soon as it is stopped."""

import ctypes
import signal
import threading

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import Worker, call

MONOTONIC, MILLISECOND = 1, 1_000_000


class Event(ctypes.Structure):
    """struct sigevent; zero after these: send a signal to the process."""

    _fields_ = (
        ("value", ctypes.c_void_p), ("signal", ctypes.c_int), ("how", ctypes.c_int),
        ("rest", ctypes.c_char * 48),
    )  # fmt: skip


def wake_each_millisecond():
    timer = ctypes.c_void_p()
    event = Event(signal=signal.SIGCONT)
    call("timer_create", MONOTONIC, ctypes.byref(event), ctypes.byref(timer))
    every = (ctypes.c_long * 4)(0, MILLISECOND, 0, MILLISECOND)
    call("timer_settime", timer, 0, every, None)


class Submission(Honest):
    def update_params(self, **given):
        wake_each_millisecond()
        worker = Worker()
        threading.Thread(target=worker.work, daemon=True).start()
        worker.must_be_on_the_clock(given)


submission = Submission()
