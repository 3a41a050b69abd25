"""`mlgolf progress`, from files to what is printed."""

import json

import pytest

KEYS = {
    "schema_version", "factor", "doubling_months", "interval", "frontier", "flags", "records",
    "decomposition", "effective_compute", "leave_one_out", "regression_interval",
}
ROWS = ("a,2012-06-01,100", "b,2014-01-01,200", "c,2015-01-01,40", "d,2017-01-01,12",
        "e,2018-01-01,30", "f,2019-06-01,3")  # fmt: skip


def table(folder, *rows, head="name,published,flop"):
    path = folder / "entries.csv"
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_the_keys_of_the_json(mlgolf, tmp_path):
    ask = ("--date", "published", "--compute", "flop", "--json")
    found = json.loads(mlgolf("progress", table(tmp_path, *ROWS), *ask).stdout)
    assert found.keys() >= KEYS
    assert found["frontier"] == ["a", "c", "d", "f"]
    assert found["factor"] == pytest.approx(100 / 3)
    low, high = found["interval"]
    assert low < found["doubling_months"] < high


def test_years_are_those_of_the_entries_though_the_first_is_never_beaten(mlgolf, tmp_path):
    rows = [f"e{year},{year}-01-01,{year - 2011}" for year in range(2012, 2017)]
    ask = ("progress", table(tmp_path, *rows), "--date", "published", "--compute", "flop")
    row = next(line for line in mlgolf(*ask).stdout.splitlines() if "all entries" in line)
    assert row.split()[2:5] == ["1.00×", "4", "never"]
    found = json.loads(mlgolf(*ask, "--json").stdout)
    assert found["years_of_entries"] == pytest.approx(4, abs=0.01)


def test_a_parquet_file_is_read_as_a_csv_is(mlgolf, tmp_path):
    import polars as pl

    path = table(tmp_path, *ROWS)
    pl.read_csv(path, try_parse_dates=True).write_parquet(tmp_path / "entries.parquet")
    ask = ("--date", "published", "--compute", "flop", "--json")
    one, other = (
        json.loads(mlgolf("progress", file, *ask).stdout)
        for file in (path, tmp_path / "entries.parquet")
    )
    assert one == other


def test_a_published_table_needs_its_name_alone(mlgolf):
    said = mlgolf("progress", "hernandez_brown", "--target", "alexnet-top5-79.1").stdout
    assert "44.4×" in said
    assert "15.9" in said
    assert "not tuned for the target" in said


def test_the_path_of_a_table_gives_what_its_name_gives(mlgolf):
    from mlgolf.data.tables import published_table

    ask = ("--date", "date_arxiv", "--compute", "flop_1e15", "--task", "alexnet-top5-79.1")
    path = published_table("hernandez_brown")
    found = json.loads(mlgolf("progress", path, *ask, "--json").stdout)
    assert round(found["factor"]) == 44
    assert round(found["doubling_months"]) == 16


def test_several_targets_are_told_together_and_the_first_on_top(mlgolf):
    found = json.loads(mlgolf("progress", "hernandez_brown", "--json").stdout)
    assert len(found["targets"]) == 4
    assert found["factor"] == found["targets"][0]["factor"]


def test_numbers_that_are_not_known_are_null(mlgolf):
    ask = ("--target", "gnmt-bleu-39.92", "--json")
    found = json.loads(mlgolf("progress", "hernandez_brown", *ask).stdout)
    assert found["interval"] == [None, None]


def test_figures_are_written_light_and_dark_with_their_table_and_a_page(mlgolf, tmp_path):
    mlgolf("progress", "hernandez_brown", "-o", tmp_path / "figures")
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == [
        "progress.csv", "progress.html", "progress.png", "progress.svg", "progress_dark.png",
        "progress_dark.svg",
    ]


def test_parts_are_named_or_name_themselves(mlgolf, tmp_path):
    rows = ("a,2015,1000,100,10", "b,2018,20,16,80")
    path = table(tmp_path, *rows, head="name,date,dollars,flop,speed")
    ask = ("--compute", "dollars", "--part", "flop", "--part", "hardware=/speed", "--json")
    (step,) = json.loads(mlgolf("progress", path, *ask).stdout)["decomposition"]
    assert step["parts"] == pytest.approx({"flop": 6.25, "hardware": 8, "rest": 1})


@pytest.mark.parametrize(("rows", "message"), [
    (["a,2015-01-01,10", "b,2015-06-01,5"], "all 2 entries are of 2015"),
    (["a,2015,10", "b,2016,0"], "line 3: compute: found '0', allowed is a number above 0"),
    (["a,2015,10", "b,last year,5"], "line 3: date: found 'last year', allowed is a date as"),
    (["a,2015,10"], "found 1 entry of one date, 2015; progress needs two dates"),
    (["a,2015,"], "found nothing in compute"),
])  # fmt: skip
def test_bad_input_is_one_message(mlgolf, tmp_path, rows, message):
    said = mlgolf("progress", table(tmp_path, *rows, head="name,date,compute"), expect=2).stderr
    assert message in said
    assert "entries.csv" in said
    assert said.count("\n") == 1


def test_mixed_units_are_one_message(mlgolf, tmp_path):
    rows = ("a,2015,10,FLOP", "b,2016,5,PF-days")
    path = table(tmp_path, *rows, head="name,date,compute,unit")
    assert "line 3: unit: found 'PF-days'" in mlgolf("progress", path, expect=2).stderr


def test_columns_that_are_not_there_are_answered_with_those_that_are(mlgolf, tmp_path):
    said = mlgolf("progress", table(tmp_path, *ROWS), expect=2).stderr
    assert "It has name, published, flop. Or say what it is called: --date NAME." in said


def test_within_a_year_a_trend_is_given_if_it_is_asked_for(mlgolf, tmp_path):
    path = table(tmp_path, "a,2015-01-01,10", "b,2015-07-01,5", head="name,date,compute")
    found = json.loads(mlgolf("progress", path, "--within-a-year", "--json").stdout)
    assert found["doubling_months"] == pytest.approx(5.95, abs=0.05)
