"""Uses large parts of the kernel in which faults were found: io_uring, bpf, userfaultfd, perf."""

import ctypes

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import system_call, try_all

room = ctypes.create_string_buffer(128)


class Submission(Honest):
    def update_params(self, **given):
        try_all(
            {
                "io_uring": lambda: system_call(425, 425, 1, room),
                "bpf": lambda: system_call(321, 280, 0, room, 128),
                "userfaultfd": lambda: system_call(323, 282, 1),
                "perf": lambda: system_call(298, 241, room, 0, -1, -1, 0),
                "module": lambda: system_call(175, 105, room, 0, b""),
                "secret memory": lambda: system_call(447, 447, 0),
                "kexec": lambda: system_call(246, 104, 0, 0, None, 0),
            }
        )


submission = Submission()
