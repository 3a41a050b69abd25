import io
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import LINEAR
from pretended import Pretended
from rich.console import Console

from mlgolf.api.live import write_plans
from mlgolf.api.playing import play_in_folder
from mlgolf.core.competition import load_competition
from mlgolf.experiments.ladders import ladder
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.runs import open_run

GAME = Path(__file__).parents[1] / "end_to_end" / "tiny_game" / "competition.toml"


def test_what_is_doubtful_in_the_rules_is_told_before_a_run_and_it_is_played(tmp_path):
    game = tmp_path / "competition.toml"
    game.write_text(GAME.read_text().replace("train_loss_max = 0.7", "train_loss_max = 0.1"))
    for name in ("graph.toml", "data.toml"):
        (tmp_path / name).write_text(GAME.with_name(name).read_text())
    told = []

    def play_it(request):
        told.append("played")
        return []

    play_in_folder(
        ["entry.py"], tmp_path / "run", play_it, competition=str(game), workloads=(),
        resume=False, ruleset=None, trials=None, tell=told.append, framework="torch",
        data_dir=tmp_path,
    )
    assert "No mean is above the worst example" in told[0]
    assert told[1:] == ["played"]


def asked_for(tmp_path, **asked):
    """The request that a call makes, and what it was told."""
    requests, told = [], []

    def play_it(request):
        requests.append(request)
        return []

    play_in_folder(
        ["nadamw"], tmp_path / "run", play_it, competition=str(LINEAR), workloads=(),
        resume=False, tell=told.append, framework="torch", data_dir=tmp_path,
        **{"ruleset": None, "trials": 3, "ladder": (0.5, 1.0), "tune_at": 1.0, **asked},
    )
    return requests[0], told


def test_a_ladder_is_tuned_where_it_is_asked_for(tmp_path):
    request, told = asked_for(tmp_path)
    rows = request.competition.workloads
    assert (rows["linear_x0.5"].tuned_at, rows["linear_x1"].tuned_at) == ("linear_x1", None)
    assert told == []


@pytest.mark.parametrize("alone", [{"trials": 1}, {"ruleset": "self", "trials": None}])
def test_where_a_study_has_one_trial_tuning_at_one_budget_changes_nothing_and_says_so(
    tmp_path, alone
):
    request, told = asked_for(tmp_path, **alone)
    without, _ = asked_for(tmp_path, tune_at=None, **alone)
    assert request.competition == without.competition
    assert told == [
        "--tune-at changes nothing: a study has one trial, so there is nothing to choose"
    ]


def test_what_a_search_chooses_is_planned_once_its_trials_have_ended(tmp_path, data_dir):
    """To be played elsewhere: one submission, three points, at one of two budgets."""
    competition = ladder(load_competition(LINEAR), (0.5, 1.0), tune_at=1.0)
    request = RunRequest(
        submissions=("nadamw",), competition=competition, trials=3, studies=1, seed=1,
        data_dir=data_dir, out=tmp_path / "run",
    )  # fmt: skip
    written, shown = io.StringIO(), []
    console = Console(file=written, width=400)
    write_plans(request, console, shown.append)
    assert len(shown) == 3
    assert "1 further trial can be played once these have ended" in written.getvalue()
    again = replace(request, resume=True)
    with open_run(again) as run:
        for plan in run.plans:
            Pretended()(plan)
    write_plans(again, console, shown.append)
    assert shown[3].endswith("nadamw/study_0/linear_x0.5_torch/trial_1/plan.json")
    assert len(shown) == 4
