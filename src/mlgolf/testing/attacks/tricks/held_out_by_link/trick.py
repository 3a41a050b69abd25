"""Takes detours to the validation split."""

import os

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import data_folder, try_all


class Submission(Honest):
    def update_params(self, **given):
        split = data_folder() / "validation" / "rows.npy"
        try_all(
            {
                "hard link": lambda: os.link(split, "/tmp/rows"),
                "symbolic link": lambda: (os.symlink(split, "/tmp/link"), open("/tmp/link", "rb")),
                "upwards": lambda: open(
                    data_folder() / "train" / ".." / "validation" / "rows.npy", "rb"
                ),
                "root of the supervisor": lambda: open(f"/proc/1/root{split}", "rb"),
                "root of itself": lambda: open(f"/proc/self/root{split}", "rb"),
                "working directory": lambda: open(f"/proc/self/cwd/{split}", "rb"),
            }
        )


submission = Submission()
