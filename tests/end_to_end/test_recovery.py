"""Real kills, -9 to player or referee: what is resumed equals what was never cut short."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from mlgolf.referee import processes
from mlgolf.results.trial_folder import read_rows

KILLS = 20
MOST_SECONDS = 600  # of one run here
pytestmark = pytest.mark.alone


def rows_of(run: Path) -> dict[str, list[tuple]]:
    """What a trial measured, seconds left out."""
    return {
        str(file.parent.relative_to(run)): [
            (row["step"], row["model_sha256"], row["metrics"]) for row in read_rows(file.parent)
        ]
        for file in sorted(run.glob("*/study_*/*/trial_*/trial.json"))
    }


def processes_of_ours() -> dict[int, str]:
    """Process number -> name, of fork servers, supervisors, what they keep, and walls."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                name = Path(f"/proc/{entry}/comm").read_text().strip()
                status = Path(f"/proc/{entry}/status").read_text()
            except OSError:
                continue
            if name.startswith(("mlgolf-", "bwrap")) and "State:\tZ" not in status:
                found[int(entry)] = name
    return found


class Started:
    """A run in a process of its own. What it says goes to a file, which is never full."""

    def __init__(self, arguments: list, data_dir: Path) -> None:
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115  (it ends with us)
        self._process = subprocess.Popen(
            [str(Path(sys.executable).parent / "mlgolf"), "run", *map(str, arguments)],
            stdout=subprocess.DEVNULL, stderr=self._said,
            env={**os.environ, "MLGOLF_DATA_DIR": str(data_dir)},
        )
        self.pid, self.poll = self._process.pid, self._process.poll
        self.kill, self.send_signal = self._process.kill, self._process.send_signal

    def wait(self) -> int:
        """Its exit code. One that does not end is killed, and the test fails."""
        try:
            return self._process.wait(MOST_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"a run goes on for {MOST_SECONDS} s: {self.said()}") from None

    def wait_for(self, pattern: str, run: Path) -> None:
        """Until there is a file of that pattern in the run."""
        while not list(run.glob(pattern)):
            assert self.poll() is None, self.said()
            time.sleep(0.01)

    def said(self) -> str:
        self._said.seek(0)
        return self._said.read()


