"""What contestants look up in what they are handed, from a trial to triage and report."""

import json

from conftest import LINEAR
from tiny_games import GAME, HONEST


def access(mlgolf, run) -> dict:
    (one,) = json.loads(mlgolf("triage", run, "--json").stdout)["submissions"]
    return one["touched"]


def test_look_ups_of_a_submission_are_counted_and_shown_as_no_evidence(mlgolf, tmp_path, adamw):
    run = tmp_path / "run"
    mlgolf("run", adamw, "--competition", LINEAR, "--trials", 1, "--out", run)
    found = access(mlgolf, run)
    assert found["told_by"] == "the contestant's own process: no evidence"
    assert found["trials"] == 1
    assert found["members"]["model_fn"] >= 100
    assert "num_validation_examples" not in found["members"]  # that is the harness's own
    assert "which is no evidence: " in mlgolf("triage", run).stdout
    mlgolf("report", run)
    assert "which is no evidence: " in (run / "report.html").read_text()


def test_look_ups_of_an_entry_are_those_of_its_game(mlgolf, tmp_path):
    run = tmp_path / "run"
    mlgolf("run", HONEST, "--competition", GAME, "--studies", 1, "--out", run)
    found = access(mlgolf, run)
    assert {"train", "submit"} <= found["members"].keys()
    assert "batches" not in found["members"]
