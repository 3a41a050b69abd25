import numpy as np
import pytest

from mlgolf.core.competition import load_competition
from mlgolf.core.status import Status
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey
from mlgolf.golf.baseline import qualified, verdict
from mlgolf.golf.findings import Finding, Passed

GAME = load_competition("digits-l2")
ROW = GAME.workloads["digits"]


def trial(losses, worst, norms, seconds=5.0):
    count = len(losses)
    times = np.full(count, seconds)
    columns = {"train/loss": losses, "train/loss_max": worst, "model/l2": norms}
    return Trial(
        key=TrialKey(
            submission="baseline", framework="torch", workload="digits", study=0, trial=1
        ),
        seed=0, hyperparameters={}, status=Status.FINISHED, reason="play() returned",
        steps=np.arange(count), seconds=times, cpu_seconds=times, wall_seconds=times,
        metrics={name: np.array(values, float) for name, values in columns.items()},
    )  # fmt: skip


def test_a_baseline_that_keeps_all_bounds_passes_with_its_best_model():
    played = trial([0.02, 0.005, 0.002], [0.3, 0.09, 0.05], [10, 18, 22])
    said = verdict(played, GAME.rules, ROW)
    assert isinstance(said, Passed)
    assert "l2 18, train_loss 0.005 (allowed 0.01)" in said.what
    assert qualified(played, GAME.rules, ROW).value == 18


def test_a_baseline_that_misses_a_bound_is_found_with_what_to_change():
    said = verdict(trial([0.5, 0.005, 0.2], [2.0, 0.13, 1.0], [1, 2, 3]), GAME.rules, ROW)
    assert isinstance(said, Finding)
    assert said.file == "baseline/"
    assert "train_loss_max is 0.13 at best, at most 0.1" in said.what
    assert "lower the penalty or train longer" in said.what


def test_a_baseline_of_which_nothing_was_judged_is_found_with_the_reason():
    said = verdict(trial([], [], []), GAME.rules, ROW)
    assert isinstance(said, Finding)
    assert "FINISHED: play() returned" in said.what


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_keeps_no_bound(bad):
    assert isinstance(verdict(trial([bad], [0.01], [1]), GAME.rules, ROW), Finding)
