"""Reads what it prints before its supervisor does."""

import os
import threading

from mlgolf.testing.attacks.honest_torch import Honest


def steal():
    with open("/proc/self/fd/1", "rb", buffering=0) as printed:
        while True:
            printed.read(1 << 16)


class Submission(Honest):
    def update_params(self, **given):
        if given["global_step"] == 0:
            for _ in range(2):
                threading.Thread(target=steal, daemon=True).start()
        for _ in range(50):
            os.write(1, b"for us\n")
        return super().update_params(**given)


submission = Submission()
