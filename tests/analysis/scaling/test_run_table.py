import numpy as np
import pytest
from synthetic_trials import competition, trial, workload_rules

from mlgolf.analysis.scaling.run_table import runs_of_folders
from mlgolf.analysis.scaling.table import ALL, Choice
from mlgolf.core.errors import RunFolderError
from mlgolf.core.status import Status
from mlgolf.scoring.sources import Source

ROWS = {
    "x1": workload_rules(workload="finewebedu_lm", metric="loss", step_limit=3000),
    "fourth": workload_rules(
        workload="finewebedu_lm", metric="loss", step_limit=3000, data_fraction=0.25
    ),
}


def at(row, steps, loss, *, params=98_546.0, **fields):
    return trial(
        "nadamw", row, seconds=[1.0, 2.0], steps=np.array([steps // 2, steps]),
        metrics={"validation/loss": np.array([9.0, loss]), "model/params": np.array(
            [np.nan, params]
        )}, **{"status": Status.FINISHED, **fields},
    )  # fmt: skip


def read(tmp_path, *trials, choice=ALL, repeats=None):
    rules = competition(
        ROWS, objective="validation_loss",
        constraints=[{"quantity": "steps", "bound": "step_limit"}], recorded=["params"],
    )
    source = Source(
        competition=rules, ruleset="external", framework=None, submissions=None, trials=trials
    )
    return runs_of_folders(tmp_path, source, choice, repeats=repeats)


def test_tokens_are_what_the_steps_have_seen(tmp_path):
    found = read(tmp_path, at("x1", 3000, 3.5))
    assert found.runs.tokens == pytest.approx([3000 * 4 * 64])


def test_parameters_and_loss_are_those_at_the_end(tmp_path):
    found = read(tmp_path, at("x1", 3000, 3.5))
    assert (found.runs.params[0], found.runs.loss[0]) == (98_546, 3.5)


def test_runs_that_see_no_row_twice_have_no_unique_tokens(tmp_path):
    assert read(tmp_path, at("x1", 3000, 3.5)).runs.unique_tokens is None


def test_a_part_of_the_data_is_repeated(tmp_path):
    found = read(tmp_path, at("x1", 3000, 3.5), at("fourth", 3000, 3.7))
    assert found.runs.unique_tokens == pytest.approx([3000 * 4 * 64, 12_500 * 0.25 * 64])


def test_a_trial_that_broke_off_is_left_out_and_counted(tmp_path):
    crashed = at("x1", 40, 5.0, trial=2, status=Status.CRASHED)
    found = read(tmp_path, at("x1", 3000, 3.5), crashed)
    assert len(found.runs) == 1
    assert any("1 trial left out" in note for note in found.notes)


def test_runs_without_their_parameters_are_refused(tmp_path):
    with pytest.raises(RunFolderError, match=r'recorded = \["params"\]'):
        read(tmp_path, at("x1", 3000, 3.5, params=np.nan))


def test_without_repeats_runs_that_saw_tokens_again_are_left_out_and_counted(tmp_path):
    found = read(tmp_path, at("x1", 3000, 3.5), at("fourth", 3000, 3.7), repeats=False)
    assert [*found.runs.loss] == [3.5]
    assert found.runs.unique_tokens is None
    assert "1 of 2 runs left out: they saw tokens again" in found.notes


def test_repeats_that_no_run_has_are_refused(tmp_path):
    with pytest.raises(RunFolderError, match="found no run that saw a token twice"):
        read(tmp_path, at("x1", 3000, 3.5), repeats=True)


def test_runs_of_folders_are_chosen_by_their_workload(tmp_path):
    both = at("x1", 3000, 3.5), at("fourth", 3000, 3.7)
    found = read(tmp_path, *both, choice=Choice(without="workload=fourth"))
    assert [*found.runs.loss] == [3.5]
    assert "1 of 2 rows left out by workload=fourth" in found.notes


@pytest.mark.parametrize("asked", ["part_of_data", "study", "params=98546"])
def test_runs_of_folders_are_chosen_by_nothing_else(tmp_path, asked):
    with pytest.raises(RunFolderError, match="allowed in a folder is submission=VALUE, workload"):
        read(tmp_path, at("x1", 3000, 3.5), choice=Choice(without=asked))
