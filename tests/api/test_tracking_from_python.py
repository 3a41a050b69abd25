"""Keeping track of runs from Python."""

import pytest
from tracked_runs import written_run

import mlgolf


@pytest.fixture
def runs(tmp_path):
    for name, rate in (("one", 0.1), ("other", 0.2)):
        written_run(tmp_path / name, [{"learning_rate": rate}])
    return tmp_path


def test_a_list_displays_itself_and_has_a_table(runs):
    found = mlgolf.list_runs(runs, trials=True, where=["learning_rate>0.15"])
    assert found.table["hyperparameters.learning_rate"].to_list() == [0.2]
    assert "learning_rate 0.2" in found._repr_html_().replace("<wbr>", "")
    assert "learning_rate 0.2" in repr(found)


def test_a_run_and_a_comparison_display_themselves(runs):
    assert "Made up" in mlgolf.show_run(runs / "one")._repr_html_()
    compared = mlgolf.compare_runs(runs / "one", runs / "other")
    assert compared.comparison.comparable
    assert "comparable" in compared._repr_html_()


def test_runs_are_exchanged_with_trackers(runs, tmp_path):
    done = mlgolf.export_runs(runs, to="mlflow", output=tmp_path / "store")
    assert (done.written, done.kept) == (2, 0)
    found = mlgolf.import_runs(
        tmp_path / "store", tracker="mlflow",
        columns={"quality": "metrics.validation/error_rate"},
    )
    assert found.table["quality"].to_list() == [0.05, 0.05]
    with pytest.raises(mlgolf.MLGolfError, match="unknown tracker 'comet'"):
        mlgolf.import_runs("x", tracker="comet")


def test_an_exchange_store_is_listed_as_what_it_is(runs, tmp_path):
    mlgolf.export_runs(runs, to="tensorboard", output=tmp_path / "events")
    states = {run.found.path.name: run.state for run in mlgolf.list_runs(runs).runs}
    assert states["events"] == "not a run"
