"""Looks around in the folder of the run."""

from pathlib import Path

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain


class Submission(Honest):
    def update_params(self, **given):
        own = Path(__file__).parent
        found = [path for path in own.parent.parent.rglob("*") if path.is_file()]
        others = [path for path in found if own not in path.parents]
        if others:
            gained(others)
        in_vain(f"{len(found)} files of its own")


submission = Submission()
