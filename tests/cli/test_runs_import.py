"""mlgolf runs import: stores that MLflow itself wrote, tables of both trackers, folders of W&B."""

import json
from pathlib import Path

import polars as pl
import pytest
from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

LOSSES = {"adam": (0.9, 0.5), "sgd": (0.9, 0.75), "failed": (0.9,)}


def filled(client: MlflowClient) -> None:
    """Three runs, one of which failed, and one that was deleted."""
    experiment = client.create_experiment("mine")
    for number, (name, losses) in enumerate([*LOSSES.items(), ("deleted", (0.1,))], start=1):
        start = 10_000 * number
        run = client.create_run(experiment, run_name=name, start_time=start).info.run_id
        client.log_batch(
            run,
            metrics=[Metric("val/loss", v, 10_000, step) for step, v in enumerate(losses)],
            params=[Param("optimizer", name), Param("seed", str(number)), Param("lr", "1e-3")],
        )
        status = "FAILED" if name == "failed" else "FINISHED"
        client.set_terminated(run, status, start + 2500)
        client.set_tag(run, "team", "a")
        if name == "deleted":
            client.delete_run(run)


@pytest.fixture(params=["database", "folder", "file"])
def store(request, tmp_path, monkeypatch) -> Path:
    """Each kind of store, written by MLflow."""
    if request.param == "folder":
        monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        place = tmp_path / "mlruns"
        filled(MlflowClient(tracking_uri=place.as_uri()))
        return place
    place = tmp_path / "mlflow.db"
    filled(MlflowClient(tracking_uri=f"sqlite:///{place}"))
    return place if request.param == "file" else tmp_path


def read(mlgolf, *arguments, out: Path) -> tuple[pl.DataFrame, dict]:
    told = json.loads(mlgolf("runs", "import", *arguments, "-o", out, "--json").stdout)
    return pl.read_csv(out), told


def test_a_store_of_mlflow_is_read_with_its_mapping_said(mlgolf, store, tmp_path):
    table, told = read(mlgolf, store, "--from", "mlflow", out=tmp_path / "t.csv")
    assert table["method"].to_list() == ["adam", "sgd"]
    assert table["quality"].to_list() == [0.5, 0.75]
    assert table["time"].to_list() == [2.5, 2.5]
    assert table["seed"].to_list() == [1, 2]
    assert table["params.lr"].to_list() == [0.001, 0.001]
    assert table["tags.team"].to_list() == ["a", "a"]
    assert told["mapping"] == {
        "method": "params.optimizer", "seed": "params.seed", "time": "duration_s",
        "quality": "metrics.val/loss",
    }
    assert "1 run left out: not finished; --keep-failed keeps them" in told["said"]
    assert "time is duration_s (end_time - start_time, in seconds)" in told["said"]


def test_runs_that_failed_are_kept_without_a_quality_if_asked_for(mlgolf, store, tmp_path):
    table, _ = read(mlgolf, store, "--from", "mlflow", "--keep-failed", out=tmp_path / "t.csv")
    assert table["quality"].to_list() == [0.5, 0.75, None]


def test_reading_a_store_changes_nothing_in_it(mlgolf, store, tmp_path):
    def state() -> dict:
        files = [f for f in sorted(tmp_path.rglob("*")) if f.is_file() and f.suffix != ".csv"]
        return {str(f): f.read_bytes() for f in files}

    before = state()
    read(mlgolf, store, "--from", "mlflow", out=tmp_path / "t.csv")
    assert state() == before


SEARCHED = """\
run_id,status,start_time,end_time,metrics.acc,params.optimizer,tags.mlflow.runName,tags.mlflow.user
r1,FINISHED,2026-11-01 10:00:00.500000+00:00,2026-11-01 10:00:02+00:00,0.5,adam,one,me
r2,FINISHED,2026-11-01 10:00:00+00:00,2026-11-01 10:01:00+00:00,0.6,sgd,two,me
r3,RUNNING,2026-11-01 10:00:00+00:00,,0.6,sgd,three,me
"""
PAGE = """\
Start Time,Duration,Run ID,Name,Source Type,Source Name,User,Status,optimizer,acc
2026-11-01 10:00:00,1.5min,r1,one,LOCAL,t.py,me,FINISHED,adam,0.5
2026-11-01 10:00:00,250ms,r2,two,LOCAL,t.py,me,FAILED,sgd,0.6
"""


def test_a_table_of_mlflows_search_is_read(mlgolf, tmp_path):
    file = tmp_path / "export.csv"
    file.write_text(SEARCHED)
    table, told = read(mlgolf, file, "--from", "mlflow", out=tmp_path / "t.csv")
    assert table["time"].to_list() == [1.5, 60.0]
    assert table["name"].to_list() == ["one", "two"]
    assert "tags.mlflow.user" not in table.columns
    assert told["mapping"]["quality"] == "metrics.acc"


