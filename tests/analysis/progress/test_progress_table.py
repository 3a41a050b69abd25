import numpy as np
import pytest

from mlgolf.analysis.progress.table import (
    Columns,
    check_years,
    read_entries,
    with_baseline,
)
from mlgolf.core.errors import RunFolderError, UnknownName


def written(tmp_path, *rows, head="name,date,compute"):
    path = tmp_path / "entries.csv"
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_entries_are_in_the_order_of_their_dates(tmp_path):
    path = written(tmp_path, "b,2016,5", "a,2015-01-01,10")
    found = read_entries(path, Columns()).targets[""]
    assert (found.names, found.dates) == (("a", "b"), ("2015-01-01", "2016"))
    assert found.amounts.tolist() == [10, 5]


def test_rows_without_an_amount_or_a_date_are_left_out_and_counted(tmp_path):
    path = written(tmp_path, "a,2015,10", "b,2016,", "c,never,", "d,,7")
    table = read_entries(path, Columns())
    assert table.targets[""].names == ("a",)
    assert table.notes == (
        "2 rows left out: nothing in compute", "1 row left out: nothing in date",
    )


def test_each_target_has_entries_of_its_own(tmp_path):
    rows = ("a,2015,10,x", "b,2015,8,y", "c,2016,5,x")
    path = written(tmp_path, *rows, head="name,date,compute,task")
    found = read_entries(path, Columns()).targets
    assert {name: entries.names for name, entries in found.items()} == {
        "x": ("a", "c"), "y": ("b",),
    }


def test_a_target_is_looked_for_in_every_usual_column(tmp_path):
    path = written(
        tmp_path, "a,2015,10,x,top1", "b,2016,5,x,top5", head="name,date,compute,task,target"
    )
    assert [*read_entries(path, Columns(), targets=["top5"]).targets] == ["top5"]


def test_an_unknown_target_is_answered_with_those_there_are(tmp_path):
    path = written(tmp_path, "a,2015,10,images", head="name,date,compute,task")
    with pytest.raises(UnknownName, match="Did you mean images"):
        read_entries(path, Columns(), targets=["image"])


@pytest.mark.parametrize(("row", "message"), [
    ("b,2016,0", "line 3: compute: found '0', allowed is a number above 0"),
    ("b,2016,-1", "line 3: compute: found '-1', allowed is a number above 0"),
    ("b,2016,3 PF-days", "line 3: compute: found '3 PF-days', allowed is a number above 0"),
    ("b,yesterday,5", "line 3: date: found 'yesterday', allowed is a date as 2015-12-10"),
])  # fmt: skip
def test_what_is_wrong_is_named_by_file_line_and_column(tmp_path, row, message):
    with pytest.raises(RunFolderError, match=f"entries.csv, {message}"):
        read_entries(written(tmp_path, "a,2015,10", row), Columns())


def test_two_units_are_refused(tmp_path):
    path = written(tmp_path, "a,2015,10,FLOP", "b,2016,5,PF-days", head="name,date,compute,unit")
    with pytest.raises(RunFolderError, match="line 3: unit: found 'PF-days', but line 2 has"):
        read_entries(path, Columns())


def test_what_stands_for_unknown_is_left_out_and_told(tmp_path):
    path = written(tmp_path, "a,1970-01-01,10", "b,2016,5", "c,2017,9999")
    table = read_entries(path, Columns())
    assert table.targets[""].names == ("b",)
    assert [name for name, *_ in table.left_out] == ["a", "c"]


def test_a_baseline_leaves_out_what_came_before_and_is_the_first_of_its_day(tmp_path):
    path = written(tmp_path, "a,2014,1", "b,2015,5", "c,2015,10", "d,2016,2")
    found = with_baseline(read_entries(path, Columns()).targets[""], "c")
    assert found.names == ("c", "b", "d")
    assert np.diff(found.years).min() > 0


def test_dates_can_be_bounded_by_years(tmp_path):
    path = written(tmp_path, "a,2014-05-01,4", "b,2015-02-01,3", "c,2016-12-31,2", "d,2017-01-01,1")
    found = read_entries(path, Columns(), since="2015", until="2016").targets[""]
    assert found.names == ("b", "c")


def test_one_year_is_refused_unless_it_is_asked_for(tmp_path):
    path = written(tmp_path, "a,2015-01-01,10", "b,2015-06-01,5")
    entries = read_entries(path, Columns()).targets[""]
    check_years(path, entries, within_a_year=True)
    with pytest.raises(RunFolderError, match=r"all 2 entries are of 2015; .*--within-a-year"):
        check_years(path, entries, within_a_year=False)


def test_one_date_is_refused(tmp_path):
    path = written(tmp_path, "a,2015,10", "b,2015,5")
    with pytest.raises(RunFolderError, match="of one date, 2015; progress needs two dates"):
        check_years(path, read_entries(path, Columns()).targets[""], within_a_year=True)
