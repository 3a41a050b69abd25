"""Histories of tables made up here: factors, parts, what is flagged, what one entry changes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgolf.analysis.progress.entries import Entries
from mlgolf.analysis.progress.history import history_of
from mlgolf.analysis.progress.of_tables import Choice, histories_of_table
from mlgolf.analysis.progress.published import Reading
from mlgolf.analysis.progress.table import Columns
from mlgolf.core.errors import RunFolderError, ScoringError, UnknownName


def entries(amounts, years=None):
    years = np.arange(2012.0, 2012.0 + len(amounts)) if years is None else np.array(years)
    return Entries(
        target="t", names=tuple(f"e{row}" for row in range(len(amounts))), years=years,
        dates=tuple(f"{year:.0f}" for year in years), amounts=np.array(amounts, dtype=float),
        places=tuple(f"line {row}" for row in range(len(amounts))),
    )


def of_table(tmp_path, rows, columns=None, **asked):
    path = tmp_path / "table.csv"
    path.write_text("\n".join(rows) + "\n")
    return histories_of_table(path, Reading(columns=columns or Columns()), Choice(**asked))


AMOUNTS = st.lists(st.floats(1e-3, 1e6), min_size=4, max_size=12)


@given(amounts=AMOUNTS, unit=st.sampled_from([2.0**-40, 0.5, 1024.0, 2.0**60]))
def test_factor_and_doubling_time_do_not_depend_on_the_unit(amounts, unit):
    one, other = history_of(entries(amounts)), history_of(entries(np.array(amounts) * unit))
    assert other.factor == one.factor
    assert other.frontier == one.frontier
    assert other.doubling_months == pytest.approx(one.doubling_months, rel=1e-6, nan_ok=True)


@given(amounts=AMOUNTS, worse=st.floats(1, 1e3))
def test_a_late_inefficient_entry_changes_neither_factor_nor_doubling_time(amounts, worse):
    one = history_of(entries(amounts))
    other = history_of(entries([*amounts, min(amounts) * worse]))
    assert (other.factor, other.frontier) == (one.factor, one.frontier)
    assert other.doubling_months == pytest.approx(one.doubling_months, rel=1e-12, nan_ok=True)


def test_the_end_points_alone_give_the_value_beside_the_estimate():
    found = history_of(entries([16, 15, 1]))
    assert found.end_point_months == pytest.approx(2 * 12 / 4)


def test_without_one_record_others_have_it():
    left_out = {one.entry: one for one in history_of(entries([16, 8, 4])).left_out}
    assert left_out["e0"].factor == pytest.approx(2)
    assert left_out["e1"].doubling_months == pytest.approx(12)


def test_who_is_never_bettered_has_no_doubling_time():
    found = history_of(entries([1, 2, 3, 4]))
    assert (found.factor, found.doubling_months) == (1, math.inf)
    assert found.notes == ("nobody needed less than e0, the first",)


def test_a_first_date_with_several_entries_says_what_another_baseline_would_give(tmp_path):
    rows = ["name,date,cost", "a,2017,2323", "b,2017,1112", "c,2018,12.6", "d,2019,20"]
    (found,) = of_table(tmp_path, rows, Columns(compute="cost")).histories
    assert found.factor == pytest.approx(1112 / 12.6)
    assert "Against a the factor is 184" in found.notes[0]


def test_a_baseline_that_is_named_counts(tmp_path):
    rows = ["name,date,cost", "a,2017,2323", "b,2017,1112", "c,2018,12.6", "d,2019,20"]
    (found,) = of_table(tmp_path, rows, Columns(compute="cost"), baseline="a").histories
    assert found.factor == pytest.approx(2323 / 12.6)
    assert found.frontier == ("a", "b", "c")
    with pytest.raises(UnknownName, match="unknown baseline 'z'"):
        of_table(tmp_path, rows, Columns(compute="cost"), baseline="z")


def test_a_baseline_is_of_one_target(tmp_path):
    rows = ["name,date,compute,task", "a,2015,4,x", "b,2016,2,x", "c,2016,1,y", "d,2017,1,y"]
    with pytest.raises(RunFolderError, match=r"is an entry of one\. Give one --target: x, y"):
        of_table(tmp_path, rows, baseline="a")


def test_entries_may_have_one_name(tmp_path):
    rows = ["name,date,compute", "a,2015,4", "a,2016,2", "a,2017,1"]
    (found,) = of_table(tmp_path, rows).histories
    assert (found.frontier, found.factor) == (("a", "a", "a"), 4)


PRICED = [
    "name,date,dollars,flop,flop_per_second,price",
    "a,2015,1000,100,10,100", "b,2017,150,60,20,50", "c,2019,20,16,40,50",
]  # fmt: skip
PARTS = {"algorithm": "flop", "hardware": "/flop_per_second", "price": "price"}


def test_parts_multiply_to_the_factor(tmp_path):
    columns = Columns(compute="dollars", parts=PARTS)
    (found,) = of_table(tmp_path, PRICED, columns).histories
    last = found.steps[-1]
    assert last.entry == "c"
    assert last.parts == pytest.approx({"algorithm": 6.25, "hardware": 4, "price": 2, "rest": 1})
    assert math.prod(last.parts.values()) == pytest.approx(last.factor) == found.factor


def test_an_amount_that_does_not_follow_from_its_parts_is_flagged(tmp_path):
    rows = [*PRICED, "d,2020,4,16,40,30"]
    (found,) = of_table(tmp_path, rows, Columns(compute="dollars", parts=PARTS)).histories
    assert [(flag.entry, flag.kind) for flag in found.flags] == [("d", "inconsistent")]
    assert "0.33 times" in found.flags[0].message


RUNS = ["name,date,compute,reached,ended", "a,2015,90,90,90", "b,2016,30,10,90", "c,2017,9,8,10"]


def test_entries_that_were_not_tuned_for_the_target_are_flagged(tmp_path):
    (found,) = of_table(tmp_path, RUNS, Columns(reached="reached", ended="ended")).histories
    assert {flag.entry: flag.kind for flag in found.flags} == {
        "a": "baseline_at_its_end", "b": "not_tuned",
    }


def test_who_ends_far_beyond_the_target_is_flagged(tmp_path):
    rows = ["name,date,compute,top1,goal", "a,2015,90,94.1,94", "b,2016,30,97,94"]
    (found,) = of_table(tmp_path, rows, Columns(final="top1", wanted="goal")).histories
    assert [flag.entry for flag in found.flags] == ["b"]


def test_a_target_is_reached_somewhere_in_the_last_epoch(tmp_path):
    (found,) = of_table(tmp_path, RUNS, Columns(reached="reached")).histories
    assert found.factor_by_spacing == pytest.approx((10 * 89 / 90, 10 * 8 / 7))


def test_an_easier_target_gives_the_factor_that_the_baseline_would_have(tmp_path):
    rows = [f"{RUNS[0]},easier", f"{RUNS[1]},45", *(f"{row}," for row in RUNS[2:])]
    columns = Columns(reached="reached", easier="easier")
    assert of_table(tmp_path, rows, columns).histories[0].factor_at_easier == pytest.approx(5)


def test_a_reported_factor_that_does_not_follow_is_flagged(tmp_path):
    rows = ["name,date,compute,said", "a,2015,17,1", "b,2016,0.75,10", "c,2017,0.5,34"]
    (found,) = of_table(tmp_path, rows, Columns(reported="said")).histories
    (flag,) = found.flags
    assert flag.entry == "b"
    assert "said is 10, but 17 / 0.75 = 22.7" in flag.message


def test_dates_that_contradict_one_another_are_flagged(tmp_path):
    rows = [
        "name,date,compute,repo,date_source", "a,2015-12-10,17,2015-01-10,1512.03385",
        "b,2017-06-12,2,2017-06-12,1706.03762", "c,2018-05-30,1,,1807.11164",
    ]
    (found,) = of_table(tmp_path, rows, Columns(other_date="repo")).histories
    assert [flag.entry for flag in found.flags] == ["a", "c"]
    assert "334 days apart" in found.flags[0].message
    assert "arXiv 1807.11164 is of 2018-07" in found.flags[1].message


def test_effective_compute_is_the_product_at_a_target(tmp_path):
    (found,) = of_table(tmp_path, RUNS, physical_growth=300_000).histories
    assert found.effective.factor == pytest.approx(3e6)
    with pytest.raises(ScoringError, match="--physical-growth: found 0"):
        of_table(tmp_path, RUNS, physical_growth=0)


def test_a_target_of_one_date_is_left_out_where_others_have_more(tmp_path):
    rows = ["name,date,compute,task", "a,2015,4,x", "b,2016,2,x", "c,2016,1,y"]
    found = of_table(tmp_path, rows)
    assert [history.entries.target for history in found.histories] == ["x"]
    assert "y left out" in found.notes[0]
    with pytest.raises(RunFolderError, match="of y of one date"):
        of_table(tmp_path, rows, targets=["y"])


@pytest.mark.parametrize("asked", [{"baseline": "m1"}, {"physical_growth": 3.0}])
def test_a_fit_of_losses_has_no_baseline(tmp_path, asked):
    rows = ["name,date,compute,l", *(f"m{n},{2010 + n},{10 + n},{3 - n / 9}" for n in range(8))]
    with pytest.raises(RunFolderError, match="a fit of --loss has no record to count from"):
        of_table(tmp_path, rows, Columns(loss="l"), **asked)


def test_a_perplexity_without_its_logarithm_is_refused(tmp_path):
    rows = ["name,date,compute,ppl", *(f"m{n},{2010 + n},{10 + n},{40 - n}" for n in range(8))]
    with pytest.raises(RunFolderError, match=r"line 2: ppl: found 40; .*natural logarithm"):
        of_table(tmp_path, rows, Columns(loss="ppl"))
