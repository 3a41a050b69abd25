"""Both ways to hold a player, on a submission of the one-second workload."""

import gc
import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from plans import plan

from mlgolf.core.errors import SandboxError
from mlgolf.core.hardware import load_hardware
from mlgolf.core.messages import Exited, Ready
from mlgolf.referee.fork_server import ForkServer, fork_server_for
from mlgolf.referee.players import ProcessPlayers, ThreadPlayers, folders_of_data

HARDWARE = load_hardware("one-thread-cpu")
CAPACITY = 1 << 16


@contextmanager
def started(players, data_dir: Path, tmp_path: Path):
    prepared = data_dir / "linear" / "mini" / "prepared"
    file = tmp_path / "code" / "s.py"
    player = players.start(
        plan(data_folder=prepared, data_dir=data_dir, run_folder=tmp_path, submission_file=file),
        CAPACITY,
    )
    try:
        yield player
    finally:
        player.stop()


def first_word(player):
    while (message := player.receive(10)) is None:
        pass
    return message


@pytest.mark.parametrize(
    "players",
    [ProcessPlayers(HARDWARE), ProcessPlayers(HARDWARE, "bubblewrap"), ThreadPlayers(HARDWARE)],
)
def test_a_player_that_was_started_gets_ready_by_itself(players, data_dir, tmp_path):
    with started(players, data_dir, tmp_path) as player:
        message = first_word(player)
        assert isinstance(message, Ready)
        assert "torch" in message.versions
        assert player.step == 0
        assert player.cpu_seconds() > 0


class WithoutSupervisor(ProcessPlayers):
    """What holds a player is killed just before the player may begin."""

    def _hold(self, plan, ends):
        held = super()._hold(plan, ends)
        held._supervisor.send_signal(signal.SIGKILL)
        assert held.wait(10) == -signal.SIGKILL
        deadline = time.monotonic() + 10
        while Path(f"/proc/{held.pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        return held


def test_a_player_that_was_killed_before_it_began_has_ended(data_dir, tmp_path):
    with started(WithoutSupervisor(HARDWARE), data_dir, tmp_path) as player:
        assert first_word(player) == Exited(-signal.SIGKILL)


@pytest.mark.parametrize("level", ["process", "bubblewrap"])
def test_a_fork_server_that_is_killed_while_it_is_asked_has_a_successor(
    level, data_dir, tmp_path, monkeypatch
):
    with started(ProcessPlayers(HARDWARE, level), data_dir, tmp_path) as player:
        assert isinstance(first_word(player), Ready)
    killed = []

    def killed_once(server, *asked):
        if not killed:
            killed.append(server)
            server._process.kill()
            server._process.wait()
        return launch(server, *asked)

    launch = ForkServer.launch
    monkeypatch.setattr(ForkServer, "launch", killed_once)
    with started(ProcessPlayers(HARDWARE, level), data_dir, tmp_path) as player:
        assert isinstance(first_word(player), Ready)
    assert killed


def test_a_player_that_is_frozen_before_it_is_ready_says_nothing(data_dir, tmp_path):
    with started(ProcessPlayers(HARDWARE), data_dir, tmp_path) as player:
        player.freeze()
        used = player.cpu_seconds()
        assert player.receive(0.2) is None
        assert player.cpu_seconds() == used


def test_what_links_in_the_folder_of_data_lead_to_is_hidden_as_well(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "linear").symlink_to(tmp_path / "disk")
    hidden = folders_of_data(plan(
        data_folder=tmp_path / "data" / "linear" / "mini" / "prepared",
        data_dir=tmp_path / "data",
    ))  # fmt: skip
    assert tmp_path / "disk" in hidden
    assert tmp_path / "data" in hidden


def test_a_player_that_is_stopped_has_exited(data_dir, tmp_path):
    with started(ProcessPlayers(HARDWARE), data_dir, tmp_path) as player:
        pid = player._held.pid
    assert not os.path.exists(f"/proc/{pid}")


def test_a_start_that_fails_leaves_no_descriptor_open(data_dir, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no namespaces left")

    monkeypatch.setattr("mlgolf.referee.players.HeldProcess", refuse)
    fork_server_for("torch", HARDWARE)  # its descriptors stay
    before = set(os.listdir("/proc/self/fd"))
    with (
        pytest.raises(SandboxError, match="could not be made: no namespaces left"),
        started(ProcessPlayers(HARDWARE), data_dir, tmp_path),
    ):
        pass
    gc.collect()
    assert set(os.listdir("/proc/self/fd")) == before
