"""Real processes, frozen and counted for real, as who runs the tests and as anybody."""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from ast import literal_eval
from collections.abc import Sequence
from pathlib import Path

import pytest

import mlgolf
from mlgolf.referee import sandbox
from mlgolf.referee.orders import Command, Order
from mlgolf.referee.sandbox import HeldProcess

HERE = Path(__file__).parent
PYTHON_FOLDERS = [Path(sys.prefix), Path(sys.base_prefix)]
SYSTEM_PYTHON = "/usr/bin/python3"
NOBODY = 65534
pytestmark = pytest.mark.alone


def freezing(
    *options: str, at: Path, user: int | None = None, python: str = sys.executable
) -> dict:
    """What try_freezing.py prints, run from a copy that anybody can read."""
    package = Path(mlgolf.__file__).parent
    (at / "src" / "mlgolf").mkdir(parents=True)
    shutil.copy(package / "__init__.py", at / "src" / "mlgolf")
    shutil.copytree(package / "referee", at / "src" / "mlgolf" / "referee")
    for name in ("burners.py", "try_freezing.py"):
        shutil.copy(HERE / name, at)
    for path in [at, *at.rglob("*")]:
        path.chmod(0o755)
    done = subprocess.run(
        [python, "-I", str(at / "try_freezing.py"), str(at / "src"), *options],
        capture_output=True, text=True, timeout=120, user=user, cwd="/",
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def open_folder(tmp_path_factory):
    """A folder whose parents an ordinary user may pass."""
    import tempfile

    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        os.chmod(name, 0o755)
        yield Path(name)


def test_a_frozen_player_burns_nothing_however_it_forks(open_folder):
    result = freezing(at=open_folder)
    assert result["record"]["freezing"] == "pid_namespace"
    assert sum(result["leaked"]) <= 0.001
    assert result["used"] > 0.2  # it did burn while it was not frozen


@pytest.mark.skipif(
    os.geteuid() != 0 or not os.path.exists(SYSTEM_PYTHON),
    reason="needs root, to become somebody else, and a Python that anybody may run",
)
def test_a_frozen_player_of_an_ordinary_user_burns_nothing(open_folder):
    result = freezing(user=NOBODY, python=SYSTEM_PYTHON, at=open_folder)
    assert result["record"]["freezing"] == "pid_namespace"
    assert result["record"]["cpu_time_source"] == "perf task-clock"
    assert sum(result["leaked"]) <= 0.001
    assert result["used"] > 0.2


def test_without_namespaces_freezing_is_best_effort_and_recorded_so(open_folder):
    result = freezing("best_effort", "once", at=open_folder)
    assert result["record"]["freezing"] == "best_effort"
    assert result["record"]["namespaces_refused"] == "not asked for"


@pytest.mark.parametrize("control_group", [True, False])
@pytest.mark.parametrize("case", ["thread", "child", "daemon", "chain", "ignored"])
def test_cpu_time_is_charged_in_full(case, control_group):
    (ready, ready_w), (go_r, go), (done, done_w) = os.pipe(), os.pipe(), os.pipe()
    theirs = [ready_w, go_r, done_w]
    order = Order(
        argv=[sys.executable, "-I", "-S", str(HERE / "burners.py"), case, *map(str, theirs)],
        inherit=theirs, see=[HERE, *PYTHON_FOLDERS],
    )
    held = HeldProcess(order, control_group=control_group)
    try:
        held.start()
        read_from(held, ready)
        time.sleep(0.05)
        before = held.cpu_seconds()
        os.write(go, b"g")
        expected, reports = 0.0, 30 if case == "chain" else 1
        pending = b""
        while reports:
            pending += read_from(held, done)
            *lines, pending = pending.split(b"\n")
            expected += sum(map(float, lines))
            reports -= len(lines)
        time.sleep(0.05)
        charged = held.cpu_seconds() - before
    finally:
        held.stop()
        for descriptor in (ready, ready_w, go_r, go, done, done_w):
            os.close(descriptor)
    assert charged == pytest.approx(expected, abs=0.025)


def read_from(held: HeldProcess, source: int, seconds: float = 60.0) -> bytes:
    """What it says next. We hold the other end, too: if it has ended, nothing comes."""
    if select.select([source], [], [], seconds)[0]:
        return os.read(source, 4096)
    raise AssertionError(f"it said nothing for {seconds} s; its exit code is {held.poll()}")


def test_stopping_ends_every_process_and_leaves_no_control_group():
    before = control_groups_of_ours()
    argv = [sys.executable, "-I", "-S", str(HERE / "burners.py"), "burn"]
    held = HeldProcess(Order(argv=argv, see=[HERE, *PYTHON_FOLDERS]))
    held.start()
    time.sleep(0.3)
    has_one = held.record()["cpu_time_source"].startswith("cgroup")
    assert (control_groups_of_ours() > before) == has_one
    held.stop()
    assert burners() == []
    assert control_groups_of_ours() == before


def control_groups_of_ours() -> set[Path]:
    namespace = os.stat("/proc/self/ns/pid").st_ino
    return {*Path("/sys/fs/cgroup").glob(f"**/mlgolf-{namespace}-{os.getpid()}-*")}


def test_a_supervisor_that_ends_at_once_is_an_error_and_leaves_no_descriptor_open():
    def launch(*_):
        return subprocess.Popen([sys.executable, "-I", "-S", "-c", ""])

    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="the supervisor ended before it could start the player"):
        HeldProcess(Order(argv=["nothing"]), launch=launch)
    assert set(os.listdir("/proc/self/fd")) == before