def test_a_table_of_mlflows_page_is_read_once_the_quality_is_named(mlgolf, tmp_path):
    file = tmp_path / "page.csv"
    file.write_text(PAGE)
    asked = ["runs", "import", file, "--from", "mlflow", "-o", tmp_path / "t.csv"]
    assert "which column is quality?" in mlgolf(*asked, expect=2).stderr
    table, told = read(mlgolf, *asked[2:5], "--map", "quality=acc", out=tmp_path / "t.csv")
    assert table.select("method", "time", "quality").rows() == [("adam", 90.0, 0.5)]
    assert any("as the web page rounds it" in line for line in told["said"])


WANDB = """\
"Name","ID","State","Created","Runtime","seed","optimizer","val_loss","_step"
"bold-sun-1","a1","finished","2026-11-01T10:00:00.000Z","120","1","adam","0.5","100"
"calm-sea-2","b2","crashed","2026-11-01T11:00:00.000Z","30","2","adam","0.9","20"
"wild-fox-3","c3","finished","2026-11-01T12:00:00.000Z","240","3","sgd","0.4","100"
"""


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_of_wandbs_page_is_read(mlgolf, tmp_path, ending):
    file = tmp_path / f"runs.{ending}"
    file.write_text(WANDB)
    if ending == "parquet":
        typed = pl.read_csv(WANDB.encode())
        typed.write_parquet(file)
    table, told = read(
        mlgolf, file, "--from", "wandb", "--map", "quality=val_loss", out=tmp_path / "t.csv"
    )
    assert table.select("method", "seed", "time", "quality").rows() == [
        ("adam", 1, 120, 0.5), ("sgd", 3, 240, 0.4)
    ]
    assert "time is Runtime (W&B's own, in seconds)" in told["said"]


@pytest.mark.parametrize("value", ["NaN", "nan", "Infinity", "-inf", ""])
def test_a_quality_that_is_not_finite_is_missing_and_counted(mlgolf, tmp_path, value):
    file = tmp_path / "runs.csv"
    file.write_text(WANDB.replace('"sgd","0.4"', f'"sgd","{value}"'))
    asked = (file, "--from", "wandb", "--map", "quality=val_loss")
    table, told = read(mlgolf, *asked, out=tmp_path / "t.csv")
    assert table["quality"].to_list() == [0.5]
    assert "1 run left out: val_loss is empty, NaN or infinite" in told["said"]
    table, _ = read(mlgolf, *asked, "--keep-failed", out=tmp_path / "all.csv")
    assert table["quality"].to_list() == [0.5, None, None]


@pytest.fixture
def wandb_folder(tmp_path) -> Path:
    """As a run leaves it, two of them."""
    for number, name in enumerate(("adam", "sgd"), start=1):
        files = tmp_path / "wandb" / f"run-20261101_1000-{number}" / "files"
        files.mkdir(parents=True)
        summary = {"loss": 1 / number, "_step": 9, "_runtime": 33.0, "_wandb": {"runtime": 30}}
        (files / "wandb-summary.json").write_text(json.dumps(summary))
        (files / "config.yaml").write_text(
            f"_wandb:\n  value: {{}}\noptimizer:\n  desc: null\n  value: {name}\n"
            f"loss:\n  value: cross_entropy\nseed:\n  value: {number}\n"
        )
    return tmp_path / "wandb"


def test_the_folder_of_wandb_is_read_with_configurations(mlgolf, wandb_folder, tmp_path):
    table, told = read(mlgolf, wandb_folder, "--from", "wandb", out=tmp_path / "t.csv")
    assert table.select("method", "seed", "time", "quality").rows() == [
        ("adam", 1, 30, 1.0), ("sgd", 2, 30, 0.5)
    ]
    assert table["config.loss"].to_list() == ["cross_entropy"] * 2
    assert told["mapping"]["quality"] == "loss"


def test_summaries_of_wandb_may_be_given_one_by_one(mlgolf, wandb_folder, tmp_path):
    files = sorted(wandb_folder.rglob("wandb-summary.json"))
    table, _ = read(mlgolf, *files, "--from", "wandb", out=tmp_path / "t.csv")
    assert len(table) == 2


HISTORY = [
    {"_step": 0, "_runtime": 1.5, "loss": 2.0}, {"_step": 1, "_runtime": 3.5, "acc": 0.5},
    {"_step": 2, "_runtime": 5.5, "loss": 1.0},
]


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_a_history_of_wandb_is_one_run_with_its_last_values(mlgolf, tmp_path, ending):
    file = tmp_path / f"wandb-history.{ending}"
    if ending == "jsonl":
        file.write_text("\n".join(map(json.dumps, HISTORY)))
    elif ending == "csv":
        pl.DataFrame(HISTORY).write_csv(file)
    else:
        pl.DataFrame(HISTORY).write_parquet(file)
    asked = ("--from", "wandb", "--map", "quality=loss", "--map", "steps=_step")
    table, _ = read(mlgolf, file, *asked, out=tmp_path / "t.csv")
    assert table.select("method", "time", "quality", "steps", "acc").rows() == [
        ("wandb-history", 5.5, 1.0, 2, 0.5)
    ]


