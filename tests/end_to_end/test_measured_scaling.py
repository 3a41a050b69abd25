"""The runs behind docs/scaling.md: they are read, and give the page's numbers again."""

import json
import re
import tarfile
from pathlib import Path

import polars as pl
import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "scaling.md").read_text(encoding="utf-8")
TABLE = DOCS / "tables" / "lm_scaling.csv"
LARGEST, TOKENS_A_STEP = "1568020", 256


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    with tarfile.open(DOCS / "runs" / "lm_scaling.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    return folder


def validation_losses(folder: Path) -> dict[str, float]:
    """The last ones of all trials, by workload."""
    ends = {}
    for rows in folder.glob("nadamw/study_0/*/trial_1/evals.jsonl"):
        name = rows.parent.parent.name.removesuffix("_torch")
        last = json.loads(rows.read_text().splitlines()[-1])
        ends[name] = last["metrics"]["validation/loss"]
    return ends


def test_the_table_has_the_losses_of_the_runs(runs):
    table = pl.read_csv(TABLE)
    assert dict(zip(table["workload"], table["loss"], strict=True)) == validation_losses(
        runs / "lm_scaling"
    )


def test_the_folder_gives_the_fit_of_the_table(mlgolf, runs):
    """With the runs that repeat: the same constants, whichever way they are read."""
    options = ("--draws", "100", "--json")
    of_runs = json.loads(mlgolf("fit", runs / "lm_scaling", *options).stdout)
    of_table = json.loads(mlgolf("fit", TABLE, "--unique", "unique_tokens", *options).stdout)
    for name in ("E", "A", "B", "alpha", "beta", "R_D"):
        assert of_runs[name] == pytest.approx(of_table[name], rel=1e-3)


def test_a_folder_gives_the_law_of_the_runs_that_saw_no_token_twice(mlgolf, runs):
    shown = mlgolf("fit", runs / "lm_scaling", "--form", "chinchilla", "--draws", "100").stdout
    assert "fitted to 34 runs" in shown
    assert "16 of 50 runs left out: they saw tokens again" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--unique", "unique_tokens"), "found --unique, and a folder of runs"),
        (("--lever", "workload"), "found --lever, and a folder of runs"),
        (("--form", "levers"), "found --form levers, and a folder of runs"),
        (("--without", "part_of_data"), "runs are chosen by 'part_of_data'"),
    ],
)
def test_what_a_folder_has_no_use_for_is_refused(mlgolf, runs, options, message):
    found = mlgolf("fit", runs / "lm_scaling", *options, expect=2)
    assert message in " ".join(found.stderr.split())


@pytest.mark.parametrize(("steps", "row"), [(1_200, "x16_x0.4"), (3_000, "x16_x1")])
def test_the_larger_runs_lie_in_the_intervals_of_the_page(mlgolf, runs, steps, row):
    tokens = steps * TOKENS_A_STEP
    found = json.loads(mlgolf(
        "fit", TABLE, "--without", "part_of_data", "--predict", f"{LARGEST},{tokens}", "--json",
    ).stdout)  # fmt: skip
    low, high = found["predictions"][0]["interval"]
    loss = validation_losses(runs / "lm_scaling_x16")[row]
    of_the_page = re.search(
        rf"after {steps:,} steps (?:a loss of )?\S+ \((\S+) to (\S+)\)", " ".join(PAGE.split())
    )
    # Its bounds are quantiles of fits, which differ between processors beyond three digits.
    assert [*map(float, of_the_page.groups())] == pytest.approx([low, high], abs=0.003)
    assert f"**{loss:.3f}**" in PAGE
    assert low < loss < high
