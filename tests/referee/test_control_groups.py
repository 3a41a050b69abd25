"""Control groups of the kernel, as far as the machine that runs the tests has them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlgolf.referee import control_groups
from mlgolf.referee.control_groups import ControlGroup, Limits, remove_stale_groups

UNIFIED = Path("/sys/fs/cgroup/unified")  # version 2 beside version 1


@pytest.fixture
def process():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as waiting:
        yield waiting
        waiting.kill()


def groups_of(pid: int) -> dict[str, str]:
    """Controller -> path."""
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    return dict(line.split(":")[1:] for line in lines)


@pytest.mark.skipif(
    not os.access(control_groups.ROOT / "memory", os.W_OK), reason="no groups of version 1 for us"
)
def test_limits_of_version_1_are_written_below_our_own_groups(process):
    group = ControlGroup(process.pid, Limits(1 << 28, 100))
    memory = Path(groups_of(process.pid)["memory"])
    assert memory.parent == Path(groups_of(os.getpid())["memory"])
    limit = control_groups.ROOT / "memory" / str(memory).lstrip("/") / "memory.limit_in_bytes"
    assert limit.read_text() == f"{1 << 28}\n"
    with_swap = limit.with_name("memory.memsw.limit_in_bytes")
    assert not with_swap.exists() or with_swap.read_text() == limit.read_text()
    assert group.limits == {"memory": "cgroup v1 memory", "pids": "cgroup v1 pids"}
    process.kill()
    process.wait()
    group.close()
    assert not limit.exists()


@pytest.mark.skipif(
    not os.access(control_groups.ROOT / "memory", os.W_OK), reason="no groups of version 1 for us"
)
@pytest.mark.parametrize(("needs", "kills"), [(1 << 27, 1), (0, 0)])
def test_who_is_killed_for_want_of_memory_is_told_from_who_is_killed(needs, kills):
    code = f"import os; input(); bytearray({needs}); os.kill(os.getpid(), 9)"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        group = ControlGroup(process.pid, Limits(1 << 26, 100))
        assert group.out_of_memory_kills() == 0
        process.communicate(b"\n")
        assert process.returncode == -signal.SIGKILL
        assert group.out_of_memory_kills() == kills
    group.close()


@pytest.mark.skipif(not os.access(UNIFIED, os.W_OK), reason="no groups of version 2 for us")
def test_a_limit_whose_controller_is_not_handed_down_is_not_claimed(process, monkeypatch):
    monkeypatch.setattr(control_groups, "ROOT", UNIFIED)
    group = ControlGroup(process.pid, Limits(1 << 28, 100))
    assert group.name == "cgroup v2 cpu.stat"
    assert group.seconds() >= 0
    assert group.limits == {}
    assert group.out_of_memory_kills() is None
    process.kill()
    process.wait()
    group.close()


def test_a_group_that_does_not_count_is_no_source(process, tmp_path, monkeypatch):
    class Uncounted(ControlGroup):
        def _made(self, controller):
            folder = super()._made(controller)
            (folder / "cpu.stat").write_text("nr_periods 0\n")
            return folder

    monkeypatch.setattr(control_groups, "ROOT", tmp_path)
    monkeypatch.setattr(control_groups, "_END_SECONDS", 0.0)
    with pytest.raises(OSError, match="found no usage_usec"):
        Uncounted(process.pid)


def group_of_nobody(base: Path, namespace: int) -> Path:
    """As a referee leaves it that was killed; no process has this number."""
    folder = base / f"mlgolf-{namespace}-{2**22 + 1}-0"
    folder.mkdir()
    return folder


def test_a_group_that_a_killed_referee_left_is_removed(tmp_path):
    folder = group_of_nobody(tmp_path, os.stat("/proc/self/ns/pid").st_ino)
    remove_stale_groups(tmp_path)
    assert not folder.exists()


def test_a_group_of_a_referee_in_another_container_is_left_alone(tmp_path):
    folder = group_of_nobody(tmp_path, os.stat("/proc/self/ns/pid").st_ino + 1)
    remove_stale_groups(tmp_path)
    assert folder.exists()