def test_what_was_imported_is_read_by_curve_and_tuning(mlgolf, tmp_path):
    rows = ["Name,State,Runtime,seed,method,acc"]
    rows += [
        f"r{n},finished,{60 * budget},{seed},{method},{quality + 0.01 * budget}"
        for n, (method, quality) in enumerate((("base", 0.5), ("mine", 0.6)))
        for budget in (1, 2, 4) for seed in (1, 2)
    ]
    file, out = tmp_path / "runs.csv", tmp_path / "t.csv"
    file.write_text("\n".join(rows) + "\n")
    mlgolf("runs", "import", file, "--from", "wandb", "--map", "quality=acc", "-o", out)
    found = json.loads(mlgolf("curve", out, "--baseline", "base", "--json").stdout)
    assert {point["method"] for point in found["points"]} == {"mine"}
    assert json.loads(mlgolf("tuning", out, "--json").stdout)


def test_what_was_imported_is_read_as_runs_of_a_scaling_law(mlgolf, tmp_path):
    from mlgolf.analysis.scaling.table import Columns, read_runs

    file, out = tmp_path / "runs.csv", tmp_path / "t.csv"
    file.write_text("Name,Runtime,n,d,val\na,1,1e6,1e8,3.5\nb,2,2e6,2e8,3.25\n")
    names = ("params=n", "tokens=d", "loss=val")
    asked = [word for name in names for word in ("--map", name)]
    mlgolf("runs", "import", file, "--from", "wandb", *asked, "-o", out)
    assert read_runs(out, Columns()).runs.loss.tolist() == [3.5, 3.25]


def test_what_was_exported_can_be_imported(mlgolf, tmp_path):
    from tracked_runs import written_run

    written_run(tmp_path / "runs" / "a", [{"lr": 0.1}, {"lr": 0.2}])
    mlgolf("runs", "export", tmp_path / "runs", "--to", "mlflow", "-o", tmp_path / "store")
    table, _ = read(
        mlgolf, tmp_path / "store", "--from", "mlflow", "--map",
        "quality=metrics.validation/error_rate", out=tmp_path / "t.csv",
    )
    assert table.select("method", "quality", "params.lr").sort("params.lr").rows() == [
        ("adamw", 0.05, 0.1), ("adamw", 0.05, 0.2)
    ]


@pytest.mark.parametrize(
    ("name", "content", "tracker", "expected"),
    [
        ("x.csv", "a,b\n1,2\n", "mlflow", "a table of MLflow has run_id"),
        ("x.csv", "a,b\n1,2\n", "wandb", "has Name or ID"),
        ("x.txt", "nothing", "mlflow", "expected a store of MLflow"),
        ("x.txt", "nothing", "wandb", "found .txt, allowed: .csv or .parquet"),
        ("x.json", "{", "wandb", "x.json: not JSON"),
        ("x.json", "[1]", "wandb", "found a list, expected keys and values"),
        ("x.jsonl", "\n", "wandb", "found no steps"),
        ("x.csv", "", "wandb", "x.csv"),
        ("x.csv", "Name,Runtime,acc\n", "wandb", "found no runs in it"),
        ("x.csv", "Name,acc\na,1\n", "wandb", "which column is time?"),
        ("x.csv", "Name,State,Runtime,acc\na,failed,1,2\n", "wandb", "which column is quality?"),
    ],
)
def test_a_file_of_another_kind_is_named_with_what_is_expected(
    mlgolf, tmp_path, name, content, tracker, expected
):
    file = tmp_path / name
    file.write_text(content)
    out = tmp_path / "out.csv"
    said = mlgolf("runs", "import", file, "--from", tracker, "-o", out, expect=2).stderr
    assert expected in said
    assert "Traceback" not in said
    assert not out.exists()


def test_a_damaged_database_or_folder_is_named(mlgolf, tmp_path):
    database = tmp_path / "mlflow.db"
    database.write_bytes(b"SQLite format 3\x00" + bytes(200))
    (tmp_path / "empty").mkdir()
    for place in (database, tmp_path / "empty", tmp_path / "nothing"):
        said = mlgolf(
            "runs", "import", place, "--from", "mlflow", "-o", tmp_path / "t.csv", expect=2
        ).stderr
        assert str(place) in said


def test_a_column_that_is_not_there_is_answered_with_the_nearest(mlgolf, tmp_path):
    file = tmp_path / "runs.csv"
    file.write_text(WANDB)
    said = mlgolf(
        "runs", "import", file, "--from", "wandb", "--map", "quality=val_los", "-o",
        tmp_path / "t.csv", expect=2,
    ).stderr
    assert "Did you mean val_loss?" in said
