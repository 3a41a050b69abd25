import pytest

from mlgolf.analysis.curves.measurements import read_table
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
    with pytest.raises(RunFolderError, match=r"line 2: .*of one budget.*Add a column budget"):
        points(tmp_path, "method,seed,time,quality\na,1,1,1\na,1,1.1,1\na,2,50,1\n")


def test_where_runs_of_one_rank_are_as_long_as_those_of_the_next_a_column_is_asked_for(tmp_path):
    with pytest.raises(RunFolderError, match=r"line 4: found a time of 2.01.*Add a column budget"):
        points(tmp_path, "method,seed,time,quality\na,0,1,1\na,0,2,1\na,1,2.01,1\na,1,4,1\n")


def test_seeds_of_one_method_are_used_though_another_has_none(tmp_path):
    text = "method,seed,time,quality\na,1,1,1\na,2,1.1,1\na,1,2,1\na,2,2.1,1\nb,,1,1\n"
    assert [runs for _, runs in points(tmp_path, text)["a"]] == [2, 2]


def test_a_method_with_some_seeds_only_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match="line 3: seed: found nothing"):
        points(tmp_path, "method,seed,time,quality\na,1,1,1\na,,2,1\n")


def test_two_budgets_of_one_time_are_refused_with_both_lines(tmp_path):
    with pytest.raises(RunFolderError, match=r"line 2: found two budgets.*line 3"):
        points(tmp_path, "method,budget,time,quality\na,s,2,1\na,t,2,1\n")


def test_methods_keep_the_order_of_the_file(tmp_path):
    assert [*points(tmp_path, "method,time,quality\nz,1,1\na,1,1\nz,2,1\n")] == ["z", "a"]


def test_the_same_seed_twice_at_a_budget_is_refused_with_both_lines(tmp_path):
    with pytest.raises(RunFolderError, match="line 2 and 4: found the same seed twice"):
        points(
            tmp_path, "method,seed,budget,time,quality\na,1,s,1,1\na,2,s,1,1\na,1,s,2,1\n"
        )
