import numpy as np
import pytest
from synthetic_trials import competition, trial, workload_rules
from written_rulings import write

from mlgolf.analysis.curves.run_measurements import measurements_of_runs
from mlgolf.core.errors import RunFolderError
from mlgolf.core.jury_ruling import JuryRuling
from mlgolf.core.status import Status
from mlgolf.scoring.jury import judged
from mlgolf.scoring.sources import Source

ROWS = {"digits_x1": (100, 1.0), "digits_x2": (200, 2.0)}
LADDER = {"digits_x4": (400, 4.0), **ROWS}  # not in order


def rows(limits="step_limit", ladder=ROWS):
    return {
        name: workload_rules(workload="digits", **{limits: steps})
        for name, (steps, _) in ladder.items()
    }


def by_steps(ladder=ROWS):
    return competition(rows(ladder=ladder), objective="validation_metric", constraints=[
        {"quantity": "steps", "bound": "step_limit"},
        {"quantity": "time", "bound": "budget_seconds"},
    ])  # fmt: skip


def at(row, quality, trial_number=1, *, status=Status.FINISHED, submission="sgd", **fields):
    seconds = LADDER[row][1]
    return trial(
        submission, row, trial=trial_number, seconds=[seconds / 2, seconds],
        values=[0.9, quality], status=status, **fields,
    )


def measured(tmp_path, *trials, rules=None, **options):
    source = Source(
        competition=rules or by_steps(), ruleset="external", framework=None, submissions=None,
        trials=trials,
    )
    return measurements_of_runs(tmp_path, source, **options)[0]


def qualities(found):
    return [point.quality for points in found.points.values() for point in points]


def test_a_study_counts_by_its_best_trial_at_each_budget(tmp_path):
    found = measured(
        tmp_path, at("digits_x1", 0.3), at("digits_x1", 0.2, 2), at("digits_x2", 0.1)
    )
    assert qualities(found) == [0.2, 0.1]


def test_what_a_jury_disqualified_is_no_point_and_is_said(tmp_path):
    ruling = JuryRuling.read(write(tmp_path, "R1"))
    jury = judged(
        [at(row, quality, submission=name) for name, quality in (("mine", 0.01), ("other", 0.3))
         for row in ROWS], [ruling], {},
    )
    source = Source(
        competition=by_steps(), ruleset="external", framework=None, submissions=None,
        trials=jury.trials, jury=jury,
    )
    found, _ = measurements_of_runs(tmp_path, source)
    assert qualities(found) == [0.3, 0.3]
    assert found.notes[0] == str(jury.tombstones[0])


@pytest.mark.parametrize(
    "status", [Status.CRASHED, Status.OUT_OF_TIME, Status.DISQUALIFIED, Status.HUNG]
)
def test_a_trial_that_broke_off_is_no_point_and_is_counted(tmp_path, status):
    found = measured(
        tmp_path, at("digits_x1", 0.3), at("digits_x1", 0.01, 2, status=status),
        at("digits_x2", 0.1),
    )
    assert qualities(found) == [0.3, 0.1]
    (note,) = (note for note in found.notes if note.startswith("1 trial left out"))
    assert "(sgd/study_0/digits_x1_torch/trial_2)" in note


def test_where_only_time_is_limited_a_trial_whose_time_is_used_is_a_point(tmp_path):
    rules = competition(
        rows("budget_seconds"), objective="validation_metric",
        constraints=[{"quantity": "time", "bound": "budget_seconds"}],
    )
    ended = {"status": Status.OUT_OF_TIME}
    found = measured(
        tmp_path, at("digits_x1", 0.3, **ended), at("digits_x2", 0.2, **ended), rules=rules
    )
    assert qualities(found) == [0.3, 0.2]


def test_a_crash_without_an_evaluation_is_a_tuning_trial_too(tmp_path):
    crashed = trial("sgd", "digits_x1", trial=2, status=Status.CRASHED)
    found = measured(tmp_path, at("digits_x1", 0.3), crashed, at("digits_x2", 0.1))
    assert set(found.rows["tuning_trials"]) == {"2"}


def test_a_loss_that_became_nan_is_not_the_best(tmp_path):
    found = measured(
        tmp_path, at("digits_x1", float("nan")), at("digits_x1", 0.3, 2), at("digits_x2", 0.1)
    )
    assert qualities(found) == [0.3, 0.1]


def test_the_test_split_is_shown_but_chooses_nothing(tmp_path):
    def both(row, validation, test, number=1):
        return at(row, validation, number, metrics={
            "validation/error_rate": np.array([0.9, validation]),
            "test/error_rate": np.array([0.9, test]),
        })  # fmt: skip

    found = measured(
        tmp_path, both("digits_x1", 0.2, 0.25), both("digits_x1", 0.3, 0.1, 2),
        both("digits_x2", 0.1, 0.15), split="test",
    )
    assert qualities(found) == [0.25, 0.15]


def test_a_split_that_is_seldom_measured_is_told_with_when(tmp_path):
    with pytest.raises(RunFolderError, match="test split is measured at every tenth evaluation"):
        measured(tmp_path, at("digits_x1", 0.2), at("digits_x2", 0.1), split="test")


def test_a_shared_point_is_the_best_of_the_middle_budget_everywhere(tmp_path):
    found = measured(
        tmp_path, at("digits_x1", 0.2), at("digits_x1", 0.3, 2), at("digits_x2", 0.19),
        at("digits_x2", 0.1, 2), points="shared",
    )
    assert qualities(found) == [0.3, 0.1]


