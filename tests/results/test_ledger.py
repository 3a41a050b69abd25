import json
import math
from datetime import UTC, datetime

import pytest
from synthetic_trials import competition, run_record, workload_rules

from mlgolf.core.errors import RunFolderError
from mlgolf.core.protocols import Reading, Row
from mlgolf.core.records import SubmissionRecord, TrialHeader, VerdictRecord
from mlgolf.core.status import Status
from mlgolf.core.trial_key import TrialKey
from mlgolf.results.run_folder import RunFolder, RunLock, create_run, read_runs, reopen_run
from mlgolf.results.trial_folder import TrialFolder, is_finished, read_trial

KEY = {"submission": "s", "framework": "torch", "workload": "linear", "study": 0, "trial": 1}
HEADER = TrialHeader(key=TrialKey(**KEY), seed=5, hyperparameters={"learning_rate": 0.1})


def row(step: int, loss: float) -> Row:
    return Row(
        step=step, reading=Reading(step / 10, step / 10, step / 5),
        metrics={"validation/loss": loss}, model_sha256="0",
    )


@pytest.fixture
def folder(tmp_path):
    folder = TrialFolder(tmp_path / "trial_1")
    folder.begin(HEADER)
    folder.append(row(10, 0.5))
    folder.append(row(20, math.nan))
    return folder


def test_a_trial_reads_back_as_it_was_written(folder):
    folder.finish(VerdictRecord(status=Status.OUT_OF_TIME, reason="30 s passed"))
    trial = read_trial(folder.path)
    assert trial.key == TrialKey(**KEY)
    assert (trial.status, trial.reason, trial.seed) == (Status.OUT_OF_TIME, "30 s passed", 5)
    assert trial.steps.tolist() == [10, 20]
    assert trial.seconds.tolist() == [1.0, 2.0]
    assert trial.metrics["validation/loss"][0] == 0.5
    assert math.isnan(trial.metrics["validation/loss"][1])


def test_a_trial_without_a_verdict_has_no_status_and_is_not_finished(folder):
    assert read_trial(folder.path).status is None
    assert not is_finished(folder.path)


def test_a_line_torn_by_a_kill_is_dropped(folder):
    with open(folder.path / "evals.jsonl", "a") as file:
        file.write('{"step": 30, "sec')
    assert read_trial(folder.path).steps.tolist() == [10, 20]


def test_a_torn_line_in_a_finished_trial_is_an_error_with_its_place(folder):
    folder.finish(VerdictRecord(status=Status.FINISHED, reason="done"))
    with open(folder.path / "evals.jsonl", "a") as file:
        file.write('{"step": 30, "sec')
    with pytest.raises(RunFolderError, match=r"evals\.jsonl, line 3"):
        read_trial(folder.path)


def test_a_second_attempt_keeps_the_rows_of_the_first_apart(folder):
    folder.begin(HEADER)
    folder.append(row(10, 0.4))
    assert read_trial(folder.path).steps.tolist() == [10]
    kept = (folder.path / "attempt_1" / "evals.jsonl").read_text().splitlines()
    assert len(kept) == 2


@pytest.mark.parametrize("status", [Status.INTERRUPTED, Status.KILLED])
def test_a_trial_that_was_cut_short_is_not_finished(folder, status):
    folder.finish(VerdictRecord(status=status, reason=""))
    assert not is_finished(folder.path)


def test_a_run_is_not_made_over_another(tmp_path):
    create_run(tmp_path / "run", run_record())
    with pytest.raises(RunFolderError, match="--resume"):
        create_run(tmp_path / "run", run_record(seed=2))
    assert RunFolder(tmp_path / "run").record.seed == 1


def test_the_trials_of_a_run_were_received_when_it_was_begun(tmp_path):
    noon = datetime(2030, 1, 31, 12, tzinfo=UTC)
    run, _ = create_run(tmp_path / "run", run_record(begun=noon))
    TrialFolder(run.trial_path(HEADER.key)).begin(HEADER)
    assert [trial.received for trial in RunFolder(run.path).trials()] == [noon]


def test_a_run_is_not_continued_under_other_rules(tmp_path):
    create_run(tmp_path / "run", run_record())
    other = r"another competition: competition\.size: there 'mini', asked for 'full'"
    with pytest.raises(RunFolderError, match=other):
        reopen_run(
            tmp_path / "run", {"competition": competition().model_copy(update={"size": "full"})}
        )


def test_a_run_lets_one_referee_in_until_it_leaves(tmp_path):
    _, lock = create_run(tmp_path / "run", run_record())
    with pytest.raises(RunFolderError, match="another mlgolf is running there"):
        RunFolder(tmp_path / "run").lock()
    lock.release()
    RunFolder(tmp_path / "run").lock().release()


def test_of_two_that_make_a_run_in_one_folder_the_second_writes_nothing(tmp_path):
    (tmp_path / "run").mkdir()
    theirs = RunLock(tmp_path / "run")
    with pytest.raises(RunFolderError, match="another mlgolf is running there"):
        create_run(tmp_path / "run", run_record())
    theirs.release()
    assert list((tmp_path / "run").iterdir()) == []


def test_runs_of_other_rules_are_not_scored_together_and_the_keys_that_differ_are_named(tmp_path):
    for name, target in (("a", 0.1), ("b", 0.2)):
        rules = competition({"ogbg": workload_rules(target=target)})
        create_run(tmp_path / name, run_record(competition=rules))
    with pytest.raises(RunFolderError, match="no common board") as caught:
        read_runs([tmp_path / "a", tmp_path / "b"])
    assert str(caught.value).splitlines()[1:] == [
        "competition.workloads.ogbg.bounds.target: 0.1 in the first, 0.2 in the second"
    ]


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(RunFolderError, match=r"is an empty folder; expected a run"):
        read_runs([tmp_path])


def test_a_file_that_is_given_for_a_run_folder_is_called_a_file(tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(RunFolderError, match="is a file; a run needs a folder"):
        create_run(tmp_path / "empty", run_record())


def test_a_reason_with_bytes_that_are_no_text_is_kept_as_text(folder):
    folder.finish(VerdictRecord(status=Status.CRASHED, reason="no file caf\udce9"))
    assert read_trial(folder.path).reason == "no file caf\\udce9"


def test_a_log_takes_bytes_that_are_no_text(folder):
    folder.log("no file caf\udce9")
    assert folder.log_path.read_text() == "no file caf\\udce9\n"


def test_a_run_of_a_later_schema_is_refused(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"schema_version": 99}))
    with pytest.raises(RunFolderError, match="schema_version is 99"):
        RunFolder(tmp_path)


def test_a_submission_of_a_run_without_a_trial_is_said(tmp_path):
    submissions = {"adam": SubmissionRecord(), "sgd": SubmissionRecord()}
    create_run(tmp_path / "run", run_record(submissions=submissions))
    folder = TrialFolder(tmp_path / "run" / "adam/study_0/linear_torch/trial_1")
    folder.begin(HEADER.model_copy(update={"key": TrialKey(**KEY | {"submission": "adam"})}))
    (said,) = read_runs([tmp_path / "run"]).problems
    assert said.endswith("run: sgd was to be played, and has no trial yet")
