"""A stranger's workload, tests/plugin: nested batches, decoded outputs, a metric that is no mean.

It is found by its entry point, as ours are, and lies beside mlgolf as in any site-packages.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from installed import command_beside
from sklearn.metrics import average_precision_score

from mlgolf.core.registry import load_workload
from mlgolf.core.workload import Outputs
from mlgolf.testing.contract import WorkloadContract

PLUGIN = Path(__file__).with_name("plugin")
SUBMISSION = """\
import torch
from mlgolf.torch import from_optimizer
space = {"learning_rate": {"min": 1e-2, "max": 3e-2, "scaling": "log"}}
submission = from_optimizer(torch.optim.AdamW, search_space=space)
"""


@pytest.fixture(autouse=True, scope="module")
def _installed():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(PLUGIN)
        yield


class TestRareEvents(WorkloadContract):
    workload, framework = "rare_events", "torch"


def metrics_of(scores, events, *, cut: int) -> dict[str, float]:
    """Of all examples, in batches of `cut`, the last of them smaller."""
    workload = load_workload("rare_events")
    metrics = workload.metrics(workload.size("mini"))
    for start in range(0, len(scores), cut):
        part = scores[start : start + cut]
        batch = {"targets": (events[start : start + cut],)}
        metrics.update(Outputs({"probability": part}, np.ones_like(part)), batch)
    return metrics.result()


@pytest.mark.parametrize("cut", [1, 7, 100])
def test_average_precision_is_that_of_the_split_however_it_is_cut_into_batches(cut):
    rng = np.random.default_rng(0)
    scores, events = rng.random(100).round(1), (rng.random(100) < 0.2).astype(np.int64)
    found = metrics_of(scores, events, cut=cut)["average_precision"]
    assert found == pytest.approx(average_precision_score(events, scores))


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    return command_beside(PLUGIN, tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def run(command, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("played")
    (folder / "adamw.py").write_text(SUBMISSION)
    command("run", folder / "adamw.py", "--competition", PLUGIN / "rare_events.toml",
            "--out", folder / "run")
    return folder / "run"


def test_a_trial_is_measured_by_the_metric_of_the_plugin(run):
    (trial, *_) = sorted(run.rglob("evals.jsonl"))
    last = json.loads(trial.read_text().splitlines()[-1])["metrics"]
    names = {f"{split}/{n}" for split in ("train", "validation", "test")
             for n in ("average_precision", "loss")}
    assert last.keys() == names
    assert 0.7 <= last["validation/average_precision"] <= 1


def test_it_is_scored_by_the_time_to_its_target(run, command):
    (row,) = json.loads(command("score", run, "--json"))["leaderboard"]
    assert row["workloads"]["rare_events"]["outcome"] == "scored"


def test_it_is_reported(run, command, tmp_path):
    command("report", run, "-o", tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "Rare events by average precision" in page
    assert "average_precision" in page
