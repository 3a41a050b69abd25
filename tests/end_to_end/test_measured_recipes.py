"""The runs behind docs/recipes.md: they give the page's numbers again."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
TABLES = ROOT / "docs" / "tables"


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    with tarfile.open(ROOT / "docs" / "runs" / "recipes.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    return folder / "recipes"


@pytest.fixture(scope="module")
def said(runs) -> str:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "recipes.py", "--runs", runs],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def test_the_tables_of_the_page_are_those_of_the_runs(said):
    rows = [line for line in said.splitlines() if line.startswith("|")]
    assert len(rows) == 2 * (2 + 8)
    assert set(rows) <= set(PAGE.splitlines())


@pytest.mark.parametrize("name", ["recipes.csv", "recipe_trials.csv"])
def test_the_tables_of_the_project_are_those_of_the_runs(said, runs, name):
    assert (runs / name).read_text() == (TABLES / name).read_text()


def test_the_totals_of_the_page_are_those_of_the_runs(said):
    for total in ("2.49 times", "1.60 times"):
        assert total in said
        assert total in " ".join(PAGE.split())
