"""A small world for `faults.py`, in which everything that is left over can be seen.

Namespaces of its own for processes, mounts and IPC: every process in there is ours, /tmp, /dev/shm
and the segments of System V begin empty, and what is mounted is gone at the end. Root makes them
directly; others by a user namespace, without the disk that can be stalled and the control group.
"""

import contextlib
import errno
import fcntl
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

INSIDE = "MLGOLF_FAULTS_SCRATCH"
DISK_BYTES = 32 << 20
PATIENCE_SECONDS = 10.0  # for processes to end
_GROUPS = Path("/sys/fs/cgroup")
_CONTROLLERS = ("cpuacct", "memory", "pids")
_FIFREEZE, _FITHAW = 0xC0045877, 0xC0045878  # ioctl_fsfreeze
# Of the machine: locks, which stay, and the folder of PyTorch's own cache.
_STAY = ("mlgolf-core", "mlgolf-alone", "mlgolf-running", "torchinductor_")
_IPC = ("shm", "sem", "msg")


def enter() -> int:
    """Run this script again in a world of its own. Returns: its exit code."""
    scratch = tempfile.mkdtemp(prefix="mlgolf-faults-", dir="/var/tmp")
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    try:
        return subprocess.run(
            ["unshare", *rights, "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
             "--ipc", sys.executable, *sys.argv],
            env={**os.environ, INSIDE: scratch},
        ).returncode  # fmt: skip
    finally:
        shutil.rmtree(scratch)


class World:
    """Everything that a referee can leave something in."""

    def __init__(self, needed: list[Path]) -> None:
        """Args: needed: folders that must be seen even if they lie in /tmp."""
        self.scratch = Path(os.environ[INSIDE])
        self.disk, self.home = self.scratch / "disk", self.scratch / "home"
        temporary = self.scratch / "tmp"
        for folder in (self.disk, self.home, temporary):
            folder.mkdir()
        inside = {path for path in map(Path.resolve, needed) if path.is_relative_to("/tmp")}
        for folder in inside:
            shown = temporary / folder.relative_to("/tmp")
            shown.mkdir(parents=True, exist_ok=True)
            _mount("--bind", folder, shown)
        self._shown = {path.parts[2] for path in inside}
        _mount("--rbind", temporary, "/tmp")
        _mount("-t", "tmpfs", "none", "/dev/shm")
        self.can_stall = self._mount_disk()
        self.group = _group(self.scratch.name)

    def _mount_disk(self) -> bool:
        """A file system of its own, of 32 MB. Returns: whether it can be made to stall."""
        image = self.scratch / "image"
        with open(image, "wb") as file:
            file.truncate(DISK_BYTES)
        try:
            subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True, capture_output=True)
            _mount("-o", "loop", image, self.disk)
        except (OSError, subprocess.CalledProcessError):
            _mount("-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", self.disk)
            return False
        (self.disk / "lost+found").rmdir()
        return True

    def environment(self) -> dict[str, str]:
        """Of a referee."""
        ours = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        data = str(self.disk / "data")
        return {**ours, "HOME": str(self.home), "MLGOLF_DATA_DIR": data}

    def start(self, command: list[str], said: Path) -> subprocess.Popen:
        """A process in our control group, as the first of a session. Args: said: its stderr."""
        with open(said, "a") as file:
            return subprocess.Popen(
                command, env=self.environment(), stdin=subprocess.DEVNULL, stderr=file,
                stdout=subprocess.DEVNULL, start_new_session=True, preexec_fn=self.join,
            )

    def join(self) -> None:
        for folder in self.group:
            (folder / "cgroup.procs").write_text("0")

    @contextlib.contextmanager
    def full_disk(self) -> Iterator[None]:
        """Not a byte is left on it."""
        filler = self.disk / "filler"
        try:
            with open(filler, "wb", buffering=0) as file:
                while any(_written(file.fileno(), bytes(size)) for size in (1 << 16, 1 << 12, 1)):
                    os.fsync(file.fileno())  # what is reserved for it may be more than it needs
            yield
        finally:
            filler.unlink()

    @contextlib.contextmanager
    def stalled_disk(self) -> Iterator[None]:
        """Every write and fsync waits in the kernel."""
        descriptor = os.open(self.disk, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _FIFREEZE, 0)
            try:
                yield
            finally:
                fcntl.ioctl(descriptor, _FITHAW, 0)
        finally:
            os.close(descriptor)

    @property
    def memory(self) -> Path | None:
        """The group that limits the memory of a referee, its players and what eats it."""
        return next((path for path in self.group if "memory" in path.parts), None)

    def left_over(self, *, killed: bool = False) -> list[str]:
        """What a referee that has ended left outside of its run.

        Args: killed: then its control groups are left to the next referee, who removes them.
        """
        found = [f"process {pid} {name}" for pid, name in _once_ended(self._others).items()]
        found += [f"/dev/shm/{name}" for name in os.listdir("/dev/shm")]
        for kind in _IPC:
            lines = Path(f"/proc/sysvipc/{kind}").read_text().splitlines()[1:]
            found += [f"System V {kind} {line.split()[1]}" for line in lines]
        found += [
            f"/tmp/{name}" for name in os.listdir("/tmp")
            if name not in self._shown and not name.startswith(_STAY)
        ]
        found += [str(path) for path in self.home.rglob("*")]
        groups = (path for folder in self.group for path in folder.rglob("*") if path.is_dir())
        return found + [str(path) for path in groups if not killed]

    def _others(self) -> dict[int, str]:
        return {pid: name for pid, name in processes().items() if pid != os.getpid()}

    def close(self) -> None:
        for pid in self._others():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _once_ended(self._others)
        for folder in self.group:
            folder.rmdir()


def processes() -> dict[int, str]:
    """All of this world by number, those that have ended left out. Orphans are reaped: we are 1."""
    found = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = Path(f"/proc/{entry}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        name, _, rest = stat.partition("(")[2].rpartition(")")
        if rest.split()[0] not in "ZX":
            found[int(entry)] = name
    return found


def reap(but: int) -> None:
    """Orphans that have ended; `but` is a child that somebody else waits for."""
    with contextlib.suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid == but:
                return
            os.waitpid(ended.si_pid, 0)


def parent(pid: int) -> int:
    """0 for one that is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _once_ended(others: Callable[[], dict[int, str]]) -> dict[int, str]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := others()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def _written(descriptor: int, block: bytes) -> int:
    """How many of these blocks there was room for."""
    for count in itertools.count():
        try:
            os.write(descriptor, block)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return count
    raise AssertionError("a disk without an end")


def _mount(*words: object) -> None:
    subprocess.run(["mount", *map(str, words)], check=True, capture_output=True)


def _group(name: str) -> list[Path]:
    """A folder of each controller of version 1; none where they are not to be had."""
    made: list[Path] = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in set(controllers.split(",")) & {*_CONTROLLERS}:
            folder = _GROUPS / controller / path.lstrip("/") / name
            with contextlib.suppress(OSError):
                folder.mkdir()
                made.append(folder)
    return made
