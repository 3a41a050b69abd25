import pytest
from scaling_runs import chinchilla

from mlgolf.analysis.scaling.table import Choice, Columns, read_runs
from mlgolf.core.errors import RunFolderError, ScoringError


def written(path, *rows, head="params,tokens,loss"):
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_outliers_are_left_out_by_their_column():
    assert len(chinchilla().runs) == len(chinchilla(outliers=True).runs) - 5


def test_rows_are_chosen_by_a_value_of_a_column(tmp_path):
    table = written(
        tmp_path / "a.csv", "1e6,1e9,5,c4", "1e7,1e9,3,web", head="params,tokens,loss,data"
    )
    assert [*read_runs(table, Columns(), Choice(only="data=c4")).runs.loss] == [5]
    assert [*read_runs(table, Columns(), Choice(without="data=c4")).runs.loss] == [3]


def test_the_highest_losses_are_left_out(tmp_path):
    table = written(tmp_path / "a.csv", "1e6,1e9,5", "1e7,1e9,3", "1e7,1e8,4")
    found = read_runs(table, Columns(), Choice(drop_highest=1))
    assert sorted(found.runs.loss) == [3, 4]


def test_tokens_follow_from_compute(tmp_path):
    table = written(tmp_path / "a.csv", "1e6,6e15,5", head="n,c,loss")
    assert read_runs(table, Columns(params="n", flop="c")).runs.tokens == pytest.approx([1e9])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("70,1e9,2", r"a\.csv, line 3: params: found 70; .* in millions or billions"),
        ("1e6,1.4,2", r"a\.csv, line 3: tokens: found 1\.4"),
        ("1e6,1e9,35", r"a\.csv, line 3: loss: found 35; .* Of a perplexity"),
        ("1e6,1e9,", r"a\.csv, line 3: loss: found"),
        ("0,1e9,3", r"a\.csv, line 3: params: found '0'"),
    ],
)
def test_what_does_not_fit_its_unit_is_refused_by_line(tmp_path, row, message):
    table = written(tmp_path / "a.csv", "1e6,1e9,3", row)
    with pytest.raises(RunFolderError, match=message):
        read_runs(table, Columns())


def test_more_unique_tokens_than_tokens_are_refused(tmp_path):
    table = written(tmp_path / "a.csv", "1e6,1e9,3,2e9", head="params,tokens,loss,unique")
    with pytest.raises(RunFolderError, match="Tokens count repeats"):
        read_runs(table, Columns(unique_tokens="unique"))


def test_a_table_of_which_no_row_is_left_is_refused(tmp_path):
    table = written(tmp_path / "a.csv", "1e6,1e9,3,0", head="params,tokens,loss,good")
    with pytest.raises(RunFolderError, match="no row is left"):
        read_runs(table, Columns(), Choice(only="good"))


def test_tokens_in_millions_beside_parameters_one_by_one_are_refused(tmp_path):
    table = written(tmp_path / "a.csv", "1e8,2000,3", "1e9,20000,2.5")
    with pytest.raises(RunFolderError, match=r"params, tokens: found 2e-05 tokens per parameter"):
        read_runs(table, Columns())


def test_few_tokens_per_parameter_are_said_to_be_unusual(tmp_path):
    table = written(tmp_path / "a.csv", "2e9,1e8,3", "2e10,1e9,2.5")
    assert "Unusual: 0.05 tokens per parameter" in read_runs(table, Columns()).notes[0]


def test_compute_of_another_column_that_is_not_6nd_is_refused(tmp_path):
    rows = "1e6,1e6,3,6e18", "1e7,1e7,2.5,6e20"  # tokens in millions
    table = written(tmp_path / "a.csv", *rows, head="params,tokens,loss,flop")
    with pytest.raises(RunFolderError, match=r"found 1e\+06 times 6 N D in the column flop"):
        read_runs(table, Columns())


def test_compute_that_counts_somewhat_more_than_6nd_is_taken(tmp_path):
    table = written(tmp_path / "a.csv", "1e6,1e9,3,1e16", head="params,tokens,loss,flop")
    assert len(read_runs(table, Columns()).runs) == 1


def test_the_loss_is_no_lever(tmp_path):
    table = written(tmp_path / "a.csv", "1e6,1e9,3")
    with pytest.raises(ScoringError, match="lever loss: found a column that is read as something"):
        read_runs(table, Columns(levers=["loss"]))
