"""The faults of `faults.py`: what each does to a trial under way, and how it may end by that."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from faults_world import World, parent, processes

from mlgolf.core.status import Status

# A referee whose clock of the day jumps by up to thirty years whenever it is looked at.
JUMPING = """
import random, sys, time
true, by_chance = time.time, random.Random(0)
time.time = lambda: true() + by_chance.uniform(-1e9, 1e9)
time.time_ns = lambda: int(time.time() * 1e9)
from mlgolf.cli.main import main
main()
"""
PLAYER, KEEPER, SERVER = "mlgolf-play", "mlgolf-watcher", "mlgolf-forks"
_EATEN = 192 << 20  # bytes by which a referee and its players may grow, at most, under pressure
_EAT = """
import os, sys, time
from pathlib import Path
group, most, rank, watched = Path(sys.argv[1]), *map(int, sys.argv[2:])
(group / "cgroup.procs").write_text("0")
Path("/proc/self/oom_score_adj").write_text(str(rank))
eaten = []
while int((group / "memory.usage_in_bytes").read_text()) < most:
    eaten.append(bytearray(b"x") * (4 << 20))
    if not Path(f"/proc/{watched}").exists():
        break
time.sleep(0.5)
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """A trial under way."""

    world: World
    referee: subprocess.Popen
    rng: random.Random

    def some(self, *names: str) -> list[int]:
        return [pid for pid, name in processes().items() if name in names]

    def first(self, name: str) -> int | None:
        return next(iter(self.some(name)), None)


Inject = Callable[[Scene], bool]  # whether there was anything to be hit
ENDED = frozenset({Status.FINISHED})
CUT_SHORT = frozenset({Status.FINISHED, Status.KILLED})  # the first where it came too late
EXITS = frozenset({0, 1})


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    inject: Inject
    attempt: frozenset[Status]  # how the attempt that it met may end, if it gets a verdict
    exits: frozenset[int] = EXITS  # of the referee that it met
    ends: frozenset[Status] = ENDED  # how the trial may end for good
    needs: Callable[[World], bool] = lambda world: True


def _signal(pid: int | None, number: signal.Signals) -> bool:
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False


def player_killed(scene: Scene) -> bool:
    return _signal(scene.first(PLAYER), signal.SIGKILL)


def keeper_killed(scene: Scene) -> bool:
    """The first process of the player's namespace, or the one that waits for it outside."""
    keeper = scene.first(KEEPER)
    if keeper is not None and scene.rng.random() < 0.5:
        keeper = parent(keeper)
    return _signal(keeper or None, signal.SIGKILL)


def server_killed(scene: Scene) -> bool:
    servers = [pid for pid in scene.some(SERVER) if pid not in map(parent, scene.some(KEEPER))]
    return _signal(next(iter(servers), None), signal.SIGKILL)


def referee_killed(scene: Scene) -> bool:
    return scene.referee.poll() is None and _signal(scene.referee.pid, signal.SIGKILL)


def disk_full(scene: Scene) -> bool:
    with scene.world.full_disk(), contextlib.suppress(subprocess.TimeoutExpired):
        scene.referee.wait(60)
    return True


def disk_full_for_a_while(scene: Scene) -> bool:
    with scene.world.full_disk():
        time.sleep(scene.rng.uniform(0.0, 0.5))
    return True


def disk_stalls(scene: Scene) -> bool:
    """Again and again, for about a second altogether."""
    end = time.monotonic() + 1
    while time.monotonic() < end:
        with scene.world.stalled_disk():
            time.sleep(scene.rng.uniform(0.02, 0.5))
        time.sleep(scene.rng.uniform(0.0, 0.02))
    return True


def clock_jumps(scene: Scene) -> bool:
    """It does all the time in a referee that was started by JUMPING."""
    return True


def memory_is_short(scene: Scene) -> bool:
    """Something else eats all that is left, until the kernel ends it."""
    with _little_memory(scene, rank=1000, watched=scene.referee.pid):
        return True


def memory_runs_out(scene: Scene) -> bool:
    """The kernel ends the player for want of memory."""
    player = scene.first(PLAYER)
    if player is None:
        return False
    try:
        with open(f"/proc/{player}/oom_score_adj", "w") as rank:
            rank.write("1000")
    except (FileNotFoundError, ProcessLookupError):
        return False
    with _little_memory(scene, rank=500, watched=player):
        return True


@contextlib.contextmanager
def _little_memory(scene: Scene, *, rank: int, watched: int) -> Iterator[None]:
    group = scene.world.memory
    assert group is not None
    limit = group / "memory.limit_in_bytes"
    most = int((group / "memory.usage_in_bytes").read_text()) + _EATEN
    limit.write_text(str(most))
    eater = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _EAT, str(group), str(most), str(rank), str(watched)],
        stderr=subprocess.DEVNULL,
    )
    try:
        eater.wait(20)
        yield
    finally:
        eater.kill()
        eater.wait()
        limit.write_text("-1")


def player_stopped(scene: Scene) -> bool:
    return _stopped(scene, scene.first(PLAYER))


def keeper_stopped(scene: Scene) -> bool:
    return _stopped(scene, scene.first(KEEPER))


def referee_stopped(scene: Scene) -> bool:
    return scene.referee.poll() is None and _stopped(scene, scene.referee.pid)


def _stopped(scene: Scene, pid: int | None) -> bool:
    if not _signal(pid, signal.SIGSTOP):
        return False
    time.sleep(scene.rng.uniform(0.1, 1.5))
    _signal(pid, signal.SIGCONT)
    return True


def _has_memory_group(world: World) -> bool:
    return world.memory is not None


KILLED_BY_US = frozenset({-signal.SIGKILL})
NO_ROOM = frozenset({2})
JUMPS = Fault("system clock jumps", clock_jumps, ENDED)
FAULTS = (
    Fault("player killed", player_killed, CUT_SHORT),
    Fault("keeper killed", keeper_killed, CUT_SHORT),
    Fault("fork server killed", server_killed, CUT_SHORT),
    Fault("referee killed", referee_killed, ENDED, KILLED_BY_US),
    Fault("disk full", disk_full, ENDED, NO_ROOM),
    Fault("disk full for a while", disk_full_for_a_while, ENDED, EXITS | NO_ROOM),
    Fault("disk stalls", disk_stalls, ENDED, needs=lambda world: world.can_stall),
    Fault("memory is short", memory_is_short, ENDED, needs=_has_memory_group),
    Fault(
        "memory runs out", memory_runs_out, frozenset({Status.FINISHED, Status.OUT_OF_MEMORY}),
        ends=frozenset({Status.FINISHED, Status.OUT_OF_MEMORY}), needs=_has_memory_group,
    ),
    Fault("player stopped", player_stopped, ENDED),
    Fault("keeper stopped", keeper_stopped, ENDED),
    Fault("referee stopped", referee_stopped, ENDED),
)
