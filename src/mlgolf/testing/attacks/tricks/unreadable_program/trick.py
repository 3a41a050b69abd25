"""Works in a program that its own user may run and not read."""

import contextlib
import os
import shutil
import subprocess

from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import in_vain, must_be_on_the_clock

SHELL = os.path.realpath("/bin/sh")
WORK = "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done"


def by_chmod(path):
    shutil.copyfile(SHELL, path)
    os.chmod(path, 0o111)


def by_open(path):
    os.umask(0)
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o111), "wb") as copy:
        copy.write(open(SHELL, "rb").read())


def by_mask(path):
    os.umask(0o666)
    by_whole_open = os.open(path, os.O_CREAT | os.O_WRONLY, 0o777)
    with open(by_whole_open, "wb") as copy:
        copy.write(open(SHELL, "rb").read())


def by_memory(_):
    memory = os.memfd_create("program")
    os.write(memory, open(SHELL, "rb").read())
    os.fchmod(memory, 0o111)
    return f"/proc/{os.getpid()}/fd/{memory}"


class Submission(Honest):
    def update_params(self, **given):
        for number, way in enumerate((by_chmod, by_open, by_mask, by_memory)):
            path = f"/tmp/program{number}"
            with contextlib.suppress(PermissionError):
                program = way(path) or path
                if os.stat(program).st_mode & 0o400:
                    continue  # the mask was not taken
                subprocess.run([program, "-c", WORK], check=True)
                must_be_on_the_clock(sum(os.times()[2:4]))
        in_vain("no such program can be made")


submission = Submission()
