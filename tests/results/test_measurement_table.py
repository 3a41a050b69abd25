import polars as pl
import pytest

from mlgolf.core.errors import RunFolderError
from mlgolf.results.measurement_table import Column, columns_given, read_measurements

COLUMNS = (
    Column(name="method", is_number=False), Column(name="seed", is_number=False, optional=True),
    Column(name="time", positive=True, option="--time"), Column(name="quality"),
)


def written(tmp_path, text):
    path = tmp_path / "runs.csv"
    path.write_text(text)
    return path


def test_a_csv_and_a_parquet_file_read_alike(tmp_path):
    path = written(tmp_path, "method,seed,time,quality\nsgd,1,2,0.5\nsgd,2,4.5,0.7\n")
    pl.DataFrame(
        {"method": ["sgd", "sgd"], "seed": [1, 2], "time": [2.0, 4.5], "quality": [0.5, 0.7]}
    ).write_parquet(tmp_path / "runs.parquet")
    first, other = (
        read_measurements(file, COLUMNS) for file in (path, tmp_path / "runs.parquet")
    )
    assert first.drop("line").equals(other.drop("line"))
    assert (first["line"].to_list(), other["line"].to_list()) == ([2, 3], [1, 2])


def test_a_column_may_have_another_name_in_the_file(tmp_path):
    path = written(tmp_path, "method,hours,quality\nsgd,2,0.5\n")
    table = read_measurements(path, columns_given(COLUMNS, {"time": "hours"}))
    assert table["time"].to_list() == [2.0]


def test_other_columns_are_kept_as_text_if_they_are_wanted_and_there(tmp_path):
    path = written(tmp_path, "method,time,quality,gpus,note\nsgd,2,0.5,8,x\n")
    table = read_measurements(path, COLUMNS, keep=("gpus", "clock"))
    assert table.drop("line").columns == ["method", "time", "quality", "gpus"]
    assert table["gpus"].to_list() == ["8"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("method,quality\nsgd,1\n", "found no column time.*It has method, quality.*--time NAME"),
        ("method,times,quality\nsgd,1,2\n", "found no column time. Did you mean times"),
        ("method,time,quality\nsgd,1,2\nsgd,0,2\n", "line 3: time: found '0', .* above 0"),
        ("method,time,quality\nsgd,12 s,2\n", "line 2: time: found '12 s', allowed is a number"),
        ("method,time,quality\nsgd,1,\n", "line 2: quality: found an empty cell, allowed is a num"),
        ("method,time,quality\nsgd,1, \n", "line 2: quality: found an empty cell"),
        ("method,time,quality\nsgd,1\n", "line 2: quality: found an empty cell"),
        ("method,time,quality\nsgd,1,2\nsgd,2,0,75\n",
         "line 3: quality: found 4 fields, 'sgd,2,0,75', and line 1 names 3 columns: '75' comes"),
        ('method,time,quality\n"s\ngd",1,2\nsgd,2,0,75\n', "line 4: quality: found 4 fields"),
        ('method,time,quality\nsgd,1,"0,75"\n', "line 2: quality: found '0,75' .decimals have a p"),
        ("method,time,quality\nsgd,1,nan\n", "line 2: quality: found 'nan'"),
        ("method,time,quality\n,1,2\n", "line 2: method: found an empty cell, allowed is a name"),
        ("method,time,quality\n", "found no rows"),
    ],
)
def test_what_is_wrong_is_named_by_file_line_and_column(tmp_path, text, told):
    with pytest.raises(RunFolderError, match=f"runs.csv.*{told}"):
        read_measurements(written(tmp_path, text), COLUMNS)


@pytest.mark.parametrize("name", ["runs.txt", "none.csv", "broken.parquet"])
def test_a_file_that_is_no_table_is_refused(tmp_path, name):
    (tmp_path / "runs.txt").write_text("method,time\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(RunFolderError, match=name):
        read_measurements(tmp_path / name, COLUMNS)
