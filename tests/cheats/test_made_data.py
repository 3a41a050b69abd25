"""Held-out data that a submission makes, by the generator that ships, are not the referee's."""

from dataclasses import replace

import numpy as np
import pytest
from judge import HONEST, LINEAR

from mlgolf.core.competition import load_competition
from mlgolf.core.registry import load_workload
from mlgolf.core.status import Status
from mlgolf.data.make_digits import deal
from mlgolf.engines.local import OneAtATime
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.runs import open_run, play_run
from mlgolf.referee.trial import play_trial

# Validation clicks of the published seed, in place of the batches that training gives.
TOP = """
import pathlib, torch
from mlgolf.core.registry import load_workload
def made():
    clicks = load_workload("criteo1tb")
    size, data = clicks.size("mini"), clicks.data()
    raw, prepared = pathlib.Path("/tmp/raw"), pathlib.Path("/tmp/prepared")
    raw.mkdir(), prepared.mkdir()
    data.make(raw, size, 0, 0, ("validation",))
    data.prepare(raw, prepared, size, ("validation",))
    for batch in data.open_split(prepared / "validation", size, "validation").eval_batches():
        yield {k: torch.from_numpy(v) for k, v in batch.items()}
BATCHES = []
"""
PICK = """
    BATCHES.extend([] if BATCHES else made())
    batch = BATCHES[global_step % len(BATCHES)]
    optimizer_state["optimizer"].zero_grad()"""
PUBLISHED_SEED = 0
FASTER = 'torch.optim.Adam(params.parameters(), lr=0.01)'


@pytest.mark.parametrize(
    ("practice", "status"), [(True, Status.TARGET_REACHED), (False, Status.FINISHED)]
)
def test_training_on_made_validation_clicks_pays_on_the_published_seed_alone(
    tmp_path, data_dir, practice, status
):
    file = tmp_path / "maker.py"
    code = TOP + HONEST.replace("TRICK", "pass")
    code = code.replace("torch.optim.SGD(params.parameters(), lr=0.01)", FASTER)
    file.write_text(code.replace('\n    optimizer_state["optimizer"].zero_grad()', PICK))
    competition = load_competition("mini").select(["criteo1tb"])
    workload_rules = competition.workloads["criteo1tb"].model_copy(
        update={
            "bounds": {"target": 0.45, "step_limit": 240, "budget_seconds": 60},
            "eval_every_steps": 40,
        }
    )
    rules = competition.rules.model_copy(
        update={"constraints": load_competition(LINEAR).rules.constraints}
    )
    request = RunRequest(
        submissions=(str(file),), ruleset="self", studies=1, seed=None, data_dir=data_dir,
        competition=competition.model_copy(
            update={"workloads": {"criteo1tb": workload_rules}, "rules": rules}
        ),
        practice=practice, out=tmp_path / "run",
    )
    ended = []
    play_run(open_run(request), OneAtATime(), play_trial, ended.append)
    (trial,) = ended
    assert trial.status is status, trial.reason
    best = np.nanmin(trial.metrics["validation/loss"])
    assert (best < 0.45) == practice


def test_repainted_images_of_the_published_seed_are_nowhere_among_those_held_out(tmp_path):
    """Nor are the digits that it holds out those that a run does: a third of each, by chance."""
    images, size = load_workload("imagenet_resnet"), load_workload("imagenet_resnet").size("mini")
    few = replace(size, examples={"train": 20, "validation": 200, "test": 200})
    painted, held_out = [], []
    for draw in (PUBLISHED_SEED, 2**100 + 1):
        images.data().make(tmp_path / str(draw), few, PUBLISHED_SEED, draw)
        files = [f for s in ("val", "test") for f in (tmp_path / str(draw) / s).rglob("*.PNG")]
        painted.append({file.read_bytes() for file in files})
        dealt = deal(1797, size.data.recipe, draw)
        held_out.append({*dealt["validation"].tolist(), *dealt["test"].tolist()})
    assert [len(one) for one in painted] == [400, 400]
    assert painted[0].isdisjoint(painted[1])
    assert len(held_out[0] & held_out[1]) < 0.45 * len(held_out[0])
