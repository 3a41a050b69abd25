import math

import numpy as np
import pytest

from mlgolf.analysis.ablation.experiment import analysed, cell_of, name_of
from mlgolf.analysis.ablation.sources import open_experiment
from mlgolf.core.errors import MLGolfError, RunFolderError, ScoringError, UnknownName
from mlgolf.core.target import Goal


def table(folder, rows, columns="methods,seed,time"):
    path = folder / "runs.csv"
    path.write_text("\n".join([columns, *rows]) + "\n")
    return path


def opened(folder, rows, columns="methods,seed,time", **asked):
    return open_experiment([table(folder, rows, columns)], **asked)


def two_by_two(*times, seeds=2):
    """Times of none, a, b and a+b, a little more with each seed."""
    return [
        f"{name},{seed},{time * (1 + 0.001 * seed * seed) if time else ''}"
        for name, time in zip(("none", "a", "b", "a+b"), times, strict=True)
        for seed in range(seeds)
    ]


def by_methods(effects):
    return {name_of(effect.methods): effect for effect in effects}


def test_names_of_combinations_are_read_back():
    assert [cell_of(name) for name in ("none", "", "a", "a+b")] == [(), (), ("a",), ("a", "b")]
    assert [name_of(cell) for cell in ((), ("a", "b"))] == ["none", "a+b"]


def test_half_the_time_is_a_gain_of_log_two(tmp_path):
    found = analysed(opened(tmp_path, two_by_two(8, 4, 8, 4))).workloads[0]
    mains = by_methods(found.mains)
    assert mains["a"].estimate == pytest.approx(math.log(2))
    assert mains["b"].estimate == pytest.approx(0)


def test_methods_that_do_the_same_thing_have_an_interaction_below_0(tmp_path):
    found = analysed(opened(tmp_path, two_by_two(8, 4, 4, 4))).workloads[0]
    assert found.interactions[0].estimate == pytest.approx(-math.log(2))
    assert by_methods(found.attribution)["a"].estimate == pytest.approx(math.log(2) / 2)


def test_methods_may_be_named_in_any_order(tmp_path):
    rows = [row.replace("a+b", "b+a") for row in two_by_two(8, 4, 8, 4)]
    assert analysed(opened(tmp_path, rows)).workloads[0].mains[0].estimate > 0


@pytest.mark.parametrize(("goal", "sign"), [(Goal.MAXIMISE, 1), (Goal.MINIMISE, -1)])
def test_a_gain_in_quality_is_above_0_whichever_way_is_better(tmp_path, goal, sign):
    rows = ["none,0.5", "a,0.6"]
    found = analysed(opened(tmp_path, rows, "methods,accuracy", quality="accuracy", goal=goal))
    assert found.workloads[0].mains[0].estimate == pytest.approx(sign * 0.1)


def test_who_never_reached_the_target_counts_as_the_budget_and_is_a_bound(tmp_path):
    rows = [f"{row},16" for row in two_by_two(None, 4, 8, 4)]
    found = analysed(opened(tmp_path, rows, "methods,seed,time,budget"))
    effect = by_methods(found.workloads[0].mains)["a"]
    assert effect.bound == "at least"
    assert effect.estimate == pytest.approx((math.log(16 / 4) + math.log(8 / 4)) / 2, rel=1e-2)
    assert any("reached it when they ended, at 16" in note
               for note in found.notes)  # fmt: skip


def test_a_study_without_a_result_counts_as_its_own_budget_not_as_a_longer_one(tmp_path):
    rows = [f"{row},{16 if row.startswith('none') else 99}" for row in two_by_two(None, 4, 8, 4)]
    found = analysed(opened(tmp_path, rows, "methods,seed,time,budget"))
    effect = by_methods(found.workloads[0].mains)["a"]
    assert effect.estimate == pytest.approx((math.log(16 / 4) + math.log(8 / 4)) / 2, rel=1e-2)


def test_without_a_budget_it_counts_as_the_longest_time(tmp_path):
    found = analysed(opened(tmp_path, two_by_two(None, 4, 8, 4)))
    assert by_methods(found.workloads[0].mains)["a"].bound == "at least"
    assert any("reached the worst of the others" in note for note in found.notes)


def test_if_nobody_reached_the_target_that_is_said(tmp_path):
    with pytest.raises(ScoringError, match="no combination reached the target on all rows"):
        analysed(opened(tmp_path, two_by_two(None, None, None, None)))


def test_a_missing_combination_is_named(tmp_path):
    with pytest.raises(ScoringError, match=r"found 3 of 4 combinations.*Missing: a\+b"):
        analysed(opened(tmp_path, two_by_two(8, 4, 4, 4)[:-2]))


def test_a_combination_that_one_workload_lacks_is_named(tmp_path):
    rows = ["none,x,1", "a,x,2", "none,y,1"]
    with pytest.raises(ScoringError, match="a has no study on y"):
        analysed(opened(tmp_path, rows, "methods,workload,time"))


def test_unequal_tuning_is_refused_unless_it_is_asked_for(tmp_path):
    rows = ["none,8,5", "a,4,20"]
    found = opened(tmp_path, rows, "methods,time,tuning_trials")
    with pytest.raises(ScoringError, match="unequal tuning on all rows: none had 5 of 20 trials"):
        analysed(found)
    assert analysed(found, allow_unfair=True).unfair


def test_the_same_seed_twice_is_named_by_line(tmp_path):
    rows = ["none,1,8", "a,1,4", "a,1,5"]
    with pytest.raises(RunFolderError, match="line 3 and 4: found the same seed twice"):
        opened(tmp_path, rows)


@pytest.mark.parametrize(("rows", "columns"), [
    (["none,0"], "methods,time"), (["none,x"], "methods,quality"), (["none"], "methods"),
    (["a,1"], "names,time"),
])  # fmt: skip
def test_a_table_that_is_wrong_is_one_message(tmp_path, rows, columns):
    with pytest.raises(MLGolfError, match=r"runs\.csv"):
        opened(tmp_path, rows, columns)


def test_an_unknown_workload_is_named(tmp_path):
    with pytest.raises(UnknownName, match="z"):
        opened(tmp_path, ["none,x,1", "a,x,2"], "methods,workload,time", workloads=["z"])


def test_times_on_several_workloads_have_a_mean_and_qualities_have_none(tmp_path):
    rows = ["none,x,1", "a,x,2", "none,y,1", "a,y,2"]
    assert analysed(opened(tmp_path, rows, "methods,workload,time")).mean is not None
    assert analysed(opened(tmp_path, rows, "methods,workload,quality")).mean is None


def test_a_method_that_changes_no_digit_is_doubted(tmp_path):
    found = analysed(opened(tmp_path, two_by_two(8, 4, 8, 4)))
    assert any("b changed nothing, to the last digit" in note for note in found.notes)


def test_one_study_each_has_no_intervals_and_says_so(tmp_path):
    found = analysed(opened(tmp_path, two_by_two(8, 4, 8, 3, seeds=1)))
    assert np.isnan(found.workloads[0].mains[0].interval).all()
    assert any("one study each" in note for note in found.notes)


def test_a_fraction_says_what_cannot_be_told_apart(tmp_path):
    cells = ["none", "a+d", "b+d", "c+d", "a+b", "a+c", "b+c", "a+b+c+d"]
    found = analysed(opened(tmp_path, [f"{cell},{n + 1}" for n, cell in enumerate(cells)],
                            "methods,time"))  # fmt: skip
    (said,) = [note for note in found.notes if "resolution" in note]
    assert "8 of 16 combinations, resolution 4" in said
    assert "a x b = d x c" in said or "a x b = c x d" in said
