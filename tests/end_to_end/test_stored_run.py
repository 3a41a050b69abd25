"""A run that an earlier schema wrote down is scored, reported, replayed and continued today."""

import json
import re
import shutil
from pathlib import Path

import pytest
from conftest import LINEAR

from mlgolf.results.run_folder import RunFolder

STORED = Path(__file__).parents[1] / "golden" / "run_of_schema_2"
FINISHED, CUT_SHORT = (f"momentum/study_0/linear_torch/trial_{number}" for number in (1, 3))


@pytest.fixture
def stored(tmp_path) -> Path:
    """A copy that may be written to, in a place of its own."""
    return Path(shutil.copytree(STORED / "run", tmp_path / "run"))


def test_it_is_scored_as_it_was_then(mlgolf, stored):
    then = json.loads((STORED / "score.json").read_text())
    then["training_time"] = then.pop("costs")  # what it was called
    now = json.loads(mlgolf("score", stored, "--json").stdout)
    assert {name: now[name] for name in then} == then


def test_it_is_reported(mlgolf, stored):
    mlgolf("report", stored)
    assert "momentum" in (stored / "report.html").read_text()


def test_its_trials_are_replayed_bit_for_bit_on_a_processor_of_the_same_kind(mlgolf, stored):
    """Another kind of processor may round otherwise; then nothing can be said."""
    shown = mlgolf("replay", stored / FINISHED, "--json", expect=None).stdout
    found = json.loads(shown)
    assert found["rows"] == 7
    if found["processor"] == found["recorded_processor"]:
        assert found["differences"] == []


def test_it_is_continued_and_keeps_what_had_ended(mlgolf, stored, tmp_path):
    before = (stored / FINISHED / "evals.jsonl").read_bytes()
    rules_of_then = tmp_path / "linear.toml"
    rules_of_then.write_text(re.sub(r"\ndisturbed_above.*", "", LINEAR.read_text()))
    done = mlgolf(
        "run", STORED / "run" / "momentum" / "code" / "momentum.py", "--competition",
        rules_of_then, "--practice", "--seed", 7, "--trials", 3, "--out", stored, "--resume",
    )  # fmt: skip
    assert "3 trials, 2 done before" in done.stderr
    assert "begun with another version of mlgolf" in done.stderr
    assert (stored / FINISHED / "evals.jsonl").read_bytes() == before
    assert len((stored / CUT_SHORT / "attempt_1" / "evals.jsonl").read_text().splitlines()) == 3
    assert all(trial.status is not None for trial in RunFolder(stored).trials())


def test_no_record_names_a_folder_of_the_machine_that_wrote_it(mlgolf, tmp_path):
    mlgolf(
        "run", "nadamw", "--competition", LINEAR, "--seed", 1, "--trials", 1,
        "--out", tmp_path / "run",
    )
    for file in (tmp_path / "run").rglob("*.json"):
        if "code" not in file.parts:
            assert str(tmp_path) not in file.read_text(), file
