"""Real faults in the middle of a trial; `benchmarks/faults.py` has more of them, and by chance."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from test_recovery import players_of, processes_of_ours

from mlgolf.core.competition import load_competition
from mlgolf.core.protocols import Reading, Row
from mlgolf.core.status import Status
from mlgolf.core.trial import Trial
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.runs import Run, open_run
from mlgolf.referee import processes
from mlgolf.referee.trial import play_trial

EVERY = 1000  # steps between two models: tenths of a second in which something may happen
STOPPED_SECONDS = 2.0  # many times as long as that


class Once:
    """A watcher that lets something happen in the middle of a trial, while its player trains."""

    def __init__(self, happen: Callable[[int], None]) -> None:
        """`happen` is given the process number of the player."""
        self._happen, self.happened = happen, False

    def tick(self, step: int, reading: Reading) -> None:
        if step > EVERY and 0 < step % EVERY < EVERY // 2 and not self.happened:
            self.happened = True
            (player,) = players_of(os.getpid())
            self._happen(player)

    def row(self, row: Row) -> None:
        pass


@pytest.fixture(scope="module")
def played(data_dir, tmp_path_factory) -> Callable[[Once | None], tuple[Run, list[Trial]]]:
    folder = tmp_path_factory.mktemp("competition")
    text = Path(__file__).with_name("linear.toml").read_text()
    rare = text.replace("eval_every_steps = 100\n", f"eval_every_steps = {EVERY}\n")
    assert rare != text
    (folder / "competition.toml").write_text(rare)
    competition = load_competition(folder)

    def play(watcher: Once | None) -> tuple[Run, list[Trial]]:
        request = RunRequest(
            submissions=("nadamw",), competition=competition, ruleset="self",
            studies=1, seed=3, sandbox="process", data_dir=data_dir,
            out=tmp_path_factory.mktemp("runs") / "run",
        )
        run = open_run(request)
        (plan,) = run.plans
        trials = [play_trial(plan, watcher=watcher)]
        while not trials[-1].status.is_final:
            trials.append(play_trial(plan))
        run.lock.release()
        assert watcher is None or watcher.happened
        return run, trials

    return play


@pytest.fixture(scope="module")
def undisturbed(played) -> tuple[str, ...]:
    """What it learned by then: a hash of each model."""
    return played(None)[1][-1].model_sha256


def keeper_of(player: int) -> int:
    return int(processes.stat_fields(player)[1])


def stopped_for_a_while(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    threading.Timer(STOPPED_SECONDS, os.kill, [pid, signal.SIGCONT]).start()


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


@pytest.mark.alone
@pytest.mark.parametrize(
    "happen",
    [kill, lambda player: kill(keeper_of(player)), lambda p: kill(keeper_of(keeper_of(p)))],
    ids=["the player", "the first process of its namespace", "what waits for that"],
)
def test_whatever_holds_a_player_is_killed_its_trial_is_repeated(happen, played, undisturbed):
    run, (cut, whole) = played(Once(happen))
    assert cut.status is Status.KILLED
    assert 0 < len(cut.model_sha256) < len(undisturbed)
    assert cut.model_sha256 == undisturbed[: len(cut.model_sha256)]
    assert whole.model_sha256 == undisturbed
    (plan,) = run.plans
    assert (plan.folder / "attempt_1" / "evals.jsonl").exists()


@pytest.mark.alone
def test_a_trial_goes_on_when_the_fork_server_is_killed(played, undisturbed):
    def kill_it(player: int) -> None:
        waits = keeper_of(keeper_of(player))
        kill(keeper_of(waits))
        assert waits in processes_of_ours()

    _, (trial,) = played(Once(kill_it))
    assert trial.model_sha256 == undisturbed


@pytest.mark.alone
@pytest.mark.parametrize("who", [lambda player: player, keeper_of], ids=["player", "keeper"])
def test_who_is_stopped_for_a_while_changes_no_row_and_uses_no_cpu_time(who, played, undisturbed):
    _, (trial,) = played(Once(lambda player: stopped_for_a_while(who(player))))
    assert trial.model_sha256 == undisturbed
    # While the keeper is stopped, the player trains on until its next model is due.
    assert trial.wall_seconds[-1] > trial.cpu_seconds[-1] + STOPPED_SECONDS / 2


def test_jumps_of_the_system_clock_change_no_seconds(played, undisturbed, monkeypatch):
    true, by_chance, began = time.time, random.Random(0), time.monotonic()
    monkeypatch.setattr(time, "time", lambda: true() + by_chance.uniform(-1e9, 1e9))
    _, (trial,) = played(None)
    assert trial.model_sha256 == undisturbed
    for clock in (trial.seconds, trial.cpu_seconds, trial.wall_seconds):
        seconds = [0.0, *clock]
        assert seconds == sorted(seconds)
        assert seconds[-1] < time.monotonic() - began
