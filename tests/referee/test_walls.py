"""Each wall of the level `bubblewrap`, tried from inside, as who runs the tests and as anybody."""

import ctypes
import json
import mmap
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import mlgolf
from mlgolf.core.errors import SandboxError
from mlgolf.referee import kernel, landlock, levels, packs
from mlgolf.referee.orders import Order
from mlgolf.referee.sandbox import HeldProcess
from mlgolf.referee.sandbox_check import ATTEMPTS

HERE = Path(__file__).parent
PACKAGE = Path(mlgolf.__file__).parent
SYSTEM_PYTHON = "/usr/bin/python3"
NOBODY = 65534
WHO = ["myself"] + ["nobody"] * (os.geteuid() == 0 and os.path.exists(SYSTEM_PYTHON))
PARTS = ("__init__.py", "referee", "core/__init__.py", "core/errors.py", "core/text.py")
pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def copied() -> Iterator[Path]:
    """A copy of what checks the walls, which anybody can read."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        for part in PARTS:
            target = folder / "src" / "mlgolf" / part
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (PACKAGE / part).is_dir() else shutil.copy
            copy(PACKAGE / part, target)
        shutil.copy(HERE / "try_walls.py", folder)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755)
        yield folder


@pytest.fixture(scope="module")
def checked(copied) -> dict[str, dict]:
    """What the check says, by who asks."""
    return {who: as_checked(copied, who) for who in WHO}


def as_checked(folder: Path, who: str) -> dict:
    python, user = (SYSTEM_PYTHON, NOBODY) if who == "nobody" else (sys.executable, None)
    done = subprocess.run(
        [python, "-I", str(folder / "try_walls.py"), str(folder / "src")],
        capture_output=True, text=True, timeout=240, user=user, cwd="/",
        extra_groups=[] if user else None, env={**os.environ, "HOME": str(folder)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("name", sorted(ATTEMPTS.keys() - {"memory", "tasks"}))
def test_a_wall_holds(checked, who, name):
    wall = next(wall for wall in checked[who]["walls"] if wall["name"] == name)
    assert wall["held"] is True, wall["why"]


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("name", ["memory", "tasks"])
def test_a_limit_of_the_whole_player_holds_exactly_where_the_record_says_so(checked, who, name):
    wall = next(wall for wall in checked[who]["walls"] if wall["name"] == name)
    by = checked[who]["held_by"][{"memory": "memory_limit", "tasks": "task_limit"}[name]]
    assert wall["held"] is (by.startswith("cgroup") or by == "RLIMIT_NPROC"), (by, wall["why"])


@pytest.mark.parametrize("who", WHO)
def test_the_record_says_how_a_player_was_held(checked, who):
    record = checked[who]["held_by"]
    assert record["freezing"] == "pid_namespace"
    assert record["files"] == "private"
    assert record.keys() >= {"memory_limit", "task_limit", "landlock", "cpu_time_source"}


def behind_walls(code: str, **fields) -> str:
    """What the code prints there."""
    folders = [Path(sys.prefix), Path(sys.base_prefix)]
    order = Order(
        argv=[sys.executable, "-I", "-S", "-c", code], **{"see": folders, "walls": True, **fields}
    )
    with tempfile.TemporaryFile() as said:
        held = HeldProcess(order, output=said.fileno())
        try:
            held.start()
            held.wait(30)
        finally:
            held.stop()
        said.seek(0)
        return said.read().decode().strip()


# What one trial leaves and how the next looks for it.
SOCKET = "import socket; s = socket.socket(socket.AF_UNIX); "
CONNECTED = "print('found' if s.connect_ex({0!r}) == 0 else 'nothing')"
DAEMON = (
    "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: {0}\n"
    "    os._exit(0)\ntime.sleep(0.2)"
)
LIBC = "import ctypes; l = ctypes.CDLL(None, use_errno=True); "
CALLS = (
    f"import os; {LIBC}"
    "add, ctl = dict(x86_64=(248, 250), aarch64=(217, 219))[os.uname().machine]; "
)
FILE = "import os; print('found' if os.path.exists({0!r}) else 'nothing')"
LEFT = {
    "a file in /tmp": ("open('/tmp/kept', 'w')", FILE.format("/tmp/kept")),
    "a file in /var/tmp": ("open('/var/tmp/kept', 'w')", FILE.format("/var/tmp/kept")),
    "a named piece of memory": ("open('/dev/shm/kept', 'w')", FILE.format("/dev/shm/kept")),
    "a compile cache": (
        "import os; os.makedirs('/tmp/torchinductor_nobody/x')",
        FILE.format("/tmp/torchinductor_nobody"),
    ),
    "a named socket": (
        SOCKET + "s.bind('/tmp/kept'); s.listen(); t = s", SOCKET + CONNECTED.format("/tmp/kept"),
    ),
    "an abstract socket of a process that goes on": (
        SOCKET + "s.bind('\\0kept'); s.listen(); t = s\n" + DAEMON.format("time.sleep(20)"),
        SOCKET + CONNECTED.format("\0kept"),
    ),
    "a process": (
        DAEMON.format("os.execv('/bin/sleep', ['kept', '20'])"),
        "import os; print('nothing' if {p for p in os.listdir('/proc') if p.isdigit()} == "
        "{'1', str(os.getpid())} else 'found')",
    ),
    "shared memory of System V": (
        LIBC + "print(l.shmget(77, 4096, 0o1666))",
        LIBC + "print('found' if l.shmget(77, 4096, 0) >= 0 else 'nothing')",
    ),
    "a key": (
        CALLS + "print(l.syscall(add, b'user', b'kept', b'1', 1, -4))",
        CALLS + "print('found' if l.syscall(ctl, 10, -4, b'user', b'kept', 0) > 0 else 'nothing')",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", LEFT)
def test_nothing_that_a_trial_leaves_is_found_by_the_next(what):
    leave, look = LEFT[what]
    behind_walls(leave)
    assert behind_walls(look) == "nothing"


@pytest.mark.parametrize("what", sorted(LEFT.keys() - {"a key", "a process"}))
def test_within_a_trial_it_would_have_been_found(what):
    """Else the test before this one could not fail."""
    leave, look = LEFT[what]
    assert behind_walls(f"{leave}\n{look}").endswith("found")


def pages_in_memory(file: Path) -> int:
    with open(file, "r+b") as opened, mmap.mmap(opened.fileno(), 0) as mapped:
        found = (ctypes.c_ubyte * -(-len(mapped) // mmap.PAGESIZE))()
        start = ctypes.c_char.from_buffer(mapped)
        address, length = ctypes.c_void_p(ctypes.addressof(start)), ctypes.c_size_t(len(mapped))
        kernel.checked(kernel.libc.mincore(address, length, found), "mincore")
        del start
        return sum(page & 1 for page in found)


@pytest.mark.parametrize("reads", [True, False])
def test_what_a_trial_has_read_of_a_file_is_not_in_memory_for_the_next(tmp_path, reads):
    """Else which pages these are could carry its weights."""
    library = tmp_path / "library"
    library.write_bytes(os.urandom(1 << 22))
    with open(library, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if pages_in_memory(library):
        pytest.skip("this file system keeps its files in memory")
    code = f"open({str(library)!r}, 'rb').read()" if reads else ""
    see = [Path(sys.prefix), Path(sys.base_prefix), tmp_path]
    order = Order(
        argv=[sys.executable, "-I", "-S", "-c", code], see=see, walls=True, memory_bytes=1 << 30
    )
    held = HeldProcess(order)
    try:
        if not held.record()["memory_limit"].startswith("cgroup"):
            pytest.skip("no control group limits memory here")
        held.start()
        assert held.wait(30) == 0
        assert bool(pages_in_memory(library)) == reads
    finally:
        held.stop()
    assert pages_in_memory(library) == 0


def test_what_a_player_is_given_lies_where_it_lay_and_cannot_be_written(tmp_path):
    code = (
        f"folder = {str(tmp_path)!r}\nprint(open(folder + '/a/b.py').read())\n"
        "try: open(folder + '/a/b.py', 'w')\nexcept OSError as error: print(error.strerror)"
    )
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.py").write_text("text")
    descriptor = packs.pack([tmp_path])
    given = {"given": [tmp_path], "pack": descriptor, "walls": False}
    try:
        found = behind_walls(code, **given)
    finally:
        os.close(descriptor)
    assert found.splitlines() == ["text", "Read-only file system"]


@pytest.mark.skipif(landlock.version() == 0, reason="this kernel has no Landlock")
def test_landlock_refuses_what_the_mounts_would_show():
    """The root folder is there to be listed; no rule of Landlock names it."""
    code = "import os\ntry: os.listdir('/')\nexcept OSError as error: print(error.strerror)"
    assert behind_walls(code) == "Permission denied"


def test_an_ordinary_user_plays_a_run_behind_walls(tmp_path, adamw, data_dir):
    linear = Path(__file__).parents[1] / "end_to_end" / "linear.toml"
    mlgolf_run = [
        Path(sys.executable).parent / "mlgolf", "run", adamw, "--competition", linear, "--trials",
        1, "--studies", 1, "--data-dir", data_dir, "--out", tmp_path / "run", "--sandbox",
        "bubblewrap",
    ]  # fmt: skip
    as_user = ["unshare", "--user", "--map-user=1000", "--map-group=1000", *map(str, mlgolf_run)]
    done = subprocess.run(as_user, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    (verdict,) = (tmp_path / "run").rglob("verdict.json")
    record = json.loads(verdict.read_text())["sandbox"]
    assert record["level"] == "bubblewrap"
    assert record["task_limit"] == "RLIMIT_NPROC"


def test_root_is_nobody_behind_the_walls():
    expected = NOBODY if os.geteuid() == 0 else os.geteuid()
    assert behind_walls("import os; print(os.getuid())") == str(expected)


def test_a_machine_without_bubblewrap_is_told_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    levels.bubblewrap_problem.cache_clear()
    try:
        with pytest.raises(SandboxError, match=r"bubblewrap was not found .* apt install bubblewr"):
            levels.check_level("bubblewrap")
        assert levels.default_level() == "process"
    finally:
        levels.bubblewrap_problem.cache_clear()


def test_a_bubblewrap_that_fails_is_quoted(monkeypatch, tmp_path):
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: no permission' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    levels.bubblewrap_problem.cache_clear()
    try:
        with pytest.raises(SandboxError, match="not to be had on this machine: bwrap: no permissi"):
            levels.check_level("bubblewrap")
    finally:
        levels.bubblewrap_problem.cache_clear()


def test_walls_that_cannot_all_be_put_up_are_refused_and_not_lowered():
    code = (
        "import sys; from pathlib import Path; from mlgolf.referee.orders import Order\n"
        "from mlgolf.referee.sandbox import HeldProcess\n"
        "try: HeldProcess(Order(argv=[sys.executable, '-c', ''], walls=True))\n"
        "except OSError as error: print(error)"
    )
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "sh", "-c",
         f"echo 0 > /proc/sys/user/max_user_namespaces; {sys.executable} -c \"$0\"", code],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "the supervisor ended before it could start the player" in done.stdout, done
