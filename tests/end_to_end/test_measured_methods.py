"""The runs behind docs/methods.md: they are read, and give the page's numbers again."""

import json
import tarfile
from pathlib import Path

import polars as pl
import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "methods.md").read_text(encoding="utf-8")
SPEEDUPS = pl.read_csv(DOCS / "tables" / "method_speedups.csv")


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    with tarfile.open(DOCS / "runs" / "methods.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    return folder


@pytest.mark.parametrize("name", SPEEDUPS["workload"].unique(maintain_order=True))
def test_curves_of_the_runs_have_the_speedups_of_the_page(mlgolf, runs, name):
    found = json.loads(mlgolf("curve", runs / name, "--baseline", "none", "--json").stdout)
    now = {curve["method"]: curve["average_speedup"] for curve in found["curves"]}
    rows = SPEEDUPS.filter(workload=name)
    saved = dict(zip(rows["method"], rows["speedup"], strict=True))  # None: no quality in common
    assert now.keys() == saved.keys()
    assert {m: x for m, x in now.items() if x is not None} == pytest.approx(
        {m: x for m, x in saved.items() if x is not None}, rel=1e-6
    )


@pytest.mark.parametrize("name", ["ablation_images", "ablation_text"])
def test_effects_of_the_ablations_are_those_of_the_page(mlgolf, runs, name):
    found = json.loads(mlgolf("ablate", runs / name, "--json").stdout)
    now = {effect["method"]: effect["estimate"] for effect in found["effects"]}
    saved = json.loads((DOCS / "tables" / f"{name}.json").read_text())
    assert now == pytest.approx({e["method"]: e["estimate"] for e in saved["effects"]}, rel=1e-6)


@pytest.mark.parametrize("task", ["images", "text"])
@pytest.mark.parametrize("method", ["growing", "narrow"])
def test_the_tables_of_growing_have_the_speedups_of_the_page(mlgolf, task, method):
    table = DOCS / "tables" / f"growing_{task}.csv"
    asked = ("--baseline", "wide", "--goal", "minimise", "--json")
    found = json.loads(mlgolf("curve", table, *asked).stdout)
    [curve] = [curve for curve in found["curves"] if curve["method"] == method]
    low, high = curve["interval"]
    told = f"{curve['average_speedup']:.2f}× ({low:.2f} to {high:.2f})"
    rows = [row for row in PAGE.splitlines() if row.startswith(f"| {task}, `{method}`")]
    assert [told in row for row in rows] == [True]
