"""Which trials of a bundle are repeated, and what a repetition is taken for."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import LINEAR
from synthetic_trials import trial
from tracked_runs import written_run

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import BundleError
from mlgolf.core.status import Status
from mlgolf.experiments.replay import Replay, Seconds, deviation
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.runs import open_run
from mlgolf.experiments.verification import Repetition, drawn_trials, other_points
from mlgolf.referee.trial import header
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_folder import TrialFolder

STORED = Path(__file__).parents[1] / "golden" / "run_of_schema_2" / "run"
SECONDS = Seconds(recorded=1.0, now=1.0, ratio=1.0, allowed=0.25)


@pytest.fixture(scope="module")
def planned(data_dir, tmp_path_factory) -> Path:
    """A run of which nothing has been played yet, with its search space in a file."""
    folder = tmp_path_factory.mktemp("planned")
    request = RunRequest(
        submissions=("nesterov",), competition=load_competition(LINEAR), trials=3, studies=2,
        seed=1, data_dir=data_dir, out=folder / "run",
    )
    with open_run(request) as run:
        for plan in run.plans:
            TrialFolder(plan.folder).begin(header(plan, request.hardware))
        run.data.discard()
    return folder / "run"


def test_hyperparameters_that_follow_from_the_seed_are_found_to(planned):
    assert len(RunFolder(planned).trials()) == 6
    assert other_points(RunFolder(planned)) == []


def test_other_hyperparameters_than_the_search_space_has_are_found(planned, tmp_path):
    run = Path(shutil.copytree(planned, tmp_path / "run"))
    file = run / "nesterov" / "study_1" / "linear_torch" / "trial_2" / "trial.json"
    record = json.loads(file.read_text())
    record["hyperparameters"]["learning_rate"] *= 1.01
    file.write_text(json.dumps(record))
    (said,) = other_points(RunFolder(run))
    assert said.startswith("nesterov/study_1/linear_torch/trial_2: its hyperparameters are not")


def test_more_trials_than_anybody_plays_are_not_computed(planned, tmp_path):
    run = Path(shutil.copytree(planned, tmp_path / "run"))
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "trials": 10**15}))
    (said,) = other_points(RunFolder(run))
    assert "allowed are 100,000" in said


def replay(**changes) -> Replay:
    """One of three rows that are equal to the bit, on the same processor."""
    usual = {
        "trial": "a", "rows": 3, "recorded_processor": "p", "processor": "p", "seconds": SECONDS,
        "differences": (),
    }
    return Replay(**usual | changes)


def repetition(**changes) -> Repetition:
    return Repetition(replay=replay(**changes), tolerance=0.05)


DIFFERS = {"differences": ("row 3: validation/loss was 1.0, is 1.02",), "deviation": 0.0196}
ELSEWHERE = {"elsewhere": ("processor p there, q here",)}


def test_trials_with_an_end_and_an_evaluation_are_drawn():
    drawn = drawn_trials(RunFolder(STORED), 10, seed=1)
    assert sorted(path.name for path in drawn) == ["trial_1", "trial_2"]


def test_one_seed_draws_one_choice_and_others_draw_others(tmp_path):
    run = written_run(tmp_path / "run", [{"learning_rate": rate} for rate in range(30)])
    chosen = [tuple(drawn_trials(run, 3, seed)) for seed in (1, 1, 2, 3)]
    assert chosen[0] == chosen[1]
    assert len({*chosen}) == 3
    assert all(len(set(choice)) == 3 for choice in chosen)


def test_a_run_without_a_trial_to_repeat_says_so(tmp_path):
    run = written_run(tmp_path / "run", [{}], ended=0)
    with pytest.raises(BundleError, match="run has no trial with an evaluation"):
        drawn_trials(run, 1, seed=1)


@pytest.mark.parametrize(
    ("changes", "confirmed"),
    [
        ({}, True), (ELSEWHERE, True), (DIFFERS, False), (DIFFERS | ELSEWHERE, True),
        (DIFFERS | ELSEWHERE | {"deviation": 0.06}, False),
        (DIFFERS | ELSEWHERE | {"deviation": float("inf")}, False),
        (DIFFERS | ELSEWHERE | {"rows": 0}, False),
    ],
)  # fmt: skip
def test_bits_must_be_equal_on_the_same_kind_of_machine_and_values_close_elsewhere(
    changes, confirmed
):
    assert repetition(**changes).confirmed == confirmed


def test_it_says_how_values_were_compared():
    said = repetition(**DIFFERS, **ELSEWHERE).text()
    assert "confirmed within 5.0%, not bit for bit: values differ by 1.96% at most" in said
    assert "processor p there, q here" in said
    assert "equal bit for bit" in repetition().text()


def rows(*values: float) -> list[dict]:
    return [
        {"step": number, "metrics": {"validation/loss": value}}
        for number, value in enumerate(values, start=1)
    ]


@pytest.mark.parametrize(
    ("found", "status", "expected"),
    [
        (rows(1.0, 2.0), Status.FINISHED, 0.0), (rows(1.0, 1.5), Status.FINISHED, 0.25),
        (rows(1.0), Status.FINISHED, float("inf")), (rows(1.0), Status.TARGET_REACHED, 0.0),
        ([], Status.TARGET_REACHED, float("inf")),
        (rows(float("nan"), 2.0), Status.FINISHED, float("inf")),
    ],
)  # fmt: skip
def test_the_deviation_is_the_largest_relative_difference(found, status, expected):
    assert deviation(rows(1.0, 2.0), found, trial(status=status)) == expected
