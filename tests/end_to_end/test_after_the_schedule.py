"""What a trial does once the schedule of the short form leaves no learning rate."""

import json
from pathlib import Path

import pytest

LINEAR = Path(__file__).with_name("linear.toml")
STEP_HINT, STEP_LIMIT, EVAL_EVERY = 2000, 4000, 100
SLOW = """\
import torch
from mlgolf.torch import from_optimizer
submission = from_optimizer(torch.optim.SGD, search_space=[{{"learning_rate": 1e-5}}]{choice})
"""


def trial(mlgolf, folder: Path, choice: str = "") -> Path:
    file = folder / "slow.py"
    file.write_text(SLOW.format(choice=choice))
    out = folder / "run"
    mlgolf(
        "run", file, "--competition", LINEAR, "--trials", 1, "--studies", 1, "--seed", 1,
        "--out", out,
    )
    return out / "slow" / "study_0" / "linear_torch" / "trial_1"


@pytest.fixture(scope="module")
def ended(mlgolf, tmp_path_factory) -> Path:
    return trial(mlgolf, tmp_path_factory.mktemp("ended"))


def last_step(folder: Path) -> int:
    return json.loads((folder / "evals.jsonl").read_text().splitlines()[-1])["step"]


def test_the_trial_ends_at_the_step_hint_and_says_so(ended):
    verdict = json.loads((ended / "verdict.json").read_text())
    assert verdict["status"] == "FINISHED"
    assert verdict["reason"] == (
        f"the schedule ended at the step hint (learning rate 0) after {STEP_HINT} steps"
    )


def test_the_last_step_is_evaluated_once(ended):
    steps = [json.loads(line)["step"] for line in (ended / "evals.jsonl").read_text().splitlines()]
    assert steps[-1] == STEP_HINT
    assert len(set(steps)) == len(steps)


def test_a_trial_that_ended_with_its_schedule_is_replayed_bit_for_bit(mlgolf, ended):
    # Seconds of such a short trial may differ where other tests run beside it.
    done = json.loads(mlgolf("replay", ended, "--json", expect=None).stdout)
    assert done["differences"] == []
    assert done["rows"] == STEP_HINT / EVAL_EVERY


def test_the_caller_may_go_on_beyond_the_step_hint(mlgolf, tmp_path):
    assert last_step(trial(mlgolf, tmp_path, ', after_schedule="continue"')) == STEP_LIMIT


def test_a_target_reached_at_the_bound_on_steps_between_two_evaluations_is_replayed(
    mlgolf, tmp_path
):
    changed = {"target = 0.02": "target = 1e9", "step_limit = 4000": "step_limit = 50"}
    rules = LINEAR.read_text()
    for found, uneven in changed.items():
        rules = rules.replace(found, uneven, 1)
    file = tmp_path / "uneven.toml"
    file.write_text(rules)
    (tmp_path / "slow.py").write_text(SLOW.format(choice=""))
    mlgolf(
        "run", tmp_path / "slow.py", "--competition", file, "--trials", 1, "--studies", 1,
        "--seed", 1, "--out", tmp_path / "run",
    )
    played = tmp_path / "run" / "slow" / "study_0" / "linear_torch" / "trial_1"
    assert last_step(played) == 50
    assert json.loads((played / "verdict.json").read_text())["status"] == "TARGET_REACHED"
    done = json.loads(mlgolf("replay", played, "--json", expect=None).stdout)
    assert done["differences"] == []
