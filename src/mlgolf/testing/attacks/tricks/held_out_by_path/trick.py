"""Looks for held-out data in the folder of data."""

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import data_folder, gained, in_vain


class Submission(Honest):
    def update_params(self, **given):
        found = [path for path in data_folder().parents[2].rglob("*") if path.is_file()]
        others = [path for path in found if path.parent != data_folder() / "train"]
        if others:
            gained(others)
        in_vain(f"{len(found)} files of the training split")


submission = Submission()
