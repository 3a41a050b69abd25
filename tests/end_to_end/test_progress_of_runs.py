"""The history of a competition's record, of runs that are played here and dated otherwise."""

import json
from pathlib import Path

import pytest

LINEAR = Path(__file__).with_name("linear.toml")
CODE = """\
import torch
from mlgolf.torch import from_optimizer
submission = from_optimizer(torch.optim.AdamW, search_space=[{{"learning_rate": {rate}}}])
"""
SUBMISSIONS = {"slow": (0.004, 2024), "fast": (0.02, 2025), "middling": (0.005, 2026)}


@pytest.fixture(scope="module")
def play(mlgolf, tmp_path_factory):
    """Plays the submissions by these rules, a run each, and dates the runs."""

    def run_all(rules: str) -> list[Path]:
        folder = tmp_path_factory.mktemp("runs")
        (folder / "rules.toml").write_text(rules)
        for name, (rate, year) in SUBMISSIONS.items():
            (folder / f"{name}.py").write_text(CODE.format(rate=rate))
            mlgolf(
                "run", folder / f"{name}.py", "--competition", folder / "rules.toml", "--practice",
                "--trials", 1, "--studies", 1, "--seed", 1, "--out", folder / name,
            )
            record = folder / name / "run.json"
            begun = json.loads(record.read_text())["begun"]
            record.write_text(record.read_text().replace(begun, f"{year}-01-01T12:00:00Z"))
        return [folder / name for name in SUBMISSIONS]

    return run_all


@pytest.fixture(scope="module")
def timed(play):
    return play(LINEAR.read_text())


def told(mlgolf, *arguments) -> dict:
    return json.loads(mlgolf("progress", *arguments, "--json").stdout)


def test_the_record_of_runs_goes_by_the_dates_of_the_runs(mlgolf, timed):
    found = told(mlgolf, *reversed(timed), "--compute", "time")
    assert found["frontier"] == ["slow", "fast"]
    assert [record["date"][:4] for record in found["records"]] == ["2024", "2025"]
    assert found["factor"] > 1
    assert found["doubling_months"] == pytest.approx(found["end_point_doubling_months"])


def test_time_and_cost_to_the_target_are_both_told(mlgolf, timed):
    found = told(mlgolf, *timed)["targets"]
    time, cost = (one for one in found)
    assert (time["quantity"], cost["quantity"]) == ("training time (s)", "cost (dollars)")
    assert time["target"] == cost["target"] == "linear"


def test_a_run_alone_has_no_record(mlgolf, timed):
    said = mlgolf("progress", timed[0], expect=2).stderr
    assert "found one entry for each of 2 targets, of linear (training time) and linear" in said
    assert "Give another run of the same competition" in said


def test_practice_is_said(mlgolf, timed):
    assert "practice" in mlgolf("progress", *timed).stdout


def test_runs_of_a_day_have_a_factor_and_no_doubling_time(mlgolf, timed, tmp_path):
    import shutil

    copies = [Path(shutil.copytree(run, tmp_path / run.name)) for run in timed]
    for number, run in enumerate(copies):
        text = (run / "run.json").read_text()
        begun = json.loads(text)["begun"]
        (run / "run.json").write_text(text.replace(begun, f"2026-01-01T1{number}:00:00Z"))
    found = told(mlgolf, *copies, "--compute", "time")
    assert found["doubling_months"] is None
    assert found["factor"] > 1
    assert any("too few for a doubling time" in note for note in found["notes"])


def test_where_a_loss_is_ranked_time_is_counted_to_the_first_records_loss(mlgolf, play):
    rules = LINEAR.read_text().replace('objective = "time"', 'objective = "validation_loss"')
    rules = rules.replace('  { quantity = "validation_metric", bound = "target" },\n', "")
    found = told(mlgolf, *play(rules), "--compute", "time")
    assert found["target"].startswith("linear, validation loss 0.0")
    assert found["baseline"] == "slow"
    assert found["factor"] > 1


@pytest.mark.parametrize(("arguments", "message"), [
    (["--compute", "l2"], "unknown quantity of these runs 'l2'"),
    (["--target", "images"], "unknown workload with a result 'images'"),
    (["--date", "begun"], "--date: found 'begun'; it is for tables"),
    (["--baseline", "nobody"], "unknown baseline 'nobody'"),
])  # fmt: skip
def test_what_cannot_be_asked_of_runs_is_one_message(mlgolf, timed, arguments, message):
    said = mlgolf("progress", *timed, *arguments, expect=2).stderr
    assert message in said
    assert said.count("\n") == 1
