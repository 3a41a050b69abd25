import pytest

from mlgolf.analysis.measurements import read_table
from mlgolf.core.errors import RunFolderError


def points(tmp_path, text):
    path = tmp_path / "runs.csv"
    path.write_text(text)
    return {
        name: [(point.time, point.runs) for point in found]
        for name, found in read_table(path).points.items()
    }


def test_with_seeds_the_runs_of_each_are_budgets_by_their_length(tmp_path):
    found = points(tmp_path, "method,seed,time,quality\na,1,4,1\na,2,4,1\na,2,1,1\na,1,1,1\n")
    assert found == {"a": [(1, 2), (4, 2)]}


def test_a_column_budget_says_which_runs_belong_together(tmp_path):
    found = points(
        tmp_path, "method,seed,budget,time,quality\na,1,short,2,1\na,2,short,8,1\na,1,long,5,1\n"
    )
    assert found == {"a": [(4, 2), (5, 1)]}


def test_without_seeds_runs_of_equal_times_belong_together(tmp_path):
    found = points(tmp_path, "method,time,quality\na,2,1\na,2,3\na,4,1\n")
    assert found == {"a": [(2, 2), (4, 1)]}


def test_where_a_seed_lacks_a_budget_the_widest_gaps_part_budgets(tmp_path):
    text = "method,seed,time,quality\na,1,1,1\na,1,2,1\na,1,4,1\na,2,2,1\na,2,4,1\n"
    assert points(tmp_path, text) == {"a": [(1, 1), (2, 2), (4, 2)]}


def test_where_gaps_do_not_part_seeds_a_column_is_asked_for(tmp_path):
    with pytest.raises(RunFolderError, match=r"different numbers of runs.*Add a column budget"):
        points(tmp_path, "method,seed,time,quality\na,1,1,1\na,1,1.1,1\na,2,50,1\n")


def test_methods_keep_the_order_of_the_file(tmp_path):
    assert [*points(tmp_path, "method,time,quality\nz,1,1\na,1,1\nz,2,1\n")] == ["z", "a"]


def test_the_same_seed_twice_at_a_budget_is_refused_with_both_lines(tmp_path):
    with pytest.raises(RunFolderError, match="line 2 and 4: found the same seed twice"):
        points(
            tmp_path, "method,seed,budget,time,quality\na,1,s,1,1\na,2,s,1,1\na,1,s,2,1\n"
        )
