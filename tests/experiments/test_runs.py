"""What a run lays out, before any of it is played."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import RunFolderError, SubmissionError
from mlgolf.core.records import VerdictRecord
from mlgolf.core.status import Status
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.runs import open_run
from mlgolf.results.trial_folder import TrialFolder

LINEAR = Path(__file__).parents[1] / "end_to_end" / "linear.toml"


@pytest.mark.parametrize(("points", "distinct"), [("same", 2), ("own", 6)])
def test_studies_share_their_points_only_where_the_rules_say_so(
    tmp_path, data_dir, points, distinct
):
    competition = load_competition(LINEAR)
    tuning = competition.rules.tuning
    external = tuning.external.model_copy(update={"points": points})
    rules = competition.rules.model_copy(
        update={"tuning": tuning.model_copy(update={"external": external})}
    )
    plans = open_run(RunRequest(
        submissions=("nesterov",), competition=competition.model_copy(update={"rules": rules}),
        ruleset="external", trials=2, studies=3, seed=1, data_dir=data_dir, out=tmp_path / "run",
    )).plans  # fmt: skip
    assert len(plans) == 6
    assert len({str(plan.hyperparameters) for plan in plans}) == distinct
    assert len({plan.seed for plan in plans}) == 6


def test_a_run_goes_on_only_under_the_hardware_class_that_it_was_begun_with(tmp_path, data_dir):
    request = RunRequest(
        submissions=("nadamw",), competition=load_competition(LINEAR), trials=1, studies=1,
        seed=1, data_dir=data_dir, out=tmp_path / "run",
    )
    with open_run(request):
        record = json.loads((tmp_path / "run/run.json").read_text())
    record["hardware"]["evaluation_share"] = 0.5
    (tmp_path / "run/run.json").write_text(json.dumps(record))
    with pytest.raises(RunFolderError, match=r"hardware\.evaluation_share: there 0\.5"):
        open_run(replace(request, resume=True))


NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)


def test_a_run_that_goes_on_was_received_when_it_was_begun(tmp_path, data_dir):
    request = RunRequest(
        submissions=("nadamw",), competition=load_competition(LINEAR), trials=1, studies=1,
        seed=1, data_dir=data_dir, out=tmp_path / "run", now=NOON,
    )
    with open_run(request):
        pass
    with open_run(replace(request, resume=True, now=NOON + timedelta(days=1))) as run:
        assert run.folder.record.begun == NOON


def closing(day: date, tmp_path, data_dir, now: datetime) -> RunRequest:
    competition = load_competition(LINEAR).model_copy(update={"closes": day})
    return RunRequest(
        submissions=("nadamw",), competition=competition, trials=1, studies=1, seed=1,
        data_dir=data_dir, out=tmp_path / "run", now=now,
    )


def test_all_trials_of_a_run_after_the_last_day_are_unofficial(tmp_path, data_dir):
    with open_run(closing(date(2030, 1, 30), tmp_path, data_dir, NOON)) as run:
        said = "played after the competition closed on 2030-01-30"
        assert run.folder.record.unofficial == said
        assert {plan.unofficial for plan in run.plans} == {said}


def test_a_run_that_was_begun_in_time_goes_on_as_official_after_the_last_day(tmp_path, data_dir):
    request = closing(date(2030, 1, 31), tmp_path, data_dir, NOON)
    with open_run(request):
        pass
    with open_run(replace(request, resume=True, now=NOON + timedelta(days=1))) as run:
        assert run.folder.record.unofficial == ""


def test_every_reason_why_a_run_is_unofficial_is_recorded(tmp_path, data_dir):
    request = closing(date(2030, 1, 30), tmp_path, data_dir, NOON)
    said = replace(request, sandbox="none", shares_the_machine=True).why_unofficial(NOON)
    reasons = "closed on 2030-01-30; played without a sandbox; trials shared the machine"
    assert said.endswith(reasons)


NEEDS_A_MOMENTUM = """
import torch
from mlgolf.torch import from_optimizer

def build(params, lr=0.1, *, momentum):
    return torch.optim.SGD(params, lr=lr, momentum=momentum)

submission = from_optimizer(build, search_space=[{"momentum": 0.9}])
"""


@pytest.mark.parametrize("ruleset", ["external", "self"])
def test_an_argument_that_only_the_search_space_sets_is_missed_before_a_self_tuning_run(
    tmp_path, data_dir, ruleset
):
    file = tmp_path / "needs_a_momentum.py"
    file.write_text(NEEDS_A_MOMENTUM)
    request = RunRequest(
        submissions=(str(file),), competition=load_competition(LINEAR), ruleset=ruleset,
        trials=1, studies=1, seed=1, data_dir=data_dir, out=tmp_path / "run",
    )  # fmt: skip
    if ruleset == "external":
        assert len(open_run(request).plans) == 1
        return
    with pytest.raises(SubmissionError, match=r"needs_a_momentum.py: build needs a value for mom"):
        open_run(request)
    assert not (tmp_path / "run").exists()


def test_a_run_is_opened_for_playing_by_one_process_at_a_time(tmp_path, data_dir):
    request = RunRequest(
        submissions=("nadamw",), competition=load_competition(LINEAR), trials=1, studies=1,
        seed=1, data_dir=data_dir, out=tmp_path / "run",
    )
    again = replace(request, resume=True)
    with open_run(request), pytest.raises(RunFolderError, match="another mlgolf is running"):
        open_run(again)
    with open_run(again) as run:
        assert len(run.waiting()) == 1


@pytest.mark.parametrize(("ruleset", "budget"), [("external", "30 s"), ("self", "45 s")])
def test_what_the_speed_of_this_machine_means_is_said_of_a_budget_that_is_played(
    tmp_path, data_dir, ruleset, budget
):
    request = RunRequest(
        submissions=("nadamw",), competition=load_competition(LINEAR), trials=1, studies=1,
        ruleset=ruleset, seed=1, data_dir=data_dir, out=tmp_path / "run",
    )
    with open_run(request) as run:
        assert f"; the budget of linear, {budget} there, is " in run.notes[0]


def test_submissions_take_turns_trial_by_trial(tmp_path, data_dir):
    request = RunRequest(
        submissions=("nadamw", "nesterov"), competition=load_competition(LINEAR), trials=2,
        studies=2, seed=1, data_dir=data_dir, out=tmp_path / "run",
    )
    with open_run(request) as run:
        played = [(plan.key.study, plan.key.trial, plan.key.submission) for plan in run.plans]
    assert played == [
        (study, trial, name) for study in (0, 1) for trial in (1, 2)
        for name in ("nadamw", "nesterov")
    ]  # fmt: skip


def test_a_run_that_was_begun_one_submission_after_the_other_goes_on_with_the_rest(
    tmp_path, data_dir
):
    request = RunRequest(
        submissions=("nadamw", "nesterov"), competition=load_competition(LINEAR), trials=2,
        studies=1, seed=1, data_dir=data_dir, out=tmp_path / "run",
    )
    with open_run(request) as run:
        for plan in (plan for plan in run.plans if plan.key.submission == "nadamw"):
            plan.folder.mkdir(parents=True)
            TrialFolder(plan.folder).finish(VerdictRecord(status=Status.FINISHED, reason=""))
    with open_run(replace(request, resume=True)) as again:
        left = [(plan.key.submission, plan.key.trial) for plan in again.waiting()]
    assert left == [("nesterov", 1), ("nesterov", 2)]
