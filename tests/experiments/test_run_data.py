"""Which data a run is played on, and what its ledger tells of them, and when."""

import json
import os
from pathlib import Path

import pytest

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import DataError, RunFolderError
from mlgolf.data import held_out
from mlgolf.engines.local import OneAtATime
from mlgolf.experiments.replay import replay_trial
from mlgolf.experiments.run_data import new_data
from mlgolf.experiments.runs import Run, RunRequest, open_run, play_run
from mlgolf.referee.trial import play_trial

LINEAR = Path(__file__).parents[1] / "end_to_end" / "linear.toml"


def opened(out: Path, data_dir: Path, **more) -> Run:
    request = RunRequest(
        submissions=("nadamw",), competition=load_competition(LINEAR), ruleset="self", studies=1,
        data_dir=data_dir, out=out, **more,
    )
    return open_run(request)


def play(run: Run) -> dict:
    """The first trial's header, after the run has been played."""
    ended = []
    play_run(run, OneAtATime(), play_trial, ended.append)
    return ended[0].facts


def test_two_runs_have_two_draws(tmp_path, data_dir):
    one, other = (opened(tmp_path / name, data_dir) for name in ("one", "other"))
    assert one.data.draw != other.data.draw
    for run in (one, other):
        run.data.discard()


def test_the_draw_is_shown_once_the_run_has_ended_and_not_before(tmp_path, data_dir):
    run = opened(tmp_path / "run", data_dir)
    assert not (tmp_path / "run" / "held_out.json").exists()
    assert f"{run.data.draw:x}" not in (tmp_path / "run" / "run.json").read_text()
    folder = run.data.folder("linear")
    facts = play(run)
    assert facts.held_out == "secret"
    assert json.loads((tmp_path / "run" / "held_out.json").read_text()) == {
        "draw": f"{run.data.draw:x}"
    }
    assert not folder.exists()


def test_a_draw_that_an_earlier_run_has_shown_is_for_practice(tmp_path, data_dir):
    kinds = []
    for name in ("first", "second"):
        kinds.append(play(opened(tmp_path / name, data_dir, seed=20240501)).held_out)
    assert kinds == ["secret", "practice"]


def test_the_published_data_are_for_practice(tmp_path, data_dir):
    run = opened(tmp_path / "run", data_dir, practice=True)
    assert play(run).held_out == "practice"
    assert not (tmp_path / "run" / "held_out.json").exists()


def test_a_request_that_is_refused_removes_no_data_that_it_has_not_made(tmp_path, data_dir):
    begun = opened(tmp_path / "run", data_dir, seed=20240502)
    begun.lock.release()
    while held_out._used:  # as of another process, which has ended since
        os.close(held_out._used.popitem()[1])
    with pytest.raises(RunFolderError, match="holds a run"):
        opened(tmp_path / "run", data_dir, seed=20240502)
    assert begun.data.folder("linear").exists()
    begun.data.discard()


def test_a_request_that_is_refused_removes_the_data_that_it_has_made(tmp_path, data_dir):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "note.txt").touch()
    with pytest.raises(RunFolderError, match="is not empty and holds no run"):
        opened(tmp_path / "run", data_dir, seed=20240503)
    held_out_of_it = new_data(
        load_competition(LINEAR), data_dir, seed=20240503, practice=False
    )
    assert held_out_of_it.made() == set()


def test_a_run_that_was_killed_while_it_was_made_can_be_made_there(tmp_path, data_dir):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".run.json.tmp").write_text('{"schema')
    made = opened(tmp_path / "run", data_dir)
    made.data.discard()
    assert not list((tmp_path / "run").glob(".*"))


def test_a_run_that_was_cut_short_goes_on_with_the_draw_it_began_with(tmp_path, data_dir):
    begun = opened(tmp_path / "run", data_dir)
    begun.data.discard()
    begun.lock.release()
    resumed = opened(tmp_path / "run", data_dir, resume=True)
    assert resumed.data == begun.data
    assert [p.data_sha256 for p in resumed.plans] == [p.data_sha256 for p in begun.plans]


def test_a_run_that_has_ended_is_replayed_with_the_draw_that_it_shows(
    tmp_path, data_dir, tmp_path_factory
):
    play(opened(tmp_path / "run", data_dir))
    (trial,) = (tmp_path / "run").glob("*/study_*/*/trial_*")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert replay_trial(trial, elsewhere).differences == ()
    assert not list(elsewhere.glob("*/*/drawn/*/prepared"))


def test_a_run_that_goes_on_elsewhere_cannot_be_replayed_here(
    tmp_path, data_dir, tmp_path_factory
):
    opened(tmp_path / "run", data_dir).data.discard()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for _ in range(2):
        with pytest.raises(DataError, match="drawn on another machine"):
            opened(tmp_path / "run", elsewhere, resume=True)
        held_out.draw_of(elsewhere, "a run of its own")  # from now on it has a key, too
