"""Tuning on AlgoPerf's official results: what docs/tuning.md says of them."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mlgolf.analysis.tuning.report import TuningReport, judge
from mlgolf.analysis.tuning.sources import Asked, open_results
from mlgolf.core.errors import RunFolderError, UnknownName

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="module")
def report() -> TuningReport:
    return judge(open_results([GOLDEN / "trials.csv"], Asked()))


@pytest.fixture(scope="module")
def with_evaluations() -> TuningReport:
    asked = Asked(methods=["baseline", "shampoo_submission"], metric="validation")
    return judge(open_results([GOLDEN / "curves.parquet"], asked))


def test_the_largest_board_of_the_table_is_read_and_this_is_said(report):
    assert len({method for _, method in report.curves}) == 11
    assert report.notes[0].startswith("read as algoperf-0.5, external tuning")


def test_every_trial_counts_also_those_that_ended_before_an_evaluation(report):
    assert report.curves["criteo1tb", "amos"].results == 25
    assert report.curves["criteo1tb", "amos"].failed == 25


def test_the_best_of_many_trials_is_the_fastest_in_the_table(report):
    table = pl.read_csv(GOLDEN / "trials.csv", infer_schema_length=None).filter(
        version="v0.5", ruleset="external", submission="baseline", workload="wmt"
    )
    curve = report.curves["wmt", "baseline"]
    assert curve.best[-1] == table["val_reached_time_s"].min()
    # Three of 25 never reached the target, so the median trial is the 13th.
    assert curve.failed == table["val_reached_time_s"].null_count() == 3
    assert curve.best[0] == table["val_reached_time_s"].sort(nulls_last=True)[12]


def test_no_point_of_any_submission_reaches_all_eight_workloads(report):
    reached = {name: found.points[0].reached for name, found in report.sharing.items()}
    assert max(reached.values()) == 6
    assert {n for n, count in reached.items() if count == 6} == {
        "baseline", "cyclic_lr", "schedule_free_adamw",
    }


def test_a_shared_point_comes_with_its_hyperparameters(report):
    shared = {row["method"]: row for row in report.as_json()["shared_point"]}
    assert shared["baseline"]["point"] == "trial 5"
    assert "learning_rate" in shared["baseline"]["hyperparameters"]


def test_each_held_out_variant_is_compared_with_its_workload(report):
    pairs = {(workload, variant) for _, workload, variant in report.transfers}
    assert ("wmt", "wmt_glu_tanh") in pairs
    assert all(variant.startswith(workload) for workload, variant in pairs)
    found = report.transfers["baseline", "wmt", "wmt_glu_tanh"]
    assert (found.points, found.same_best, found.loss) == (5, False, pytest.approx(1.649, abs=1e-3))


def test_validation_results_have_the_goals_of_their_metrics(with_evaluations):
    goals = with_evaluations.results.goals
    assert (goals["criteo1tb"].value, goals["wmt"].value) == ("minimise", "maximise")
    assert with_evaluations.as_json()["goal"] is None
    best = with_evaluations.curves["wmt", "baseline"].best
    assert (np.diff(best) >= 0).all()


def test_quality_late_in_the_budget_finds_trials_that_reach_the_target(with_evaluations):
    never = {
        one.budget: one.choices.never for one in with_evaluations.chosen if one.method == "baseline"
    }
    assert never[1.0] == 0
    assert never[0.125] > never[1.0]


def test_the_guide_counts_transfers_right(report):
    found = [*report.transfers.values()]
    intervals = [one.tau_interval for one in found if one.tau_interval]
    assert (len(found), sum(one.same_best for one in found)) == (43, 18)
    assert sum(low > 0 or high < 0 for low, high in intervals) == 9


def test_a_damaged_table_is_refused_by_line_and_column(tmp_path):
    path = tmp_path / "trials.csv"
    path.write_text("version,ruleset,submission\nv0.5,external,a\n")
    with pytest.raises(RunFolderError, match="no column framework"):
        open_results([path], Asked())


def test_tuning_is_external_or_self():
    with pytest.raises(UnknownName, match="tuning 'none'"):
        open_results([GOLDEN / "trials.csv"], Asked(tuning="none"))


def test_submissions_that_tune_themselves_have_no_points():
    found = judge(open_results([GOLDEN / "trials.csv"], Asked(tuning="self")))
    assert found.as_json()["shared_point"] is None
    assert found.results.table["point"].is_null().all()


def test_a_table_of_times_has_no_validation_results():
    with pytest.raises(RunFolderError, match="--metric validation"):
        open_results([GOLDEN / "trials.csv"], Asked(metric="validation"))


def test_what_rules_decide_cannot_be_asked_for():
    with pytest.raises(RunFolderError, match="--quality"):
        open_results([GOLDEN / "trials.csv"], Asked(quality="val_best"))
