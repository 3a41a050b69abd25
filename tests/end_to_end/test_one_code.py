"""Referee and player run one mlgolf, wherever it was imported from."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import LINEAR

import mlgolf

SAYS_WHERE = """
import mlgolf
raise KeyError(f"played by {mlgolf.__file__}")
"""


def test_a_player_runs_the_checkout_that_its_referee_runs(tmp_path, data_dir):
    checkout = tmp_path / "src"
    shutil.copytree(
        Path(mlgolf.__file__).parent, checkout / "mlgolf",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    submission = tmp_path / "where.py"
    submission.write_text(SAYS_WHERE)
    done = subprocess.run(
        [sys.executable, "-m", "mlgolf.cli.main", "run", submission, "--tuning", "self",
         "--competition", LINEAR, "--data-dir", data_dir, "--out", tmp_path / "run"],
        capture_output=True, text=True, timeout=300, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(checkout)},
    )
    assert f"played by {checkout}/mlgolf/__init__.py" in done.stderr, done.stderr
