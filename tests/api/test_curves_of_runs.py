"""Trade-off curves of run folders that have different budgets."""

import pytest
from synthetic_trials import competition, run_record, workload_rules

from mlgolf.api.curves import curve
from mlgolf.core.errors import ScoringError
from mlgolf.core.hardware import load_hardware
from mlgolf.core.protocols import Reading, Row
from mlgolf.core.records import SubmissionRecord, TrialHeader, VerdictRecord
from mlgolf.core.status import Status
from mlgolf.core.trial_key import TrialKey
from mlgolf.results.run_folder import create_run
from mlgolf.results.trial_folder import TrialFolder

HARDWARE = load_hardware("one-thread-cpu")
STUDIES = 3


def run(
    path, factors, *, faster=None, code=None, steps=100, constraint="time", disturbed=()
):
    """Its folder: methods at budgets, on one curve unless they are `faster`."""
    faster, code = faster or {}, code or {}
    rules = competition(
        {
            f"digits_x{factor:g}": workload_rules(
                workload="digits", step_limit=steps * factor, step_hint=int(steps * factor)
            ) for factor in sorted({one for own in factors.values() for one in own})
        },
        objective="validation_metric",
        constraints=[
            {"quantity": "steps", "bound": "step_limit"},
            {"quantity": constraint, "bound": "budget_seconds"},
        ],
    )
    submissions = {
        name: SubmissionRecord(framework="torch", sha256=64 * code.get(name, name[0]))
        for name in factors
    }
    folder, lock = create_run(path, run_record(
        competition=rules, framework="torch", studies=STUDIES, submissions=submissions,
        hardware=HARDWARE,
    ))  # fmt: skip
    lock.release()
    for name, own in factors.items():
        for factor, study in ((factor, study) for factor in own for study in range(STUDIES)):
            key = TrialKey(
                submission=name, framework="torch", workload=f"digits_x{factor:g}", study=study,
                trial=1,
            )
            store = TrialFolder(folder.trial_path(key))
            store.begin(TrialHeader(
                key=key, seed=1, hyperparameters={}, ruleset="external", hardware=HARDWARE,
                submission_sha256=submissions[name].sha256,
            ))  # fmt: skip
            seconds = 10 * factor / faster.get(name, 1)
            store.append(Row(
                step=int(steps * factor), reading=Reading(seconds, seconds, seconds),
                model_sha256="",
                metrics={"validation/error_rate": 0.5 / factor + 0.002 * study},
            ))  # fmt: skip
            why = "the machine was busy" if study == 0 and name in disturbed else ""
            store.finish(VerdictRecord(status=Status.FINISHED, reason="", disturbed=why))
    return path


def test_a_change_at_one_budget_is_judged_by_a_baseline_at_others_in_another_run(tmp_path):
    base = run(tmp_path / "a", {"base": (1, 2, 4)})
    change = run(tmp_path / "b", {"change": (1.5,)}, faster={"change": 1.5})
    (point,) = curve(base, change, baseline="base").as_json()["points"]
    assert point["verdict"] == "better"
    assert point["speedup"] == pytest.approx(1.5, rel=0.2)


def test_a_budget_that_is_played_later_joins_the_curve_of_its_method(tmp_path):
    first = run(tmp_path / "a", {"base": (1, 2), "change": (1, 2)})
    later = run(tmp_path / "b", {"base": (4,)})
    found = curve(first, later, baseline="base")
    assert [point.runs for point in found.comparison.table.points["base"]] == [3, 3, 3]


def test_the_baseline_is_what_was_given_to_the_run_first_unless_another_is_named(tmp_path):
    found = curve(run(tmp_path / "a", {"old": (1, 2), "new": (1, 2)}))
    assert found.comparison.baseline == "old"
    assert "the baseline is what was run first, old (--baseline)" in found.as_json()["notes"]


def test_a_comparison_says_how_many_trials_of_each_method_were_disturbed(tmp_path):
    path = run(tmp_path / "a", {"base": (1, 2), "change": (1, 2)}, disturbed=("change",))
    (note,) = [note for note in curve(path).comparison.notes if "disturbed" in note]
    assert note.startswith("disturbed trials (0 of 6 of base, 2 of 6 of change): the machine was")


def test_a_table_beside_other_paths_is_refused_with_the_command_for_two_tables(tmp_path):
    with pytest.raises(ScoringError, match=r"table a\.csv beside 1 other path.*--ci BASE CHANGE"):
        curve("a.csv", "b.csv")


def test_two_ladders_that_share_no_budget_are_compared_where_their_ranges_overlap(tmp_path):
    base = run(tmp_path / "a", {"base": (1, 4)})
    change = run(tmp_path / "b", {"change": (2, 8)})
    first, second = curve(base, change).as_json()["points"]
    assert first["verdict"] != "outside"
    assert second["verdict"] == "outside"
    (whole,) = curve(base, change).as_json()["curves"]
    assert whole["average_speedup"] > 0


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"factors": {"base": (2, 4)}}, "found study 0 of base at digits_x2 twice"),
        ({"factors": {"base": (4,)}, "code": {"base": "z"}}, "different code of the method base"),
        ({"factors": {"change": (2, 4)}, "steps": 50}, "different bounds of the budget digits_x2"),
    ],
)
def test_runs_that_give_one_name_to_two_things_are_refused_with_both_places(tmp_path, other, told):
    first = run(tmp_path / "a", {"base": (1, 2)})
    with pytest.raises(ScoringError, match=told) as caught:
        curve(first, run(tmp_path / "b", **other))
    assert str(tmp_path / "a") in str(caught.value)
    assert str(tmp_path / "b") in str(caught.value)


def test_runs_of_other_rules_than_their_budgets_are_no_fair_comparison(tmp_path):
    first = run(tmp_path / "a", {"base": (1, 2)})
    other = run(tmp_path / "b", {"change": (1, 2)}, constraint="cpu_time")
    with pytest.raises(ScoringError, match="different rules in one comparison"):
        curve(first, other)
