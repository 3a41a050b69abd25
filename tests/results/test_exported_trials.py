"""What was exported is read back by the trackers' own libraries."""

import builtins
from collections import Counter
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tracked_runs import DAY, written_run

from mlgolf.core.status import Status

POINTS = [{"learning_rate": 0.1, "schedule": "cosine"}, {"learning_rate": 0.2}, {"deep": [1, 2]}]
ERRORS = [(0.5, 0.25), (0.5, float("nan"), 0.05), (0.75,)]


@pytest.fixture
def runs(tmp_path) -> Path:
    """Two runs; of the second one trial has not ended."""
    folder = tmp_path / "runs"
    written_run(folder / "first", POINTS, values=ERRORS, joules=2.0)
    written_run(folder / "second", POINTS[:2], status=Status.CRASHED, ended=1, begun=None)
    return folder


def exported(mlgolf, runs: Path, to: str) -> tuple[Path, str]:
    place = runs.parent / to
    return place, mlgolf("runs", "export", runs, "--to", to, "-o", place).stdout


def store_of(place: Path) -> MlflowClient:
    return MlflowClient(tracking_uri=f"sqlite:///{place / 'mlflow.db'}")


def runs_in(client: MlflowClient, experiment: str) -> dict:
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    return {run.info.run_name: run for run in client.search_runs([found.experiment_id])}


KEY = "adamw/study_0/digits_torch/trial_{}"


def test_mlflow_reads_every_trial_with_its_parameters_and_facts(mlgolf, runs):
    place, said = exported(mlgolf, runs, "mlflow")
    assert "4 trials written" in said
    assert "1 trial left out: not ended" in said
    client = store_of(place)
    found = runs_in(client, "first")
    assert set(found) == {KEY.format(number) for number in (1, 2, 3)}
    first = found[KEY.format(1)]
    assert first.data.params["learning_rate"] == "0.1"
    assert first.data.params["schedule"] == "cosine"
    assert first.data.params["workload"] == "digits"
    assert found[KEY.format(3)].data.params["deep"] == "[1, 2]"
    assert first.data.tags["mlgolf.status"] == "FINISHED"
    assert first.data.tags["mlgolf.versions.torch"] == "2.13.0"
    assert first.info.status == "FINISHED"
    assert first.info.start_time == 1e3 * DAY.timestamp()
    assert first.info.end_time - first.info.start_time == 4000
    (crashed,) = runs_in(client, "second").values()
    assert crashed.info.status == "FAILED"


def test_mlflow_reads_every_value_at_its_step(mlgolf, runs):
    client = store_of(exported(mlgolf, runs, "mlflow")[0])
    run = runs_in(client, "first")[KEY.format(2)].info.run_id

    def history(name: str) -> list[tuple[int, float]]:
        return [(m.step, m.value) for m in client.get_metric_history(run, name)]

    assert history("validation/error_rate") == [(100, 0.5), (300, 0.05)]  # NaN is no measurement
    assert history("seconds") == [(100, 1.0), (200, 2.0), (300, 3.0)]
    assert history("joules") == [(100, 2.0), (200, 4.0), (300, 6.0)]


def test_mlflow_gets_nothing_twice(mlgolf, runs):
    exported(mlgolf, runs, "mlflow")
    place, said = exported(mlgolf, runs, "mlflow")
    assert "0 trials written, 4 trials there before" in said
    assert len(runs_in(store_of(place), "first")) == 3


def test_mlflow_writes_nothing_where_the_command_is_called(mlgolf, runs, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    exported(mlgolf, runs, "mlflow")
    assert [*here.iterdir()] == []


def test_tensorboard_reads_every_value_at_its_step(mlgolf, runs):
    place, said = exported(mlgolf, runs, "tensorboard")
    assert "4 trials written" in said
    events = EventAccumulator(str(place / "first" / KEY.format(2)))
    events.Reload()
    found = events.Scalars("validation/error_rate")
    assert [(event.step, event.value) for event in found] == [
        (100, 0.5), (300, pytest.approx(0.05))
    ]
    assert found[0].wall_time == DAY.timestamp() + 2
    assert "joules" in events.Tags()["scalars"]


def test_tensorboard_reads_hyperparameters(mlgolf, runs):
    place, _ = exported(mlgolf, runs, "tensorboard")
    events = EventAccumulator(str(place / "first" / KEY.format(1)))
    events.Reload()
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    told = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert told["learning_rate"].number_value == 0.1
    assert told["schedule"].string_value == "cosine"


def test_tensorboard_gets_nothing_twice(mlgolf, runs):
    exported(mlgolf, runs, "tensorboard")
    place, said = exported(mlgolf, runs, "tensorboard")
    assert "0 trials written, 4 trials there before" in said
    files = Counter(file.parent for file in place.rglob("events.out.tfevents.*"))
    assert set(files.values()) == {1}


def test_runs_of_one_name_stay_apart(mlgolf, tmp_path):
    for folder in ("one", "other"):
        written_run(tmp_path / folder / "run", POINTS[:1])
    place = tmp_path / "out"
    said = mlgolf(
        "runs", "export", tmp_path / "one", tmp_path / "other", "--to", "tensorboard", "-o", place
    ).stdout
    assert "2 trials written" in said


@pytest.mark.parametrize("library", ["mlflow", "tensorboard"])
def test_without_the_library_its_extra_is_named(mlgolf, runs, monkeypatch, library):
    found = builtins.__import__

    def without(name, *rest, **more):
        if name.partition(".")[0] == library:
            raise ImportError(name)
        return found(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    said = mlgolf("runs", "export", runs, "--to", library, "-o", runs / "x", expect=2).stderr
    assert f"pip install 'mlgolf[{library}]'" in said


def test_a_store_that_mlflow_cannot_read_is_named(mlgolf, runs):
    place = runs.parent / "mlflow"
    place.mkdir()
    (place / "mlflow.db").write_text("not a database, and long enough not to be empty")
    said = mlgolf("runs", "export", runs, "--to", "mlflow", "-o", place, expect=2).stderr
    assert "mlflow.db: MLflow says:" in said
    assert "Traceback" not in said


def test_a_folder_without_a_trial_that_ended_is_named(mlgolf, tmp_path):
    (tmp_path / "empty").mkdir()
    said = mlgolf(
        "runs", "export", tmp_path, "--to", "mlflow", "-o", tmp_path / "x", expect=2
    ).stderr
    assert "found no trial that has ended" in said