def assert_no_process_is_left() -> None:
    """Of the runs that were started here; the fork servers of this process serve other tests."""
    deadline = time.monotonic() + 10
    while (left := _of_others()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == {}


def _of_others() -> dict[int, str]:
    own = set(processes.descendants(os.getpid()))
    return {pid: name for pid, name in processes_of_ours().items() if pid not in own}


def shared_and_groups() -> set[str]:
    """Shared memory and control groups of this machine, which outlive their processes."""
    groups = [str(p) for p in Path("/sys/fs/cgroup").glob("**/mlgolf-*") if p.is_dir()]
    return {*os.listdir("/dev/shm"), *groups}


def assert_nothing_is_left(run: Path, before: set[str]) -> None:
    assert_no_process_is_left()
    assert shared_and_groups() <= before
    assert [path for path in run.rglob(".*") if path.is_file()] == []
    assert list(Path(tempfile.gettempdir()).glob("mlgolf-inspection-*")) == []


def test_twenty_kills_change_no_row_and_leave_nothing_behind(tmp_path, adamw, data_dir):
    competition = Path(__file__).with_name("linear.toml")
    common = [adamw, "--competition", competition, "--seed", 3, "--trials", 1, "--studies", 30]
    before = shared_and_groups()
    undisturbed, run = tmp_path / "undisturbed", tmp_path / "run"
    assert Started([*common, "--out", undisturbed], data_dir).wait() == 0
    expected = rows_of(undisturbed)
    assert all(expected.values())

    rng = random.Random(0)
    kills = {"player": 0, "referee": 0}
    for _ in range(3 * KILLS):
        resume = ["--resume"] if (run / "run.json").exists() else []
        referee = Started([*common, "--out", run, *resume], data_dir)
        kill_at_random(referee, kills, rng)
        code = referee.wait()
        assert code in (0, 1, -signal.SIGKILL), referee.said()
        assert_no_process_is_left()
        if code == 0:
            break
    else:
        pytest.fail(f"it does not come to an end, however often it is resumed: {referee.said()}")
    assert_nothing_is_left(run, before)
    assert rows_of(run) == expected
    assert kills == {"player": KILLS // 2, "referee": KILLS // 2}


def kill_at_random(referee: Started, kills: dict[str, int], rng: random.Random) -> None:
    """Kill -9 its players now and then, and at last itself, as long as there are kills to do."""
    began = time.monotonic()
    end = began + rng.uniform(0.0, 5.0)
    while referee.poll() is None and time.monotonic() < began + MOST_SECONDS:
        time.sleep(rng.uniform(0.0, 1.0))
        players = players_of(referee.pid)
        if players and kills["player"] < KILLS // 2:
            os.kill(players[0], signal.SIGKILL)
            kills["player"] += 1
        if time.monotonic() > end and kills["referee"] < KILLS // 2:
            referee.kill()
            kills["referee"] += 1
            return


def players_of(referee: int) -> list[int]:
    """Process numbers of its players: another referee's are left alone."""
    return [
        pid for pid, name in processes_of_ours().items()
        if name == "mlgolf-play" and referee in ancestors(pid)
    ]


def ancestors(pid: int) -> list[int]:
    found = []
    while pid > 1:
        try:
            status = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return found
        pid = int(status.rpartition(")")[2].split()[1])
        found.append(pid)
    return found


def test_ctrl_c_leaves_a_run_that_can_be_resumed(tmp_path, adamw, data_dir, mlgolf_process):
    competition = Path(__file__).with_name("linear.toml")
    common = [adamw, "--competition", competition, "--seed", 3, "--out", tmp_path / "run"]
    referee = Started(common, data_dir)
    referee.wait_for("*/study_*/*/*/evals.jsonl", tmp_path / "run")
    referee.send_signal(signal.SIGINT)
    assert referee.wait() == 130
    assert "--resume" in referee.said()
    mlgolf_process("run", *common, "--resume")
    scored = json.loads(mlgolf_process("score", tmp_path / "run", "--json").stdout)
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
    assert Started([*common, tmp_path / "whole"], small_clicks).wait() == 0
    referee = Started([*common, tmp_path / "cut"], small_clicks)
    evals = tmp_path / "cut/nadamw/study_0/criteo1tb_torch/trial_1/evals.jsonl"
    referee.wait_for(str(evals.relative_to(tmp_path)), tmp_path)
    referee.kill()
    referee.wait()
    assert Started([*common, tmp_path / "cut", "--resume"], small_clicks).wait() == 0
    assert rows_of(tmp_path / "cut") == rows_of(tmp_path / "whole")
    assert len(next(iter(rows_of(tmp_path / "cut").values()))) == 3


def test_a_killed_run_of_trials_side_by_side_leaves_no_process_behind(tmp_path, adamw, data_dir):
    competition = Path(__file__).with_name("linear.toml")
    run = tmp_path / "run"
    referee = Started(
        [adamw, "--competition", competition, "--studies", 6, "--parallel", 2, "--out", run],
        data_dir,
    )
    referee.wait_for("**/evals.jsonl", run)
    referee.kill()
    referee.wait()
    assert_no_process_is_left()


ROUNDS = """
import numpy as np
from fits import play as fit

class Round:
    def __init__(self, game): self.train, self.seed, self.sent = game.train, game.seed, []
    def submit(self, tensors): self.sent = {n: np.array(v) for n, v in tensors.items()}

def play(game):
    for number in range(6):
        one = Round(game)
        fit(one), fit(one)  # some times as long as from one judging to the next
        game.submit({n: (1 + number / 100) * v for n, v in one.sent.items()})
"""


def test_an_entry_that_was_killed_and_resumed_has_the_same_models(tmp_path, data_dir):
    game, entry = Path(__file__).with_name("tiny_game"), tmp_path / "entry"
    entry.mkdir()
    shutil.copy(game / "fits.py", entry)
    (entry / "entry.py").write_text(ROUNDS)
    common = [entry, "--competition", game, "--seed", 3, "--studies", 2]
    undisturbed, run = tmp_path / "undisturbed", tmp_path / "run"
    assert Started([*common, "--out", undisturbed], data_dir).wait() == 0
    expected = rows_of(undisturbed)
    assert [len(rows) for rows in expected.values()] == [6, 6]

    referee = Started([*common, "--out", run], data_dir)
    rows = run / "entry" / "study_1" / "points_torch" / "trial_1" / "evals.jsonl"
    deadline = time.monotonic() + 60
    while not rows.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    referee.kill()
    referee.wait()
    assert Started([*common, "--out", run, "--resume"], data_dir).wait() == 0
    assert rows_of(run) == expected
    assert (rows.parent / "attempt_1" / "evals.jsonl").exists()
    assert_no_process_is_left()
