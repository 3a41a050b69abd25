"""Competitions that are one sentence each, played with less of everything and scored."""

import html
import json
import math
import re
from pathlib import Path

import pytest

from mlgolf.core.competition import load_competition
from mlgolf.core.hardware import load_hardware
from mlgolf.core.toml_files import SHIPPED
from mlgolf.core.trial import Trial
from mlgolf.results.run_folder import RunFolder

PLACES = {
    "speed-run": "speed-run.toml", "smallest-loss": "smallest-loss.toml",
    "parameter-golf": "parameter-golf/competition.toml",
}
BASELINE = Path(str(SHIPPED)) / "parameter-golf" / "baseline"


@pytest.fixture
def played(mlgolf, tmp_path):
    """Plays one trial of a shipped competition with some of its numbers cut."""

    def play(name: str, submission="nadamw", **numbers: float) -> tuple[Trial, dict]:
        text = (Path(str(SHIPPED)) / PLACES[name]).read_text()
        for key, number in numbers.items():
            text, found = re.subn(rf"\b{key} = [\d._e-]+", f"{key} = {number}", text)
            assert found == 1
        (tmp_path / "short.toml").write_text(text)
        run = tmp_path / "run"
        mlgolf(
            "run", submission, "--competition", tmp_path / "short.toml", "--seed", 1,
            "--studies", 1, "--out", run,
        )
        (trial,) = RunFolder(run).trials()
        return trial, json.loads(mlgolf("score", run, "--json").stdout)

    return play


def cell(board: dict) -> dict:
    (entry,) = board["leaderboard"]
    return entry["workloads"]["criteo1tb"]


@pytest.mark.parametrize("name", PLACES)
def test_a_sentence_is_a_file_of_at_most_40_lines(name):
    assert load_competition(name).name == name
    assert len((Path(str(SHIPPED)) / PLACES[name]).read_text().splitlines()) <= 40


def test_a_speed_run_ends_at_its_validation_loss_and_is_scored_by_its_seconds(played):
    trial, board = played("speed-run", validation_loss=0.62)
    assert trial.reason.startswith("validation_loss ≤ 0.62 at step")
    assert trial.metrics["validation/loss"][-1] <= 0.62
    assert cell(board)["value"] == trial.seconds[-1]


def test_a_trial_for_the_smallest_loss_ends_by_its_dollars(played):
    trial, board = played("smallest-loss", budget_dollars=2e-5)
    assert trial.status == "OUT_OF_TIME"
    assert ": 2e-05 dollars; " in trial.reason
    hourly = load_hardware("one-thread-cpu").dollars_per_hour
    cost = trial.total_seconds * trial.speed * hourly / 3600
    assert 2e-5 < cost < 2.5e-5
    assert board["quantity"] == "test_loss"
    # A model that was handed over a moment too late is written down, and does not count.
    paid = trial.values("dollars", "loss") <= 2e-5
    assert cell(board)["value"] == trial.metrics["test/loss"][paid].min()


def test_a_small_model_is_scored_in_bits(played):
    trial, board = played("parameter-golf", BASELINE, budget_seconds=2, eval_every_steps=80)
    assert trial.metrics["model/artifact_bytes"].max() < 175_000
    bits = trial.metrics["validation/loss"].min() / math.log(2)
    assert cell(board)["value"] == pytest.approx(bits)


def test_a_model_that_takes_more_bytes_than_allowed_does_not_count(played):
    trial, board = played("parameter-golf", budget_seconds=1, eval_every_steps=40)
    assert trial.metrics["model/artifact_bytes"].min() > 400_000
    assert cell(board)["outcome"] == "target_not_reached"
    (miss,) = board["near_misses"]
    assert (miss["metric"], miss["target"]) == ("model size", 175_000)


def test_a_page_says_what_a_sum_of_money_bought(played, mlgolf, tmp_path):
    played("smallest-loss", budget_dollars=1e-5, eval_every_steps=40)
    mlgolf("report", tmp_path / "run", "-o", tmp_path / "page.html")
    page = html.unescape((tmp_path / "page.html").read_text())
    assert re.search(r"Minimise the test loss subject to cost at most 1e-05.dollars", page)
