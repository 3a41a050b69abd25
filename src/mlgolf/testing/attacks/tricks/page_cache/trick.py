"""Asks which pages of shared files are in memory: one trial could have read them for the next."""

import ctypes
import os

import torch

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import call, system_call, try_all

ONLY_WHAT_IS_IN_MEMORY = 8  # RWF_NOWAIT


class Submission(Honest):
    def update_params(self, **given):
        file, room = os.open(torch.__file__, os.O_RDONLY), ctypes.create_string_buffer(1 << 16)
        try_all(
            {
                "read at once": lambda: os.preadv(file, [bytearray(16)], 0, ONLY_WHAT_IS_IN_MEMORY),
                "asynchronous reads": lambda: system_call(206, 0, 1, room),
                "count": lambda: system_call(451, 451, file, room, room, 0),
                "put out": lambda: os.posix_fadvise(file, 0, 1 << 16, os.POSIX_FADV_DONTNEED),
                "map": lambda: call(
                    "mincore", ctypes.c_void_p(ctypes.addressof(room) & ~4095), 1, room
                ),
            }
        )


submission = Submission()
