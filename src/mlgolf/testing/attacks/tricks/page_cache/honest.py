"""Says how it will read a file, reads it, and maps it."""

import mmap
import os

import torch

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        with open(torch.__file__, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
            with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
                assert mapped[:9] == file.read(9)
        return super().update_params(**given)


submission = Submission()
