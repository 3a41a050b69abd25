"""Searches its memory for data of the host."""

import gc

import numpy as np

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain


class Submission(Honest):
    def update_params(self, **given):
        mapped = [
            line for line in open("/proc/self/maps") if "/validation" in line or "/test/" in line
        ]
        arrays = [
            found.shape
            for found in gc.get_objects()
            if isinstance(found, np.ndarray) and len(found.shape) == 2 and found.shape == (512, 33)
        ]
        if mapped or arrays:
            gained([mapped, arrays])
        in_vain()


submission = Submission()
