"""The whole attack suite by the command, as an ordinary user."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mlgolf

SYSTEM_PYTHON = Path("/usr/bin/python3")
NOBODY = 65534
NO_GROUPS: dict[str, Any] = {"extra_groups": []}
PACKAGES = Path(pytest.__file__).parents[1]
ENVIRONMENT = {"PATH": os.environ["PATH"]}


def can_be_shared() -> bool:
    """Whether an ordinary user's Python can use the packages that are installed for this one."""
    ask = (
        f"import sys; sys.path.append({str(PACKAGES)!r}); import torch, pydantic; "
        "print(*sys.version_info[:2])"
    )
    done = subprocess.run(
        [SYSTEM_PYTHON, "-c", ask], capture_output=True, text=True, user=NOBODY, group=NOBODY,
        cwd="/", timeout=300, **NO_GROUPS,
    )  # fmt: skip
    return done.stdout.split() == [*map(str, sys.version_info[:2])]


@pytest.fixture
def anybody() -> Iterator[tuple[list[object], dict[str, Any]]]:
    """A Python as an ordinary user starts it, and how. Our own may lie in a home of root's.

    Where the system has none that fits, root takes another number in a user namespace.
    """
    if os.geteuid():
        pytest.skip("who runs the tests is an ordinary user: test_attacks.py says the same")
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o777)
        how = {"cwd": folder, "env": {**ENVIRONMENT, "HOME": name, "MLGOLF_LOCK_DIR": name}}
        if SYSTEM_PYTHON.exists() and can_be_shared():
            yield [python_for_all(folder)], {**how, "user": NOBODY, "group": NOBODY, **NO_GROUPS}
        else:
            another = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
            yield [*another, sys.executable], how


def python_for_all(folder: Path) -> Path:
    """One that any user can run, with a copy of this package."""
    shutil.copytree(Path(mlgolf.__file__).parent, folder / "src" / "mlgolf")
    subprocess.run(
        [SYSTEM_PYTHON, "-m", "venv", "--without-pip", folder / "venv"], check=True, timeout=300
    )
    (site,) = folder.glob("venv/lib/python*/site-packages")
    (site / "shared.pth").write_text(f"{folder / 'src'}\n{PACKAGES}\n")
    return folder / "venv" / "bin" / "python"


@pytest.mark.long
@pytest.mark.alone
def test_all_attacks_are_held_and_look_alikes_accepted_for_an_ordinary_user(anybody):
    python, how = anybody
    done = subprocess.run(
        [*python, "-m", "mlgolf.cli.main", "sandbox", "attack", "--json"],
        capture_output=True, text=True, timeout=1200, **how,
    )
    assert done.returncode in (0, 1), done.stderr
    said = json.loads(done.stdout)
    assert {one["level"] for one in said["attacks"]} == {"bubblewrap"}
    wrong = [one for one in said["attacks"] if not (one["held"] and one["accepted"])]
    if "user" not in how:  # to the kernel it is root all the same, whom no limit of tasks binds
        wrong = [one for one in wrong if one["name"] != "fork_bomb"]
    assert wrong == []
