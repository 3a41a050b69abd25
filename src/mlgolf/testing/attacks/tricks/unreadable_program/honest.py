"""Makes a program of its own, as compilers do, and runs it."""

import os
import shutil
import subprocess

from mlgolf.testing.attacks.honest_torch import Honest


class Submission(Honest):
    def update_params(self, **given):
        if given["global_step"] == 0:
            os.umask(0o022)
            shutil.copy2(os.path.realpath("/bin/sh"), "/tmp/program")
            os.chmod("/tmp/program", 0o700)
            subprocess.run(["/tmp/program", "-c", "true"], check=True)
        return super().update_params(**given)


submission = Submission()
