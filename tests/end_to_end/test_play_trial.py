"""Trials that are planned here and played elsewhere, and two workers that want the same one."""

import json
import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest
from conftest import LINEAR

from mlgolf.core.errors import RunFolderError
from mlgolf.core.hardware import load_hardware
from mlgolf.referee.cores import taken_cores
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_lock import held


@pytest.fixture
def planned(mlgolf, tmp_path) -> Path:
    """A run of one trial that has been planned, and not played."""
    run = tmp_path / "here" / "run"
    mlgolf(
        "run", "nesterov", "--competition", LINEAR, "--seed", 3, "--trials", 1, "--out", run,
        "--plan-only",
    )
    return run


def the_plan(run: Path) -> Path:
    (plan,) = run.rglob("plan.json")
    return plan


def test_a_plan_that_was_copied_with_its_data_is_played_there_and_its_result_is_one_of_the_run(
    mlgolf, planned, data_dir, tmp_path
):
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(planned, elsewhere / "run")
    data = json.loads(the_plan(planned).read_text())["data"]
    shutil.copytree(data_dir / data, elsewhere / "data" / data)
    there = the_plan(elsewhere / "run")
    done = mlgolf("play-trial", there, "--data-dir", elsewhere / "data", "--json")
    assert json.loads(done.stdout)["status"] == "TARGET_REACHED"
    shutil.copytree(there.parent, the_plan(planned).parent, dirs_exist_ok=True)
    scored = json.loads(mlgolf("score", planned, "--json").stdout)
    assert scored["leaderboard"][0]["workloads"]["linear"]["outcome"] == "scored"
    common = ["run", "nesterov", "--competition", LINEAR, "--seed", 3, "--trials", 1]
    assert "1 done before" in mlgolf(*common, "--out", planned, "--resume").stderr


def test_a_plan_names_no_folder_of_the_machine_that_made_it(planned, data_dir):
    text = the_plan(planned).read_text()
    assert str(planned.parent) not in text
    assert str(data_dir) not in text


def test_a_dataset_may_be_a_link_in_the_folder_of_data(mlgolf, data_dir, tmp_path):
    shutil.copytree(data_dir / "linear" / "mini" / "prepared", tmp_path / "disk/mini/prepared")
    shutil.copytree(data_dir / "linear" / "mini" / "raw", tmp_path / "disk/mini/raw")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "linear").symlink_to(tmp_path / "disk")
    run = tmp_path / "run"
    mlgolf(
        "run", "nesterov", "--competition", LINEAR, "--trials", 1, "--seed", 3, "--out", run,
        "--data-dir", tmp_path / "data", "--plan-only",
    )
    assert json.loads(the_plan(run).read_text())["data"].startswith("linear/mini/drawn/")
    done = mlgolf("play-trial", the_plan(run), "--data-dir", tmp_path / "data", "--json")
    assert json.loads(done.stdout)["status"] == "TARGET_REACHED"


def test_without_its_data_a_plan_is_not_played_and_says_what_to_copy(mlgolf, planned, tmp_path):
    done = mlgolf("play-trial", the_plan(planned), "--data-dir", tmp_path / "none", expect=2)
    assert "copy linear/mini/drawn/" in done.stderr
    assert not (the_plan(planned).parent / "trial.json").exists()


def test_a_plan_is_played_after_other_runs_of_its_workload_and_its_data_are_removed_at_the_end(
    mlgolf, data_dir, tmp_path
):
    run = tmp_path / "run"
    common = ["run", "nesterov", "--competition", LINEAR, "--trials", 1]
    mlgolf(*common, "--seed", 30, "--out", run, "--plan-only")
    data = data_dir / json.loads(the_plan(run).read_text())["data"]
    mlgolf(*common, "--seed", 30, "--out", run, "--plan-only", expect=2)
    mlgolf(*common, "--seed", 31, "--out", tmp_path / "other", "--plan-only")
    mlgolf("play-trial", the_plan(run))
    assert data.exists()
    mlgolf(*common, "--seed", 30, "--out", run, "--resume")
    assert not list(data.parents[1].glob(f"{data.parent.name}*"))
    assert not data.exists()


def test_a_trial_that_has_ended_is_not_played_again(mlgolf, planned):
    mlgolf("play-trial", the_plan(planned))
    rows = the_plan(planned).with_name("evals.jsonl").stat().st_mtime_ns
    mlgolf("play-trial", the_plan(planned))
    assert the_plan(planned).with_name("evals.jsonl").stat().st_mtime_ns == rows


def test_it_says_how_it_goes_as_a_run_does(mlgolf, planned):
    done = mlgolf("play-trial", the_plan(planned))
    assert "[1/1] ✓ nesterov/study_0/linear_torch/trial_1  TARGET_REACHED" in done.stderr
    again = mlgolf("play-trial", the_plan(planned))
    assert "nesterov/study_0/linear_torch/trial_1 has ended before: TARGET_REACHED" in again.stderr


def test_a_trial_that_shared_its_core_with_another_is_unofficial_and_says_so(mlgolf, planned):
    with ExitStack() as others:
        hardware = load_hardware("one-thread-cpu")
        for _ in os.sched_getaffinity(0):
            others.enter_context(taken_cores(hardware))
        done = mlgolf("play-trial", the_plan(planned))
    assert "unofficial: trials shared the machine" in done.stderr
    (trial,) = RunFolder(planned).trials()
    assert trial.unofficial == "trials shared the machine"


def test_a_trial_that_another_process_plays_is_left_to_it(mlgolf_process, planned):
    with held(the_plan(planned).parent):
        done = mlgolf_process("play-trial", the_plan(planned), expect=2)
    assert "is being played by process" in done.stderr


def test_a_run_passes_over_a_trial_that_another_process_plays_and_says_who(mlgolf, planned):
    with held(the_plan(planned).parent):
        done = mlgolf(
            "run", "nesterov", "--competition", LINEAR, "--seed", 3, "--trials", 1,
            "--out", planned, "--resume", expect=2,
        )
    assert "trial_1 is being played by process" in " ".join(done.stderr.split())
    assert not (the_plan(planned).parent / "trial.json").exists()


def test_a_claim_that_a_killed_process_left_is_taken_over(tmp_path):
    with held(tmp_path):
        left = json.loads((tmp_path / "claim.json").read_text())
    (tmp_path / "claim.json").write_text(json.dumps(left | {"started": left["started"] - 1}))
    with held(tmp_path):
        pass
    assert not (tmp_path / "claim.json").exists()


def test_a_claim_of_another_machine_is_not_taken_over(tmp_path):
    with held(tmp_path):
        ours = json.loads((tmp_path / "claim.json").read_text())
    (tmp_path / "claim.json").write_text(json.dumps(ours | {"host": "node7", "started": 1}))
    with pytest.raises(RunFolderError, match="on node7, since"), held(tmp_path):
        pass


def test_a_run_reads_what_its_plans_wrote(planned, mlgolf):
    mlgolf("play-trial", the_plan(planned))
    (trial,) = RunFolder(planned).trials()
    assert trial.facts.calibration is not None
