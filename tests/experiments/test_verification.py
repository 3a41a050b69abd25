"""Which trials of a bundle are repeated, and what a repetition is taken for."""

from pathlib import Path

import pytest
from synthetic_trials import trial
from tracked_runs import written_run

from mlgolf.core.errors import BundleError
from mlgolf.core.status import Status
from mlgolf.experiments.replay import Replay, Seconds, deviation
from mlgolf.experiments.verification import Repetition, drawn_trials
from mlgolf.results.run_folder import RunFolder

STORED = Path(__file__).parents[1] / "golden" / "run_of_schema_2" / "run"
SECONDS = Seconds(recorded=1.0, now=1.0, ratio=1.0, allowed=0.25)


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
