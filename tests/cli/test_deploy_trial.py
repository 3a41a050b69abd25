"""From a finished trial to a page: mlgolf deploy and the folder of a trial."""

import json
import shutil

import numpy as np
import pytest
from conftest import FIVE_LINES, LINEAR

pytestmark = pytest.mark.filterwarnings("ignore")
QUICK = ("--runs", 60, "--seconds", 0.3, "--batch-sizes", "1", "--threads", 1, "--quantise", "none")
IN_JAX = """\
import optax
from mlgolf.jax import from_optimizer
space = {"learning_rate": {"min": 3e-3, "max": 3e-2, "scaling": "log"}}
submission = from_optimizer(optax.adamw, search_space=space)
"""

FEW_STEPS = """
schema_version = 2
name = "few-steps"
title = "A mini workload for a few steps"
size = "mini"

[rules]
objective = "validation_metric"
constraints = [{ quantity = "steps", bound = "step_limit" }]
hardware = "one-thread-cpu"
tuning.self = { studies = 1, budget_factor = 1.0 }

[workloads.finewebedu_lm]
metric = "ppl"
goal = "minimise"
bounds = { step_limit = 20, budget_seconds = 30 }
step_hint = 20
eval_every_steps = 10
provenance = "this test"
"""


def played(mlgolf, folder, text=FIVE_LINES, competition=LINEAR, framework="torch"):
    """The folder of the only trial of a run."""
    code = folder / "adamw.py"
    code.write_text(text)
    asked = ("--trials", 1, "--seed", 1, "--framework", framework, "--out", folder / "run")
    mlgolf("run", code, "--competition", competition, *asked)
    return folder / "run" / "adamw" / "study_0" / f"linear_{framework}" / "trial_1"


@pytest.fixture(scope="module")
def trial(mlgolf, tmp_path_factory):
    return played(mlgolf, tmp_path_factory.mktemp("in_torch"))


@pytest.fixture(scope="module")
def shipped(mlgolf, trial):
    """What the command says as JSON, and its folder."""
    folder = trial.parents[4] / "ship"
    done = mlgolf("deploy", trial, *QUICK, "-o", folder, "--json")
    return json.loads(done.stdout), folder


def recorded(trial):
    """The last row of a trial."""
    return json.loads((trial / "evals.jsonl").read_text().splitlines()[-1])


def test_a_trial_is_trained_again_exported_and_passes(shipped, trial):
    found, _ = shipped
    assert found["passed"]
    assert found["model"] == "adamw/study_0/linear_torch/trial_1"
    assert found["parity"]["relative"] < 1e-5
    exported, row = found["exported"], recorded(trial)
    assert (exported["trained_again"], exported["is_recorded"]) == (True, True)
    assert (exported["step"], exported["model_sha256"]) == (row["step"], row["model_sha256"])
    assert (exported["split"], exported["examples"]) == ("validation", 512)
    assert exported["any_batch"]


def test_reference_and_data_give_the_loss_that_the_run_recorded(shipped, trial):
    _, folder = shipped
    outputs = np.load(folder / "reference.npz")["logits"]
    loss = np.square(outputs - np.load(folder / "data.npz")["targets"]).mean()
    assert loss == pytest.approx(recorded(trial)["metrics"]["validation/loss"], rel=1e-5)


def test_the_files_are_there_for_the_next_command(mlgolf, shipped):
    _, folder = shipped
    files = ("--reference", folder / "reference.npz", "--data", folder / "data.npz")
    found = json.loads(mlgolf("deploy", folder / "model.onnx", *files, *QUICK, "--json").stdout)
    assert (found["passed"], found["exported"]) == (True, None)
    page = (folder / "deploy.html").read_text()
    assert "byte for byte the model that the run recorded" in page


def test_a_trial_in_jax_is_exported_too(mlgolf, tmp_path):
    pytest.importorskip("jax2onnx")
    trial = played(mlgolf, tmp_path, IN_JAX, framework="jax")
    found = json.loads(mlgolf("deploy", trial, *QUICK, "--json").stdout)
    assert found["passed"]
    assert found["exported"]["is_recorded"]
    assert found["exported"]["any_batch"]