def held_by(monkeypatch, program: list[str], *, needs_control: bool = True) -> str:
    """What is said of a supervisor that is this program."""
    monkeypatch.setattr(sandbox, "_START_SECONDS", 2.0 if needs_control else 60.0)
    monkeypatch.setattr(sandbox, "_PATIENCE_SECONDS", 0.2)

    def launch(order, control, output):
        return subprocess.Popen([*program, str(control), order.encode()], pass_fds=[control])

    with pytest.raises(OSError, match="the supervisor") as found:
        HeldProcess(Order(argv=["nothing"], best_effort=True), launch=launch)
    return str(found.value)


def test_a_supervisor_that_hangs_is_an_error_and_not_a_wait_without_end(monkeypatch):
    hangs = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"]
    assert held_by(monkeypatch, hangs) == "the supervisor said nothing within 2 s"


REFUSES = """
import os, sys
sys.path.insert(0, {source!r})
from mlgolf.referee import supervisor
def refuse(_): raise OSError("this kernel has no such call")
os.pidfd_open = refuse
supervisor.run()
"""


def test_a_player_whose_supervisor_failed_before_it_began_ends_with_it(monkeypatch):
    """Without namespaces nobody else would end it, and it holds its referee's socket open."""
    code = REFUSES.format(source=str(Path(mlgolf.__file__).parents[1]))
    fails = [sys.executable, "-I", "-S", "-c", code]
    said = held_by(monkeypatch, fails, needs_control=False)
    assert said == "the supervisor ended before it could start the player"


FAILS = """
import sys
sys.path.insert(0, {source!r})
from mlgolf.referee import processes, supervisor
def fail(*_, **__): raise OSError("a fault of ours")
processes.wait_until_still = fail
supervisor.run()
"""


def test_a_supervisor_that_fails_ends_its_player():
    code = FAILS.format(source=str(Path(mlgolf.__file__).parents[1]))

    def launch(order, control, output):
        fails = [sys.executable, "-I", "-S", "-c", code, str(control), order.encode()]
        return subprocess.Popen(fails, pass_fds=[control], stderr=subprocess.DEVNULL)

    argv = [sys.executable, "-I", "-S", str(HERE / "burners.py"), "burn"]
    held = HeldProcess(Order(argv=argv, best_effort=True), launch=launch)
    held.start()
    time.sleep(0.3)
    held.freeze()
    held.stop()
    assert held.exit_code == -signal.SIGKILL
    assert burners() == []


@pytest.mark.parametrize("best_effort", [False, True])
def test_every_process_of_a_frozen_player_goes_on_on_the_cores_that_are_said(best_effort):
    core = min(os.sched_getaffinity(0))
    argv = [sys.executable, "-I", "-S", str(HERE / "burners.py"), "burn"]
    held = HeldProcess(Order(argv=argv, see=[*PYTHON_FOLDERS, HERE], best_effort=best_effort))
    held.start()
    time.sleep(0.3)
    held.freeze()
    held.use_cores([core])
    found = [os.sched_getaffinity(int(pid)) for pid in burners()]
    held.stop()
    assert len(found) > 2
    assert found == [{core}] * len(found)


def test_a_referee_that_is_gone_before_it_is_answered_leaves_no_process(tmp_path):
    """Without namespaces the supervisor has to end all of them itself, stopped ones, too."""
    argv = [sys.executable, "-I", "-S", str(HERE / "burners.py"), "burn"]
    with open(tmp_path / "said", "w") as said:
        held = HeldProcess(Order(argv=argv, best_effort=True), output=said.fileno())
    held.start()
    time.sleep(0.3)
    held._control.send(Command.FREEZE.value)
    held.stop()
    assert burners() == []
    assert (tmp_path / "said").read_text() == ""


