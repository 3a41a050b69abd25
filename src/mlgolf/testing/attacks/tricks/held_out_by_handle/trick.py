"""Opens inodes by handle."""

import ctypes
import os
import struct

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import call, try_all


class Submission(Honest):
    def update_params(self, **given):
        root = os.open("/tmp", os.O_RDONLY)
        handle = ctypes.create_string_buffer(struct.pack("iiQQ", 16, 1, 2, 0))
        try_all({"handle": lambda: call("open_by_handle_at", root, handle, os.O_RDONLY)})


submission = Submission()
