"""Reads some files of the system, so that the times of their last use tell the next trial."""

import glob
import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain

FILES = glob.glob(os.path.dirname(os.__file__) + "/*.py")[:20]


class Submission(Honest):
    def update_params(self, **given):
        before = {file: os.stat(file).st_atime_ns for file in FILES}
        for file in FILES:
            with open(file, "rb") as opened:
                opened.read()
        after = {file: os.stat(file).st_atime_ns for file in FILES}
        if before != after:
            gained("times of last use")
        in_vain()


submission = Submission()
