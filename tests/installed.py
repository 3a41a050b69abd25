"""`mlgolf` with packages beside it, as in any site-packages: a player sees what is installed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mlgolf


def command_beside(packages: Path, place: Path) -> Callable[..., str]:
    """Args: packages: a folder of packages, and what pip says of them. place: a folder to work in.

    Returns: runs a command, and gives what it prints; it fails where the command does.
    """
    installed = place / "packages"
    nothing_compiled = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(mlgolf.__file__).parent, installed / "mlgolf", ignore=nothing_compiled)
    shutil.copytree(packages, installed, dirs_exist_ok=True, ignore=nothing_compiled)

    def run(*arguments: object) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "mlgolf.cli.main", *map(str, arguments)],
            capture_output=True, text=True, timeout=600, cwd=place,
            env={**os.environ, "PYTHONPATH": str(installed), "MLGOLF_DATA_DIR": str(place / "d")},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
