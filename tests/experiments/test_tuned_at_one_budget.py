"""A ladder whose points are searched at one budget: what is planned, when, and with which points.

Nothing is trained: a trial reaches a loss that depends on its point and budget.
"""

from dataclasses import replace

import pytest
from conftest import LINEAR
from pretended import AllAtOnce, Pretended, Stopped

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import RunFolderError
from mlgolf.core.status import Status
from mlgolf.engines.local import OneAtATime
from mlgolf.experiments.ladders import ladder
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.runs import Run, open_run, play_run

SHORT, MIDDLE, LONG = "linear_x0.5", "linear_x1", "linear_x2"
FACTORS = (0.5, 1.0, 2.0)


@pytest.fixture
def request_(tmp_path, data_dir) -> RunRequest:
    return RunRequest(
        submissions=("nadamw", "nesterov"),
        competition=ladder(load_competition(LINEAR), FACTORS, tune_at=1.0),
        trials=3, studies=2, seed=1, data_dir=data_dir, out=tmp_path / "run",
    )  # fmt: skip


EVERYBODY = [(name, study) for name in ("nadamw", "nesterov") for study in (0, 1)]


def assert_whole(played: Pretended) -> None:
    """Every study has tried all points at the middle budget, and trained its best at the others."""
    assert played.places(MIDDLE) == [(*who, trial) for who in EVERYBODY for trial in (1, 2, 3)]
    for row in (SHORT, LONG):
        assert played.places(row) == [(*who, 1) for who in EVERYBODY]
        for name, study in EVERYBODY:
            best = played.points(MIDDLE, name, study)[-1]
            assert played.points(row, name, study) == [best]


@pytest.mark.parametrize("engine", [OneAtATime(), AllAtOnce()])
def test_all_points_are_tried_at_one_budget_and_the_best_one_alone_at_the_others(
    request_, engine
):
    play = Pretended()
    with open_run(request_) as run:
        play_run(run, engine, play)
        assert run.waiting() == []
        assert run.to_come() == {}
    assert_whole(play)


def test_one_trial_at_a_time_ends_a_study_before_the_next_begins(request_):
    play = Pretended()
    with open_run(request_) as run:
        play_run(run, OneAtATime(), play)
    studies = [plan.key.study for plan in play.played]
    assert studies == sorted(studies)


@pytest.mark.parametrize("ended", [0, 4, 7, 13])
def test_a_run_that_was_stopped_anywhere_goes_on_to_the_same_trials(request_, ended):
    first, second = Pretended(stop_after=ended), Pretended()
    with open_run(request_) as run, pytest.raises(Stopped):
        play_run(run, OneAtATime(), first)
    with open_run(replace(request_, resume=True)) as run:
        play_run(run, OneAtATime(), second)
    second.played = first.played + second.played
    assert_whole(second)


def test_a_search_that_has_ended_is_read_once(request_):
    with open_run(request_) as run:
        play_run(run, OneAtATime(), Pretended())
        points = run.planned.points
        before = points.of("nadamw", LONG, 0)
        (run.folder.trial_path(points.key("nadamw", MIDDLE, 0, 1)) / "trial.json").unlink()
        assert points.of("nadamw", LONG, 0) == before


def test_a_run_does_not_go_on_tuned_at_another_budget(request_):
    with open_run(request_):
        pass
    other = ladder(load_competition(LINEAR), FACTORS, tune_at=2.0)
    with pytest.raises(RunFolderError, match="begun with another competition"):
        open_run(replace(request_, competition=other, resume=True))


def test_where_no_trial_of_a_search_ended_as_planned_nothing_else_is_played(request_):
    play = Pretended(Status.OUT_OF_TIME)
    with open_run(request_) as run:
        play_run(run, OneAtATime(), play)
        assert run.waiting() == []
        said = [*run.planned.without_a_point()]
    assert len(play.played) == 12
    assert said[0] == (
        "nadamw/study_0: no trial ended as planned at linear_x1, so it has no point to train at "
        "its other budgets"
    )
    assert len(said) == 4


def test_trials_to_come_are_counted_before_their_points_are_known(request_):
    with open_run(request_) as run:
        assert len(run.plans) == 12
        assert len(run.to_come()) == 8
        assert set(run.to_come().values()) == {
            plan.budget_seconds * factor for plan in run.plans[:1] for factor in (0.5, 2.0)
        }


def test_a_run_says_where_it_is_tuned_and_records_it(request_):
    with open_run(request_) as run:
        assert any("points are searched at linear_x1 alone" in note for note in run.notes)
        rows = run.folder.competition.workloads
    assert {name: row.tuned_at for name, row in rows.items()} == {
        SHORT: MIDDLE, MIDDLE: None, LONG: MIDDLE,
    }  # fmt: skip


def test_a_submission_with_one_point_is_told_that_nothing_is_chosen(request_, tmp_path):
    file = tmp_path / "one_point.py"
    file.write_text(
        "import torch\nfrom mlgolf.torch import from_optimizer\n"
        "space = [{'learning_rate': 1e-3}]\n"
        "submission = from_optimizer(torch.optim.AdamW, search_space=space)\n"
    )
    play = Pretended()
    with open_run(replace(request_, submissions=(str(file),))) as run:
        said = "one_point: there is one point, so --tune-at chooses nothing"
        assert said in run.notes
        play_run(run, OneAtATime(), play)
    assert len(play.played) == 6  # two studies at three budgets


def points_of(run: Run, row: str) -> list[str]:
    return [str(plan.hyperparameters) for plan in run.plans if plan.key.workload == row]


def test_without_it_all_budgets_of_a_ladder_try_the_same_points(request_):
    competition = ladder(load_competition(LINEAR), FACTORS)
    with open_run(replace(request_, competition=competition)) as run:
        assert points_of(run, SHORT) == points_of(run, MIDDLE) == points_of(run, LONG)
        assert len({*points_of(run, SHORT)}) == 9  # nesterov lists its three