def test_the_middle_budget_is_the_one_in_the_middle_by_length(tmp_path):
    found = measured(
        tmp_path, *(at(row, 0.3) for row in LADDER), at("digits_x2", 0.1, 2),
        at("digits_x1", 0.5, 2), at("digits_x4", 0.4, 2), rules=by_steps(LADDER), points="shared",
    )
    assert qualities(found) == [0.5, 0.1, 0.4]


def test_a_study_without_the_middle_budget_has_no_shared_point_and_a_note_says_so(tmp_path):
    other = {"submission": "adam"}
    found = measured(
        tmp_path, *(at(row, 0.3) for row in LADDER), at("digits_x1", 0.2, **other),
        at("digits_x4", 0.1, **other), at("digits_x2", 0.1, status=Status.CRASHED, **other),
        rules=by_steps(LADDER), points="shared",
    )
    assert list(found.points) == ["sgd"]
    assert any("1 study left out" in note and "adam" in note for note in found.notes)


def test_shared_points_without_any_trial_at_the_middle_budget_are_refused(tmp_path):
    with pytest.raises(RunFolderError, match=r"no trial ended\s+as planned there"):
        measured(tmp_path, at("digits_x1", 0.3), points="shared")


def tuned_at_x1():
    rows_there = rows()
    rows_there["digits_x2"] = rows_there["digits_x2"].model_copy(update={"tuned_at": "digits_x1"})
    return by_steps().model_copy(update={"workloads": rows_there})


def points(*numbers):
    return [{"learning_rate": 0.1 * number} for number in numbers]


def test_a_run_that_was_tuned_at_one_budget_shares_its_point_and_counts_the_trials_there(tmp_path):
    bad, good = points(1, 2)
    found = measured(
        tmp_path, at("digits_x1", 0.3, hyperparameters=bad),
        at("digits_x1", 0.2, 2, hyperparameters=good),
        at("digits_x2", 0.1, hyperparameters=good), rules=tuned_at_x1(),
    )
    assert qualities(found) == [0.2, 0.1]
    assert set(found.rows["tuning_trials"]) == {"2 at digits_x1 alone"}
    assert "the points are those that were best at digits_x1, at every budget" in found.notes
    assert not any("missing" in note for note in found.notes)


def test_tuning_at_one_budget_is_not_the_tuning_of_who_was_tuned_at_each(tmp_path):
    trials = [at(row, 0.3 - 0.1 * number, number) for row in ROWS for number in (1, 2)]
    each, shared = (measured(tmp_path, *trials, points=by) for by in ("each", "shared"))
    assert set(each.rows["tuning_trials"]) == {"2"}
    assert set(shared.rows["tuning_trials"]) == {"2 at digits_x2 alone"}


def test_a_shared_point_is_found_by_its_hyperparameters_and_not_by_its_number(tmp_path):
    one, two = points(1, 2)
    found = measured(
        tmp_path, at("digits_x2", 0.1, 1, hyperparameters=one),
        at("digits_x1", 0.5, 1, hyperparameters=two),
        at("digits_x1", 0.4, 2, hyperparameters=one), points="shared",
    )
    assert qualities(found) == [0.4, 0.1]


def test_a_budget_without_a_trial_of_the_shared_point_is_told(tmp_path):
    one, two = points(1, 2)
    found = measured(
        tmp_path, at("digits_x2", 0.1, 1, hyperparameters=one),
        at("digits_x1", 0.5, 1, hyperparameters=two), points="shared",
    )
    assert qualities(found) == [0.1]
    assert any("left out at digits_x1: no trial there has the point" in n for n in found.notes)


def test_runs_tell_their_workload(tmp_path):
    found = measured(tmp_path, at("digits_x1", 0.3), at("digits_x2", 0.1))
    assert set(found.rows["workload"]) == {"digits"}


def test_runs_of_which_none_ended_as_planned_are_refused_with_why(tmp_path):
    with pytest.raises(RunFolderError, match=r"ended as planned.*1 trial left out: CRASHED"):
        measured(tmp_path, at("digits_x1", 0.3, status=Status.CRASHED))


def test_trials_that_shared_the_machine_count_beside_those_that_did_not_and_are_told(tmp_path):
    found = measured(
        tmp_path, at("digits_x1", 0.3), at("digits_x2", 0.1, unofficial="trials shared the machine")
    )
    assert qualities(found) == [0.3, 0.1]
    assert "unofficial: trials shared the machine" in found.notes


def ways_of_timing(tmp_path, **header):
    return set(measured(tmp_path, *(at(row, 0.3, header=header) for row in ROWS)).rows["timing"])


def test_how_a_run_was_timed_is_a_fact_of_its_trials(tmp_path):
    assert ways_of_timing(tmp_path) == {"alone"}
    assert ways_of_timing(tmp_path, unofficial="trials shared the machine") == {"in parallel"}
    assert ways_of_timing(tmp_path, clock={"paired": {"factor": 1.1}}) == {"paired"}


def test_a_core_that_was_shared_by_chance_is_no_way_of_timing(tmp_path):
    trials = [at(row, 0.3, unofficial="trials shared the machine") for row in ROWS]
    assert set(measured(tmp_path, *trials).rows["timing"]) == {"alone"}


def test_the_level_of_the_sandbox_is_a_fact_of_trials(tmp_path):
    trials = [at(row, 0.3, header={"sandbox": {"level": "process"}}) for row in ROWS]
    assert set(measured(tmp_path, *trials).rows["sandbox"]) == {"process"}
