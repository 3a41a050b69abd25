"""What somebody else adds without touching our files: here a quantity, and rules that use it."""

import json
import math
from pathlib import Path

import pytest

QUANTITY = '''
from mlgolf.core.quantities import Quantity
from mlgolf.core.target import Goal

def largest(parameters):
    return max(float(abs(array).max()) for array in parameters.values())

LARGEST_WEIGHT = Quantity(
    name="largest_weight", noun="largest weight", unit="1", goal=Goal.MINIMISE, measure=largest,
    meaning="largest absolute value among all parameters",
)
'''

RULES = """
schema_version = 2
name = "small-weights"
title = "Least squares with small weights"
size = "mini"

[rules]
objective = "largest_weight"
constraints = [
  { quantity = "train_loss", bound = 0.5 },
  { quantity = "largest_weight", bound = "weight_limit" },
  { quantity = "steps", bound = "step_limit" },
]
hardware = "one-thread-cpu"

[rules.tuning]
external = { trials = 1, studies = 1 }
self = { studies = 1, budget_factor = 1.0 }

[workloads.linear]
metric = "loss"
goal = "minimise"
bounds = { weight_limit = 5.0, step_limit = 400 }
sources = { weight_limit = "twice the largest true weight" }
step_hint = 400
eval_every_steps = 100
provenance = "made up for this test"
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder with a module and what an installer writes beside it."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "small_weights.py").write_text(QUANTITY)
    info = folder / "small_weights-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: small-weights\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[mlgolf.quantities]\nlargest_weight = small_weights:LARGEST_WEIGHT\n"
    )
    (folder / "rules.toml").write_text(RULES)
    return folder


def test_a_quantity_of_somebody_elses_is_minimised_bounded_scored_and_reported(
    installed, mlgolf_process, tmp_path, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", str(installed))
    run = tmp_path / "run"
    rules = installed / "rules.toml"
    mlgolf_process("run", "nadamw", "--competition", rules, "--seed", 1, "--out", run)
    lines = next(run.rglob("evals.jsonl")).read_text().splitlines()
    rows = [json.loads(line)["metrics"] for line in lines]
    assert len(rows) == 4
    held = [row["model/largest_weight"] for row in rows if row["train/loss"] <= 0.5]
    scored = json.loads(mlgolf_process("score", run, "--json").stdout)
    cell = scored["leaderboard"][0]["workloads"]["linear"]
    assert math.isclose(cell["value"], min(held))
    mlgolf_process("report", run)
    page = (run / "report.html").read_text()
    assert "Which submission reaches the best largest weight" in page


def test_a_quantity_that_is_not_installed_is_named_with_those_that_are(
    installed, mlgolf, tmp_path
):
    done = mlgolf(
        "run", "nadamw", "--competition", installed / "rules.toml", "--out", tmp_path, expect=2
    )
    assert "unknown quantity 'largest_weight'; declared are time" in done.stderr
