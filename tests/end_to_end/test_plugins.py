"""What somebody else adds without touching our files: here a quantity, and rules that use it."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from installed import install

QUANTITY = '''
import numpy as np

from mlgolf.core.quantities import Quantity
from mlgolf.core.target import Goal

def largest(parameters):
    """NaN if a parameter is NaN; 0 without any."""
    sizes = [np.abs(array).max(initial=0) for array in parameters.values()]
    return float(np.max(sizes, initial=0))

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
    install(
        folder, "small_weights", QUANTITY,
        quantities="largest_weight = small_weights:LARGEST_WEIGHT",
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
    assert "Minimise the largest weight subject to" in page


def test_a_quantity_that_is_not_installed_is_named_with_those_that_are(
    installed, mlgolf, tmp_path
):
    done = mlgolf(
        "run", "nadamw", "--competition", installed / "rules.toml", "--out", tmp_path, expect=2
    )
    assert "unknown quantity 'largest_weight'. Known: artifact_bytes" in done.stderr


def test_the_quantity_of_this_example_is_nan_where_a_parameter_is_and_knows_empty_arrays():
    names: dict = {}
    exec(QUANTITY, names)
    largest, unknown = names["largest"], {"a": np.array([1.0, math.nan]), "b": np.zeros(3)}
    assert math.isnan(largest(unknown))
    assert math.isnan(largest(dict(reversed(unknown.items()))))
    assert largest({"a": np.zeros((2, 0))}) == largest({}) == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("return max([])", r"its measure raised ValueError: max\(\).* \(.*small_weights.py:9\)"),
        ('return "large"', "its measure gave a str, expected one number"),
    ],
)
def test_a_measure_that_fails_is_the_hosts_to_mend_and_the_run_goes_on(
    mlgolf_process, tmp_path, monkeypatch, wrong, said
):
    module = install(
        tmp_path, "small_weights", QUANTITY.replace("sizes =", f"{wrong}\n    sizes ="),
        quantities="largest_weight = small_weights:LARGEST_WEIGHT",
    )
    (tmp_path / "rules.toml").write_text(RULES)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    run, rules = tmp_path / "run", tmp_path / "rules.toml"
    words = ("run", "nadamw", "--competition", rules, "--seed", 1, "--out", run)
    complaint = mlgolf_process(*words, expect=2).stderr
    assert "Traceback" not in complaint
    whose = "quantity 'largest_weight', small_weights:LARGEST_WEIGHT of small_weights"
    assert re.search(f"{whose}: {said}", complaint)
    assert not list(run.rglob("verdict.json"))
    module.write_text(QUANTITY)
    mlgolf_process(*words, "--resume")
    assert len(list(run.rglob("verdict.json"))) == 1


def test_a_run_whose_quantity_is_not_installed_now_is_answered_with_what_to_install(
    installed, mlgolf_process, tmp_path, monkeypatch
):
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", str(installed))
        mlgolf_process("run", "nadamw", "--competition", installed / "rules.toml", "--out", run)
    said = mlgolf_process("score", run, expect=2).stderr
    assert "unknown quantity 'largest_weight'" in said
    assert "install the one that declares it." in said
    assert "not as mlgolf writes it" not in said