def test_a_language_model_of_mini_size_is_exported_after_a_few_steps(mlgolf, tmp_path):
    rules, run = tmp_path / "few.toml", tmp_path / "run"
    rules.write_text(FEW_STEPS)
    mlgolf("run", "nadamw", "--competition", rules, "--tuning", "self", "--seed", 1, "--out", run)
    trial = run / "nadamw" / "study_0" / "finewebedu_lm_torch" / "trial_1"
    ask = ("deploy", trial, *QUICK, "--examples", 32, "-o", tmp_path / "ship", "--json")
    found = json.loads(mlgolf(*ask).stdout)
    assert found["passed"]
    assert found["exported"]["is_recorded"]
    assert (found["quality"]["measure"], found["quality"]["num_examples"]) == ("accuracy", 32)
    assert np.load(tmp_path / "ship" / "reference.npz")["logits"].shape == (32, 64, 512)


def test_a_trial_that_met_no_target_gives_its_last_model_and_says_so(mlgolf, tmp_path):
    rules = tmp_path / "short.toml"
    few = LINEAR.read_text().replace("step_limit = 4000", "step_limit = 200")
    rules.write_text(few.replace("target = 0.02,", "target = 1e-6,"))
    trial = played(mlgolf, tmp_path, competition=rules)
    found = json.loads(mlgolf("deploy", trial, *QUICK, "--examples", 40, "--json").stdout)
    assert (found["exported"]["step"], found["exported"]["examples"]) == (200, 40)
    said = " ".join(found["notes"])
    assert "no model of this trial counts by its rules: it ended as FINISHED" in said
    assert "This is its last one" in said


def test_another_model_than_the_recorded_one_is_said(mlgolf, trial, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trial.parents[3], run)
    other = run / trial.relative_to(trial.parents[3])
    rows = (other / "evals.jsonl").read_text()
    (other / "evals.jsonl").write_text(rows.replace(recorded(trial)["model_sha256"], "0" * 64))
    found = json.loads(mlgolf("deploy", other, *QUICK, "--json").stdout)
    assert not found["exported"]["is_recorded"]
    assert any("not byte for byte the model that the run recorded" in n for n in found["notes"])


def test_held_out_data_of_a_run_that_goes_on_are_not_handed_out(mlgolf, trial, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trial.parents[3], run)
    (run / "held_out.json").unlink()
    other = run / trial.relative_to(trial.parents[3])
    record = json.loads((run / "run.json").read_text())
    record["held_out"]["is_known"] = False
    (run / "run.json").write_text(json.dumps(record))
    found = json.loads(mlgolf("deploy", other, *QUICK, "--json").stdout)
    assert found["exported"]["split"] == "train"
    assert any("held-out data stay secret" in note for note in found["notes"])


@pytest.mark.parametrize(
    ("place", "more", "said"),
    [
        (lambda t: t.parents[3], (), "is a run; deploy takes one trial"),
        (lambda t: t.parents[3], (), "try: mlgolf deploy "),
        (lambda t: t.parents[3] / "adamw" / "code", (), "deploy takes a trial"),
        (lambda t: t, ("--data", "data.npz"), "brings its own reference and data"),
        (lambda t: t, ("--shadow", "old.onnx", "--data", "data.npz"), "allowed is an ONNX file"),
        (lambda t: t / "trial.json", (), "missing reference"),
    ],
)
def test_what_cannot_be_exported_is_one_message(mlgolf, trial, place, more, said):
    error = mlgolf("deploy", place(trial), *more, expect=2).stderr
    assert said in " ".join(error.split())
    assert "Traceback" not in error


def test_a_trial_without_an_evaluation_has_no_model(mlgolf, trial, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trial.parents[3], run)
    other = run / trial.relative_to(trial.parents[3])
    (other / "evals.jsonl").write_text("")
    error = mlgolf("deploy", other, expect=2).stderr
    assert "no evaluation was recorded, so there is no model" in error
