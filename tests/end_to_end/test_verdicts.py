"""From the command to the verdict, on the one-second workload."""

import json
import shutil
from pathlib import Path

import pytest

from mlgolf.core.competition import load_competition
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.runs import open_run
from mlgolf.referee.players import ProcessPlayers
from mlgolf.referee.protocol import run_trial
from mlgolf.referee.trial import evaluator, header, load_hardware
from mlgolf.testing.fakes import FakeClock, MemoryStore

LINEAR = Path(__file__).with_name("linear.toml")


@pytest.fixture(scope="module")
def run(tmp_path_factory, mlgolf) -> Path:
    """Two submissions, two trials, three studies."""
    folder = tmp_path_factory.mktemp("verdicts")
    fast, slow = folder / "fast.py", folder / "slow.py"
    lines = (
        "import torch\nfrom mlgolf.torch import from_optimizer\n"
        "submission = from_optimizer(torch.optim.{}, search_space={{'learning_rate': "
        "{{'min': {}, 'max': {}, 'scaling': 'log'}}}})\n"
    )
    fast.write_text(lines.format("AdamW", 5e-3, 3e-2))
    slow.write_text(lines.format("SGD", 1e-2, 1e-1))
    mlgolf(
        "run", fast, slow, "--competition", LINEAR, "--studies", 3, "--seed", 1,
        "--out", folder / "run",
    )
    return folder / "run"


def board(mlgolf, *runs: Path) -> dict:
    return json.loads(mlgolf("score", *runs, "--json").stdout)


def test_the_faster_submission_wins_and_the_json_has_the_documented_keys(run, mlgolf):
    scored = board(mlgolf, run)
    assert scored.keys() >= {"competition", "tuning", "framework", "leaderboard"}
    first, second = scored["leaderboard"]
    assert (first["submission"], first["rank"], second["rank"]) == ("fast", 1, 2)
    assert first.keys() >= {"submission", "rank", "score", "interval", "workloads"}
    cell = first["workloads"]["linear"]
    assert cell["outcome"] == "scored"
    assert cell["ratio"] == 1.0
    assert 0 < cell["time"] < 30
    assert len(first["interval"]) == 2


def test_scores_of_a_copied_run_are_identical(run, mlgolf, tmp_path):
    shutil.copytree(run, tmp_path / "copy")
    assert board(mlgolf, tmp_path / "copy") == board(mlgolf, run)


def test_the_same_seed_gives_the_same_steps_and_values(run, mlgolf, tmp_path):
    from test_recovery import rows_of

    fast = run.parent / "fast.py"
    mlgolf(
        "run", fast, "--competition", LINEAR, "--studies", 1, "--seed", 1, "--out", tmp_path / "b"
    )
    again = rows_of(tmp_path / "b")
    before = rows_of(run)
    assert again == {name: before[name] for name in again}


def test_the_report_is_one_page_with_its_figures_beside_it(run, mlgolf, tmp_path):
    mlgolf("report", run, "-o", tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "fast" in page
    assert "perf task-clock" in page or "cgroup" in page
    assert list((tmp_path / "report_figures").glob("*.svg"))


def a_trial(run: Path) -> Path:
    return run / "fast" / "study_0" / "linear_torch" / "trial_1"


def test_a_replay_confirms_a_trial_bit_for_bit(run, mlgolf):
    # Seconds of a fifth of a second may differ where other tests run beside it.
    done = json.loads(mlgolf("replay", a_trial(run), "--json", expect=None).stdout)
    assert done["differences"] == []
    assert done["rows"] > 0
    assert done["confirmed"] is done["seconds"]["agree"]


def test_a_replay_detects_one_altered_value(run, mlgolf, tmp_path):
    shutil.copytree(run, tmp_path / "altered")
    evals = a_trial(tmp_path / "altered") / "evals.jsonl"
    lines = evals.read_text().splitlines()
    row = json.loads(lines[0])
    row["metrics"]["validation/loss"] *= 1 + 1e-12
    evals.write_text("\n".join([json.dumps(row), *lines[1:]]) + "\n")
    done = json.loads(mlgolf("replay", a_trial(tmp_path / "altered"), "--json", expect=1).stdout)
    assert done["confirmed"] is False
    assert "validation/loss was" in done["differences"][0]


def test_a_replay_detects_seconds_that_were_divided_by_ten(run, mlgolf, tmp_path):
    shutil.copytree(run, tmp_path / "altered")
    file = a_trial(tmp_path / "altered") / "evals.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    faster = [{**row, "seconds": row["seconds"] / 10} for row in rows]
    file.write_text("".join(json.dumps(row) + "\n" for row in faster))
    done = mlgolf("replay", a_trial(tmp_path / "altered"), expect=1)
    assert "NOT confirmed. Values of" in done.stdout
    assert "seconds DIFFER" in done.stdout


def test_a_replay_refuses_other_code_than_was_hashed(run, mlgolf, tmp_path):
    shutil.copytree(run, tmp_path / "other")
    with open(tmp_path / "other" / "fast" / "code" / "fast.py", "a") as file:
        file.write("# changed\n")
    done = mlgolf("replay", a_trial(tmp_path / "other"), expect=2)
    assert "not the code that was hashed" in done.stderr


def test_another_clock_gives_the_same_steps_and_values_and_other_seconds(
    adamw, data_dir, tmp_path
):
    request = RunRequest(
        submissions=(str(adamw),), competition=load_competition(LINEAR), trials=1, studies=1,
        seed=3, data_dir=data_dir, out=tmp_path / "run",
    )
    plan = open_run(request).plans[0]
    hardware = load_hardware(plan.rules.hardware)
    rows = []
    for seconds_per_read in (1e-6, 1e-5):
        store = MemoryStore()
        run_trial(
            plan, ProcessPlayers(hardware), clock=FakeClock(seconds_per_read), store=store,
            evaluator=evaluator(plan), header=header(plan, hardware),
            hardware=hardware,
        )
        rows.append(store.rows)
    one, other = ([(r.step, r.metrics, r.model_sha256) for r in rs] for rs in rows)
    assert one == other
    assert one
    assert rows[0][0].reading.seconds != rows[1][0].reading.seconds


def test_the_unofficial_level_trains_the_same_in_process_and_is_labelled(
    adamw, mlgolf, mlgolf_process, tmp_path
):
    from test_recovery import rows_of

    for level, command in (("none", mlgolf_process), ("process", mlgolf)):
        command(
            "run", adamw, "--competition", LINEAR, "--trials", 1, "--seed", 3,
            "--sandbox", level, "--out", tmp_path / level,
        )
    assert rows_of(tmp_path / "none") == rows_of(tmp_path / "process")
    assert_unofficial(board(mlgolf, tmp_path / "none"), "played without a sandbox")


def test_trials_side_by_side_give_the_same_values_and_are_labelled(
    adamw, mlgolf, mlgolf_process, tmp_path
):
    from test_recovery import rows_of

    common = ["run", adamw, "--competition", LINEAR, "--seed", 3]
    mlgolf(*common, "--out", tmp_path / "one")
    mlgolf_process(*common, "--parallel", 2, "--out", tmp_path / "two")
    assert rows_of(tmp_path / "one") == rows_of(tmp_path / "two")
    assert_unofficial(board(mlgolf, tmp_path / "two"), "trials shared the machine")


def assert_unofficial(scored: dict, reason: str) -> None:
    """Scored, and labelled with the reason."""
    assert scored["leaderboard"][0]["workloads"]["linear"]["outcome"] == "scored"
    assert scored["unofficial"] == [reason]
