"""docs/add-a-workload.md, followed: its files keep the contract, and train."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from installed import command_beside, install

GUIDE = Path(__file__).parents[1] / "docs" / "add-a-workload.md"
FILE = re.compile(r"^\*\*`([\w./]+)`\*\*[^\n]*\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The files of the guide, and what `pip install` would add to them."""
    place = tmp_path_factory.mktemp("guide")
    install(place, "nothing", "", workloads="spirals = spirals:WORKLOAD")
    for name, text in FILE.findall(GUIDE.read_text(encoding="utf-8")):
        file = place / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return place


def test_the_tests_of_the_guide_pass(folder):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_spirals.py"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_guide_says_what_pip_would_install(folder):
    assert 'spirals = "spirals:WORKLOAD"' in (folder / "pyproject.toml").read_text()


def test_the_competition_of_the_guide_is_won_by_nadamw(folder, tmp_path):
    command = command_beside(folder, tmp_path)
    command(
        "run", "nadamw", "--competition", folder / "spirals.toml", "--tuning", "self",
        "--studies", 1, "--seed", 1, "--out", tmp_path / "run",
    )
    (row,) = json.loads(command("score", tmp_path / "run", "--json"))["leaderboard"]
    assert row["workloads"]["spirals"]["outcome"] == "scored"
