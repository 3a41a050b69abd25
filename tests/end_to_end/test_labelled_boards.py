"""Labels of a real run, in every output."""

import json
import re
from pathlib import Path

import pytest

LINEAR = Path(__file__).with_name("linear.toml")
CLAIM = "number of steps as claimed by the submission"


@pytest.fixture(scope="module")
def run(tmp_path_factory, mlgolf_process) -> Path:
    """Two trials that ran at the same time, so they are unofficial."""
    folder = tmp_path_factory.mktemp("labels")
    (folder / "adam[w].py").write_text(
        "import torch\nfrom mlgolf.torch import from_optimizer\n"
        "submission = from_optimizer(torch.optim.AdamW, search_space={'learning_rate': "
        "{'min': 5e-3, 'max': 3e-2, 'scaling': 'log'}})\n"
    )
    mlgolf_process(
        "run", folder / "adam[w].py", "--competition", LINEAR, "--parallel", 2,
        "--out", folder / "run",
    )
    return folder / "run"


def test_unofficial_results_have_a_board_with_label_and_reason_in_the_terminal(run, mlgolf):
    printed = mlgolf("score", run).stdout
    assert f"linear · external tuning · torch · unofficial · {CLAIM}" in " ".join(printed.split())
    assert re.search(r"adam\[w\] +\d\S* s +", printed)
    assert "\nunofficial: " in printed
    assert "no data" not in printed


def test_unofficial_results_have_label_and_reason_in_the_json(run, mlgolf):
    told = json.loads(mlgolf("score", run, "--json").stdout)
    (reason,) = told["unofficial"]
    assert reason
    assert told["claimed"] == ["steps"]
    assert told["leaderboard"][0]["score"] == 1.0


def test_unofficial_results_have_their_label_in_the_report(run, mlgolf, tmp_path):
    mlgolf("report", run, "-o", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert f"<h1>Least squares in about a second · unofficial · {CLAIM}</h1>" in page
    assert "<th>adam[w]</th>" in page
    assert "adam[w],2," in (tmp_path / "page_figures" / "training_time.csv").read_text()


def test_bounds_from_unofficial_runs_are_said_beside_the_dual(run, mlgolf):
    done = mlgolf("dual", LINEAR, "--runs", run)
    assert "mlgolf: of the runs that give the bounds: unofficial: " in done.stderr
    assert "unofficial" not in done.stdout


@pytest.mark.parametrize(("flags", "practice"), [((), False), (("--practice",), True)])
def test_a_run_on_the_published_held_out_data_is_practice(
    adamw, mlgolf, tmp_path, flags, practice
):
    mlgolf(
        "run", adamw, "--competition", LINEAR, "--trials", 1, *flags,
        "--out", tmp_path / "run",
    )
    told = json.loads(mlgolf("score", tmp_path / "run", "--json").stdout)
    assert (told["practice"], told["unofficial"]) == (practice, [])
    assert any(note.startswith("practice: ") for note in told["notes"]) == practice
