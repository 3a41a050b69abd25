"""mlgolf run --timing paired: trials side by side, priced by segments that each plays alone."""

import json
import os
from pathlib import Path

import pytest
from conftest import LINEAR
from test_recovery import rows_of

from mlgolf.core.hardware import load_hardware
from mlgolf.referee.pairing import LEAST, MOST


@pytest.fixture(scope="module")
def allowed(tmp_path_factory) -> Path:
    """The one-second competition, under rules that allow it, and whose target nobody reaches."""
    file = tmp_path_factory.mktemp("rules") / "linear.toml"
    text = LINEAR.read_text().replace("[rules]\n", '[rules]\ntiming = ["alone", "paired"]\n')
    file.write_text(text.replace("target = 0.02", "target = 1e-9"))
    return file


@pytest.fixture(scope="module")
def paired(allowed, mlgolf_process, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("paired")
    submission = folder / "adamw.py"
    submission.write_text(
        "import torch\nfrom mlgolf.torch import from_optimizer\n"
        'space = {"learning_rate": {"min": 3e-3, "max": 3e-2, "scaling": "log"}}\n'
        "submission = from_optimizer(torch.optim.AdamW, search_space=space)\n"
    )
    mlgolf_process(
        "run", submission, "--competition", allowed, "--seed", 3, "--timing", "paired",
        "--parallel", 2, "--out", folder / "run",
    )  # fmt: skip
    return folder / "run"


def verdicts(run: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(run.rglob("verdict.json"))]


def test_values_are_those_of_trials_that_are_played_alone(paired, allowed, mlgolf, tmp_path):
    submission = paired.parent / "adamw.py"
    mlgolf("run", submission, "--competition", allowed, "--seed", 3, "--out", tmp_path / "alone")
    assert rows_of(paired) == rows_of(tmp_path / "alone")


def test_where_the_rules_allow_it_nothing_is_held_against_paired_trials(paired):
    run = json.loads((paired / "run.json").read_text())
    assert (run["timing"], run.get("unofficial", "")) == ("paired", "")


def test_each_trial_records_its_pairs_and_what_they_make_of_its_seconds(paired):
    found = sorted(paired.rglob("verdict.json"))
    assert len(found) == 2
    for path in found:
        told = json.loads(path.read_text())["clock"]["paired"]
        alone, beside = map(sum, zip(*told["pairs"], strict=True))
        assert told["factor"] == pytest.approx(min(max(alone / beside, LEAST), MOST))
        last = json.loads(path.with_name("evals.jsonl").read_text().splitlines()[-1])
        assert last["seconds"] / last["cpu_seconds"] == pytest.approx(told["factor"], rel=0.3)


def test_all_trials_play_their_segments_alone_on_one_core(paired):
    told = [verdict["clock"]["paired"]["core"] for verdict in verdicts(paired)]
    assert told == [max(os.sched_getaffinity(0))] * 2


def test_the_intervals_of_paired_trials_count_what_no_segment_shows(paired):
    noise = load_hardware("one-thread-cpu").repeated_noise
    assert noise > 0
    told = [verdict["clock"]["paired"]["repeated_noise"] for verdict in verdicts(paired)]
    assert told == [noise, noise]


def test_rules_that_do_not_name_it_make_paired_trials_unofficial(adamw, mlgolf_process, tmp_path):
    mlgolf_process(
        "run", adamw, "--competition", LINEAR, "--trials", 1, "--timing", "paired", "--out",
        tmp_path / "run",
    )  # fmt: skip
    (verdict,) = verdicts(tmp_path / "run")
    assert "paired" in verdict["unofficial"]


def test_where_wall_time_rules_nothing_is_paired(adamw, mlgolf, tmp_path):
    rules = tmp_path / "wall.toml"
    rules.write_text(LINEAR.read_text().replace("one-thread-cpu", "unbounded"))
    said = mlgolf(
        "run", adamw, "--competition", rules, "--timing", "paired", "--out", tmp_path / "run",
        expect=2,
    ).stderr  # fmt: skip
    assert "wall time" in said
    assert not (tmp_path / "run").exists()


def test_plans_for_elsewhere_cannot_be_paired(adamw, mlgolf, tmp_path):
    said = mlgolf(
        "run", adamw, "--competition", LINEAR, "--timing", "paired", "--plan-only", "--out",
        tmp_path / "run", expect=2,
    ).stderr  # fmt: skip
    assert "--plan-only" in said
    assert not (tmp_path / "run").exists()
