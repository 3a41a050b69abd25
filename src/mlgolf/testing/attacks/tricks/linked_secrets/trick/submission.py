"""Reads what lies beside it."""

from pathlib import Path

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain


class Submission(Honest):
    def update_params(self, **given):
        for file in Path(__file__).parent.iterdir():
            if file.name == "mine.txt" and file.read_text():
                gained(file.read_text())
        in_vain()


submission = Submission()
