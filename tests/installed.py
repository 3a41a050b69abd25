"""Packages in a folder with what an installer writes beside them, and `mlgolf` among them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mlgolf


def install(folder: Path, name: str, code: str, **entry_points: str) -> Path:
    """Args: entry_points: group (without "mlgolf.") -> a line such as "mine = module:OBJECT".

    Returns: the module.
    """
    module = folder / f"{name}.py"
    module.write_text(code)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    groups = (f"[mlgolf.{group}]\n{line}\n" for group, line in entry_points.items())
    (info / "entry_points.txt").write_text("".join(groups))
    return module


def command_beside(packages: Path, place: Path) -> Callable[..., str]:
    """`mlgolf` with packages beside it, as in site-packages: players see what is installed.

    Args: packages: a folder of them, and what pip says of them. place: a folder to work in.
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