STREAMS = """
import os, stat
for n in range(3):
    mode = os.fstat(n).st_mode
    try:
        os.fchmod(n, stat.S_IMODE(mode))
    except OSError as error:
        print(n, error.strerror)
    else:
        print(n, "a pipe" if stat.S_ISFIFO(mode) else "a file of the host")
"""


def test_no_stream_of_a_player_is_a_file_of_the_host(tmp_path):
    """By a descriptor its owner could change who may use it, and have it fill the disk."""
    with open(tmp_path / "log", "w+") as log:
        order = Order(argv=[sys.executable, "-I", "-S", "-c", STREAMS], see=PYTHON_FOLDERS)
        held = HeldProcess(order, output=log.fileno())
        held.start()
        held.wait(30)
        held.stop()
        log.seek(0)
        said = log.read().splitlines()
    assert said == ["0 Read-only file system", "1 a pipe", "2 a pipe"]


def burners() -> list[str]:
    return [pid for pid in os.listdir("/proc") if pid.isdigit() and is_burner(pid)]


def is_burner(pid: str) -> bool:
    try:
        return b"burners.py\0burn\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def listing(folder: Path | str) -> str:
    return f"import os; print(sorted(os.listdir({str(folder)!r})))"


@pytest.mark.parametrize("folder", ["/tmp", "/var/tmp", "/dev/shm", "/run"])
def test_a_player_has_an_empty_scratch_that_is_gone_afterwards(folder):
    found = seen_by_a_player(f"open('{folder}/left', 'w').write('1'); {listing(folder)}")
    # Python and mlgolf may lie there too: their folders are all that is seen of it.
    given = [*Path(sys.prefix).parents, *Path(mlgolf.__file__).parents, Path(sys.prefix)]
    kept = [name for name in literal_eval(found) if Path(folder, name) not in given]
    assert kept == ["left"]
    assert not Path(folder, "left").exists()


def test_a_player_sees_no_folder_but_those_it_is_given(tmp_path):
    for name in ("code", "other"):
        (tmp_path / name).mkdir()
    assert seen_by_a_player(listing(tmp_path), see=[tmp_path / "code"]) == "['code']"
    assert seen_by_a_player(f"import os; print(os.path.exists({str(HERE)!r}))") == "False"


def test_of_a_hidden_folder_a_player_sees_what_it_is_given_in_it_and_no_more(tmp_path):
    for name in ("train", "validation"):
        (tmp_path / "data" / name).mkdir(parents=True)
    see, hide = [tmp_path, tmp_path / "data" / "train"], [tmp_path / "data"]
    assert seen_by_a_player(listing(tmp_path / "data"), see=see, hide=hide) == "['train']"


@pytest.mark.parametrize("folder", ["/", "/usr", "/etc", "/dev", sys.prefix])
def test_a_player_can_write_nowhere_but_into_its_scratch(folder):
    code = (
        f"try: open({folder!r} + '/left', 'w')\n"
        "except OSError as error: print(error.strerror)"
    )
    assert seen_by_a_player(code) == "Read-only file system"


def test_a_player_stands_in_its_own_root():
    assert seen_by_a_player("import os; print(os.getcwd())") == "/"


def test_a_player_can_still_write_to_devices():
    assert seen_by_a_player("open('/dev/null', 'w').write('1'); print('written')") == "written"


def test_a_player_has_no_capabilities_and_cannot_gain_any():
    status = seen_by_a_player("print(open('/proc/self/status').read())")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(fields["CapEff"], 16) == 0
    assert int(fields["CapBnd"], 16) == 0
    assert fields["NoNewPrivs"] == "1"


def test_a_player_sees_its_environment_and_no_other(monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_REFEREE", "1")
    assert "SECRET" not in seen_by_a_player("import os; print(dict(os.environ))")


def seen_by_a_player(code: str, see: Sequence[Path] = (), hide: Sequence[Path] = ()) -> str:
    output, theirs = os.pipe()
    argv = [sys.executable, "-I", "-S", "-c", code]
    order = Order(argv=argv, see=[*PYTHON_FOLDERS, *see], hide=hide)
    held = HeldProcess(order, output=theirs)
    os.close(theirs)
    try:
        held.start()
        with open(output) as file:
            # The supervisor holds the descriptor too: wait for the end of the player, then for its.
            deadline = time.monotonic() + 20
            while held.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            held.stop()
            return file.read().strip()
    finally:
        held.stop()


def test_a_supervisor_that_is_killed_before_it_reads_a_command_has_ended():
    held = object.__new__(HeldProcess)
    held._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    held.exit_code = None
    held.start()
    theirs.close()  # with the command in it
    assert held.poll() == -signal.SIGKILL
    held._control.close()
