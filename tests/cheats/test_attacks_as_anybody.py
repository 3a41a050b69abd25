"""The whole attack suite by the command, as an ordinary user."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import mlgolf

SYSTEM_PYTHON = Path("/usr/bin/python3")
NOBODY = 65534
PACKAGES = Path(pytest.__file__).parents[1]


def can_be_shared() -> bool:
    """Whether an ordinary user's Python can use the packages that are installed for this one."""
    ask = (
        f"import sys; sys.path.append({str(PACKAGES)!r}); import torch, pydantic; "
        "print(*sys.version_info[:2])"
    )
    done = subprocess.run(
        [SYSTEM_PYTHON, "-c", ask], capture_output=True, text=True, user=NOBODY, group=NOBODY,
        extra_groups=[], cwd="/",
    )  # fmt: skip
    return done.stdout.split() == [*map(str, sys.version_info[:2])]


@pytest.fixture
def anybodys_python() -> Iterator[Path]:
    """A Python that any user can run, with a copy of this package: ours may lie in a home."""
    if os.geteuid() or not SYSTEM_PYTHON.exists() or not can_be_shared():
        pytest.skip("needs root, and a Python of the system that can use the packages of this one")
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o777)
        shutil.copytree(Path(mlgolf.__file__).parent, folder / "src" / "mlgolf")
        subprocess.run([SYSTEM_PYTHON, "-m", "venv", "--without-pip", folder / "venv"], check=True)
        (site,) = folder.glob("venv/lib/python*/site-packages")
        (site / "shared.pth").write_text(f"{folder / 'src'}\n{PACKAGES}\n")
        yield folder / "venv" / "bin" / "python"


@pytest.mark.long
@pytest.mark.alone
def test_all_attacks_are_held_and_look_alikes_accepted_for_an_ordinary_user(anybodys_python):
    home = anybodys_python.parents[2]
    done = subprocess.run(
        [anybodys_python, "-m", "mlgolf.cli.main", "sandbox", "attack", "--json"],
        capture_output=True, text=True, timeout=1800, user=NOBODY, group=NOBODY, extra_groups=[],
        cwd=home, env={"PATH": os.environ["PATH"], "HOME": str(home), "MLGOLF_LOCK_DIR": str(home)},
    )  # fmt: skip
    said = json.loads(done.stdout)
    wrong = [one for one in said["attacks"] if not (one["held"] and one["accepted"])]
    assert (done.returncode, wrong) == (0, [])
