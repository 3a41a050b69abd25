"""Traces who supervises it."""

import ctypes
import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import call, system_call, try_all

mine = ctypes.create_string_buffer(8)
here = (ctypes.c_size_t * 2)(ctypes.addressof(mine), 8)
there = (ctypes.c_size_t * 2)(0x400000, 8)


class Submission(Honest):
    def update_params(self, **given):
        try_all(
            {
                "ptrace": lambda: call("ptrace", 16, 1, None, None),
                "memory": lambda: open("/proc/1/mem", "r+b"),
                "maps": lambda: open("/proc/1/maps").read(),
                "descriptors": lambda: [os.readlink(f"/proc/1/fd/{n}") for n in range(9)],
                "environment": lambda: open("/proc/1/environ").read(),
                "vector": lambda: call("process_vm_writev", 1, here, 1, there, 1, 0),
                "pidfd": lambda: system_call(438, 438, os.pidfd_open(1), 0, 0),
            }
        )


submission = Submission()
