"""mlgolf triage of a submission, an entry and a run, and the section of a run's report."""

import json
import re
from base64 import b64encode
from pathlib import Path
from random import Random

import pytest
from tracked_runs import written_run

import mlgolf as package
from mlgolf.core.records import RunRecord
from mlgolf.referee.freeze import find_submission, fingerprint
from mlgolf.results.record_files import read_record, write_record
from mlgolf.results.run_folder import RunFolder

CODE = """\
import time
TABLE = "{noise}"
def update_params(workload, **_):
    if workload._workload.name == "criteo1tb":
        time.sleep(0)
"""
NOISE = b64encode(Random(1).randbytes(500)).decode()


@pytest.fixture
def mine(tmp_path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "submission.py").write_text(CODE.replace("{noise}", NOISE))
    return folder


@pytest.fixture
def run(tmp_path, mine) -> RunFolder:
    """A run of that code, as the referee leaves it."""
    made = written_run(tmp_path / "run", [{"lr": 0.1}], submission="mine")
    made.code_path("mine").mkdir(parents=True)
    for file in mine.iterdir():
        (made.code_path("mine") / file.name).write_bytes(file.read_bytes())
    record = read_record(made.path / "run.json", RunRecord)
    sha256 = fingerprint(find_submission(str(mine), "torch"))
    own = record.submissions["mine"].model_copy(update={"sha256": sha256})
    write_record(made.path / "run.json", record.model_copy(update={"submissions": {"mine": own}}))
    return made


def told(mlgolf, path) -> dict:
    (one,) = json.loads(mlgolf("triage", path, "--json").stdout)["submissions"]
    return one


def test_triage_of_a_folder_says_what_its_code_does_and_where(mlgolf, mine):
    said = mlgolf("triage", mine).stdout
    assert "Nothing here is a verdict." in said
    assert "reads a clock, or waits:\n  submission.py, line 1: time\n" in said
    assert "submission.py, line 5 (update_params): time.sleep" in said
    assert "submission.py, line 4 (update_params): workload._workload, which is private" in said
    assert "workload criteo1tb: the string 'criteo1tb'" in said


def test_triage_in_json_has_files_imports_and_findings(mlgolf, mine):
    found = told(mlgolf, mine)
    assert found["submission"] == "mine"
    assert found["imports"]["standard"] == ["time"]
    assert found["totals"]["files"] == len(found["files"]) == 1
    assert {"kind": "clock", "file": "submission.py", "lines": [5], "count": 1,
            "within": ["update_params"], "what": "time.sleep", "bits": None} in found["findings"]
    (literal,) = [f for f in found["findings"] if f["kind"] == "literal"]
    assert literal["lines"] == [2]
    assert literal["bits"] > 1_000


def test_triage_runs_none_of_the_code(mlgolf, tmp_path):
    file = tmp_path / "entry.py"
    file.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\ndef play(game): pass\n")
    mlgolf("triage", file)
    assert not (tmp_path / "ran").exists()


def test_triage_of_a_run_reads_the_code_that_was_frozen(mlgolf, run, mine):
    from_run, from_folder = told(mlgolf, run.path), told(mlgolf, mine)
    assert from_run["problem"] == ""
    same = ("submission", "sha256", "files", "imports", "findings", "totals")
    assert {key: from_run[key] for key in same} == {key: from_folder[key] for key in same}


def test_frozen_code_that_was_changed_is_told(mlgolf, run):
    (run.code_path("mine") / "more.py").write_text("x = 1")
    assert "is not the code that was hashed" in told(mlgolf, run.path)["problem"]


def test_frozen_code_that_is_gone_is_told(mlgolf, run):
    (run.code_path("mine") / "submission.py").unlink()
    assert "the frozen code is not complete" in mlgolf("triage", run.path).stdout


def test_an_algorithm_is_looked_over_by_its_name(mlgolf):
    known = told(mlgolf, "nadamw")["imports"]["known"]
    assert known == ["jax", "mlgolf", "numpy", "optax", "torch"]


def test_what_is_no_submission_is_one_message(mlgolf, tmp_path):
    done = mlgolf("triage", tmp_path, expect=2)
    assert done.stderr.startswith(f"mlgolf: {tmp_path}: no submission_torch.py")
    assert "Did you mean nadamw?" in mlgolf("triage", "nadamv", expect=2).stderr


def test_triage_from_python_prints_itself_as_the_command_does(mlgolf, mine):
    looked = package.triage_code(mine)
    assert repr(looked) == mlgolf("triage", mine).stdout.rstrip("\n")


def test_the_report_of_a_run_has_a_section_that_folds(mlgolf, run):
    mlgolf("report", run.path)
    page = (run.path / "report.html").read_text()
    at = page.index("<h2>For hosts and jury</h2>")
    section = page[at : page.index("</section>", at)]
    assert re.search(r"<details><summary><b>mine</b>: \d+ findings</summary>", section)
    assert "time.sleep" in section
    assert "Nothing here is a verdict." in section
    assert "<script" not in section


def test_a_disclosure_is_shown_and_one_that_is_wrong_is_told(mlgolf, mine):
    assert "no disclosure: there is no submission.toml beside it" in mlgolf("triage", mine).stdout
    (mine / "submission.toml").write_text('authors = ["A"]\nnotes = "All by hand."\n')
    said = mlgolf("triage", mine).stdout
    assert "mine discloses: authors A." in said
    assert "notes of its authors: All by hand." in said
    assert told(mlgolf, mine)["disclosure"]["authors"] == ["A"]
    (mine / "submission.toml").write_text("authors = 1\n")
    assert "submission.toml: authors: " in told(mlgolf, mine)["problem"]


@pytest.mark.parametrize("example", ["methods", "recipes", "small_model"])
def test_submissions_that_ship_disclose_what_rules_may_ask_for(example):
    source = find_submission(str(Path(__file__).parents[2] / "examples" / example), "torch")
    assert source.disclosure.missing == []
