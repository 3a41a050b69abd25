"""Rulings of a jury in commands that compare runs and are no boards."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from tracked_runs import DAY, written_run
from written_rulings import write

POINTS = [{"learning_rate": rate} for rate in (0.1, 0.2, 0.3)]
ERRORS = [(0.9, 0.5, 0.05), (0.5, 0.05, 0.04), (0.3, 0.2, 0.2)]
TRIAL = "study_0/digits_torch/trial_2"


@pytest.fixture
def runs(tmp_path) -> list[Path]:
    """Of three submissions, a month apart."""
    for month, name in enumerate(["mine", "other", "third"]):
        written_run(
            tmp_path / f"run_of_{name}", POINTS, submission=name, code="abe"[month],
            begun=DAY + timedelta(days=30 * month), values=ERRORS,
        )
    return sorted(tmp_path.glob("run_of_*"))


@pytest.fixture
def rulings(tmp_path) -> Path:
    write(tmp_path / "rulings", "R1")
    return tmp_path / "rulings"


@pytest.fixture
def said(rulings) -> str:
    """What is to be read of `mine`."""
    return (
        "mine left out: disqualified by ruling R1: weights were brought along "
        f"({rulings / 'R1.toml'})"
    )


def asked(mlgolf, *arguments) -> dict:
    return json.loads(mlgolf(*arguments, "--json").stdout)


def test_tuning_curves_are_without_who_is_disqualified(mlgolf, runs, rulings, said):
    found = asked(mlgolf, "tuning", *runs, "--rulings", rulings)
    assert said in found["notes"]
    assert '"mine"' not in json.dumps({**found, "notes": []})


def test_a_method_that_is_disqualified_is_told_when_it_is_asked_for(mlgolf, runs, rulings, said):
    done = mlgolf("tuning", *runs, "--method", "mine", "--rulings", rulings, expect=2)
    assert f"--method mine: {said}" in done.stderr


def test_progress_is_without_who_is_disqualified(mlgolf, runs, rulings, said):
    found = asked(mlgolf, "progress", *runs, "--compute", "time", "--rulings", rulings)
    assert f"{runs[0]}: {said}" in found["notes"]
    assert {row["name"] for row in found["records"]} <= {"other", "third"}


@pytest.mark.parametrize("command", ["curve", "fit", "ablate"])
def test_where_a_ruling_leaves_too_little_it_is_told(mlgolf, runs, rulings, said, command):
    assert said in mlgolf(command, runs[0], "--rulings", rulings, expect=2).stderr


def test_an_ablation_is_without_a_trial_that_is_disqualified(mlgolf, tmp_path):
    for name, code in (("none", "a"), ("ema", "b")):
        written_run(tmp_path / name, POINTS, submission=name, code=code, values=ERRORS)
    file = write(tmp_path / "rulings", "R1", subject=f'submission = "ema"\ntrial = "{TRIAL}"')
    paths = tmp_path / "none", tmp_path / "ema"
    before = asked(mlgolf, "ablate", *paths)
    after = asked(mlgolf, "ablate", *paths, "--rulings", file.parent)
    assert any(f"ema, {TRIAL} left out: disqualified" in note for note in after["notes"])
    assert after["effects"][0]["estimate"] < before["effects"][0]["estimate"]


@pytest.mark.parametrize("command", ["curve", "tuning", "progress", "fit", "ablate"])
def test_rulings_are_for_runs_and_not_for_tables(mlgolf, tmp_path, rulings, command):
    table = tmp_path / "table.csv"
    table.write_text("method,time,quality\na,1,0.6\na,2,0.7\n")
    done = mlgolf(command, table, "--rulings", rulings, expect=2)
    assert f"{table}: --rulings is for runs" in done.stderr


def test_a_list_of_runs_has_no_trial_of_who_is_disqualified(mlgolf, runs, rulings):
    found = asked(mlgolf, "runs", "list", *runs, "--rulings", rulings)
    trials = {Path(row["run"]).name: row["trials"] for row in found["runs"]}
    assert trials == {"run_of_mine": 0, "run_of_other": 3, "run_of_third": 3}
    (stone,) = found["disqualified"]
    assert (stone["submission"], stone["file"]) == ("mine", str(rulings / "R1.toml"))


def test_a_run_is_complete_whatever_was_ruled_on_it(mlgolf, runs, rulings):
    found = asked(mlgolf, "runs", "list", runs[0], "--rulings", rulings)
    assert found["runs"][0]["state"] == "complete"


def test_who_asks_for_the_disqualified_alone_is_told_why_there_is_none(
    mlgolf, runs, rulings, said
):
    words = ("runs", "list", runs[0], "--submission", "mine", "--rulings", rulings)
    assert said in " ".join(mlgolf(*words).stdout.split())
    assert asked(mlgolf, *words, "--trials")["trials"] == []


def test_a_comparison_of_runs_is_without_who_is_disqualified(mlgolf, runs, tmp_path, said):
    write(tmp_path / "rulings", "R2", subject=f'submission = "other"\ntrial = "{TRIAL}"')
    found = asked(mlgolf, "runs", "compare", *runs[1:], "--rulings", tmp_path / "rulings")
    (row,) = [row for row in found["results"] if row["submission"] == "other"]
    assert row["reached"][0] == 1
    assert any(f"other, {TRIAL} left out: disqualified" in note for note in found["notes"])


def test_nothing_is_compared_with_a_run_of_which_a_jury_left_nothing(mlgolf, runs, rulings, said):
    done = mlgolf("runs", "compare", *runs[:2], "--rulings", rulings, expect=2)
    assert f"{runs[0]}: nothing is left to compare: {said}" in done.stderr


def test_a_run_that_is_shown_says_who_is_disqualified(mlgolf, runs, rulings):
    found = asked(mlgolf, "runs", "show", runs[0], "--rulings", rulings)
    assert found["trials"] == []
    assert [stone["ruling"] for stone in found["disqualified"]] == ["R1"]


def test_a_disqualified_trial_is_shown_to_who_asks_for_it(mlgolf, runs, rulings, said):
    words = ("runs", "show", runs[0] / "mine" / TRIAL, "--rulings", rulings)
    shown = " ".join(mlgolf(*words).stdout.split())
    assert "0.04" in shown
    assert said in shown
