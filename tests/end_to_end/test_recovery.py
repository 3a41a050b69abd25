"""Real kills, -9 to player or referee: what is resumed equals what was never cut short."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlgolf.results.trial_folder import read_rows

KILLS = 20
pytestmark = pytest.mark.alone


def rows_of(run: Path) -> dict[str, list[tuple]]:
    """What a trial measured, seconds left out."""
    return {
        str(file.parent.relative_to(run)): [
            (row["step"], row["model_sha256"], row["metrics"]) for row in read_rows(file.parent)
        ]
        for file in sorted(run.glob("*/study_*/*/trial_*/trial.json"))
    }


def processes_with(text: bytes) -> list[int]:
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                command = Path(f"/proc/{entry}/cmdline").read_bytes()
                environment = Path(f"/proc/{entry}/status").read_text()
            except OSError:
                continue
            if text in command and "State:\tZ" not in environment:
                found.append(int(entry))
    return found


def start(arguments: list, data_dir: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [str(Path(sys.executable).parent / "mlgolf"), "run", *map(str, arguments)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "MLGOLF_DATA_DIR": str(data_dir)},
    )


def assert_nothing_is_left(run: Path, shared_before: set[str]) -> None:
    deadline = time.monotonic() + 10
    while processes_with(b"mlgolf.player") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_with(b"mlgolf.player") == []
    assert processes_with(b"keeper.py") == []
    assert set(os.listdir("/dev/shm")) <= shared_before
    assert [path for path in run.rglob(".*") if path.is_file()] == []
    groups = [p for p in Path("/sys/fs/cgroup").glob("*/mlgolf-*") if p.is_dir()]
    assert groups == []


def test_twenty_kills_change_no_row_and_leave_nothing_behind(tmp_path, adamw, data_dir):
    competition = Path(__file__).with_name("linear.toml")
    common = [adamw, "--competition", competition, "--seed", 3, "--trials", 1, "--out"]
    shared_before = set(os.listdir("/dev/shm"))
    undisturbed = tmp_path / "undisturbed"
    assert start([*common, undisturbed], data_dir).wait() == 0
    expected = rows_of(undisturbed)
    assert all(expected.values())

    rng = random.Random(0)
    kills, number = {"player": 0, "referee": 0}, 0
    while sum(kills.values()) < KILLS:
        run, number = tmp_path / f"run_{number}", number + 1
        code = None
        while code != 0:
            resume = ["--resume"] if (run / "run.json").exists() else []
            referee = start([*common, run, *resume], data_dir)
            if sum(kills.values()) < KILLS:
                victim = min(kills, key=lambda name: kills[name])
                kills[victim] += kill(victim, referee, rng)
            code = referee.wait()
            assert code in (0, 1, -signal.SIGKILL), referee.stderr.read()
        assert rows_of(run) == expected
        assert_nothing_is_left(run, shared_before)
    assert kills == {"player": KILLS // 2, "referee": KILLS // 2}


def kill(victim: str, referee: subprocess.Popen, rng: random.Random) -> int:
    """Kill -9 at a random moment of its life; 0 if it was over before."""
    find = (lambda: [referee.pid]) if victim == "referee" else player_processes
    while referee.poll() is None and not find():
        time.sleep(0.002)
    moment = time.monotonic() + rng.uniform(0.0, 4.0)
    while referee.poll() is None and time.monotonic() < moment:
        time.sleep(0.002)
    if referee.poll() is not None:
        return 0
    killed = 0
    for pid in find():
        os.kill(pid, signal.SIGKILL)
        killed = 1
    return killed


def player_processes() -> list[int]:
    return processes_with(b"-m\0mlgolf.player\0")


def test_ctrl_c_leaves_a_run_that_can_be_resumed(tmp_path, adamw, data_dir, mlgolf):
    competition = Path(__file__).with_name("linear.toml")
    common = [adamw, "--competition", competition, "--seed", 3, "--out", tmp_path / "run"]
    referee = start(common, data_dir)
    while not list((tmp_path / "run").glob("*/study_*/*/*/evals.jsonl")):
        assert referee.poll() is None
        time.sleep(0.01)
    referee.send_signal(signal.SIGINT)
    assert referee.wait() == 130
    assert "--resume" in referee.stderr.read()
    mlgolf("run", *common, "--resume")
    scored = json.loads(mlgolf("score", tmp_path / "run", "--json").stdout)
    assert scored["leaderboard"][0]["score"] == 1.0


@pytest.fixture(scope="session")
def small_clicks(tmp_path_factory) -> Path:
    """The real click data, made once for the tests that train on them."""
    from mlgolf.core.registry import load_workload
    from mlgolf.data import layout

    folder = Path(os.environ.get("MLGOLF_TEST_DATA", tmp_path_factory.mktemp("clicks")))
    workload = load_workload("criteo1tb")
    if not layout.prepared_folder(workload, "mini", folder).exists():
        layout.make(workload, "mini", folder)
        layout.prepare(workload, "mini", folder)
    return folder


def test_a_kill_on_a_real_workload_changes_no_row(tmp_path, small_clicks):
    text = (
        Path(__file__).with_name("linear.toml").read_text()
        .replace("[workloads.linear]", "[workloads.criteo1tb]")
        .replace("target = 0.02", "target = 0.0")
        .replace("step_limit = 4000", "step_limit = 300")
    )
    (tmp_path / "clicks.toml").write_text(text)
    common = [
        "nadamw", "--competition", tmp_path / "clicks.toml", "--seed", 3, "--trials", 1, "--out"
    ]
    assert start([*common, tmp_path / "whole"], small_clicks).wait() == 0
    referee = start([*common, tmp_path / "cut"], small_clicks)
    evals = tmp_path / "cut/nadamw/study_0/criteo1tb_torch/trial_1/evals.jsonl"
    while not evals.exists():
        assert referee.poll() is None
        time.sleep(0.01)
    referee.kill()
    referee.wait()
    assert start([*common, tmp_path / "cut", "--resume"], small_clicks).wait() == 0
    assert rows_of(tmp_path / "cut") == rows_of(tmp_path / "whole")
    assert len(next(iter(rows_of(tmp_path / "cut").values()))) == 3
