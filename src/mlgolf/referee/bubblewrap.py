"""The outer wall: the command line of bubblewrap, and what the first process behind it does.

Bubblewrap is a small program that many rely on and that others have audited. What starts behind it
is ours (a supervisor, or the fork server) and puts up a second wall of its own for each player. A
player stands behind both. Standard library only. Source: bwrap(1).
"""

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mlgolf.referee import kernel
from mlgolf.referee.sandbox_mounts import DEVICES, SCRATCH

PROGRAM = "bwrap"
INSTALL = "install it (Debian, Ubuntu: apt install bubblewrap)"
PROGRAMS = Path("/usr")  # always seen
NOBODY = "65534"  # root is nobody in there: no user of its own, no sysctl, no file of others
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix", "/gnu", "/opt/rocm*")
# Of /etc what programs need to run: by root, everybody's passwords would be there to read.
_ETC = (
    "alternatives", "ca-certificates", "group", "host.conf", "hosts", "ld.so.cache", "ld.so.conf",
    "ld.so.conf.d", "localtime", "mime.types", "nsswitch.conf", "nvidia", "OpenCL", "passwd",
    "protocols", "services", "ssl/certs", "ssl/openssl.cnf", "timezone",
)  # fmt: skip
_COVERED = ("/sys/fs/cgroup", "/sys/firmware")
_COVERED_IN_PROC = ("sys", "sysrq-trigger", "irq", "bus")  # by bubblewrap, for some users


def command(
    see: Iterable[Path], environment: Mapping[str, str], *, dies_with_parent: bool,
    hide: Iterable[Path] = (),
) -> list[str]:
    """What comes before a program's own arguments. It keeps the descriptors that it inherits.

    Args:
      see: what can be read in there besides the system's programs, if it exists.
      hide: files in it that cannot be read there.
      dies_with_parent: with the thread that starts it, to be exact.
    Raises: OSError where there is no bubblewrap.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise OSError(f"bubblewrap was not found ({PROGRAM} on the PATH): {INSTALL}")
    return [
        program, "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc",
        "--unshare-uts", "--unshare-cgroup", "--new-session", "--hostname", "mlgolf",
        *(("--die-with-parent",) if dies_with_parent else ()),
        *(("--uid", NOBODY, "--gid", NOBODY) if os.geteuid() == 0 else ()),
        # To mount in there, until `settle` gives it up.
        "--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN",
        "--clearenv", *_words("--setenv", environment.items()),
        *_system(), "--proc", "/proc", *_devices(),
        *_words("--tmpfs", ([str(path)] for path in SCRATCH)),
        *_words("--ro-bind", ([str(path)] * 2 for path in outermost(see))),
        *_words("--ro-bind", (["/dev/null", str(path)] for path in hide if path.exists())),
        "--remount-ro", "/", "--chdir", "/", "--",
    ]  # fmt: skip


def outermost(paths: Iterable[Path]) -> list[Path]:
    """Those that exist and lie in none of the others."""
    found: list[Path] = []
    there = {path for path in paths if os.path.exists(path)}
    for path in sorted(there, key=lambda path: len(path.parts)):
        if not any(path.is_relative_to(above) for above in (*found, PROGRAMS)):
            found.append(path)
    return found


def settle() -> int:
    """What the first process behind the wall does before all else: no more rights, no /proc/sys.

    Bubblewrap covers parts of /proc, and beside a covered /proc the kernel allows no fresh one, as
    each player needs. So the covers go, and all of /proc is read-only instead.

    Returns: descriptor of a /proc that can be written, by which supervisors enter namespaces.
    """
    proc = os.open("/proc", os.O_PATH | os.O_CLOEXEC)
    for name in _COVERED_IN_PROC:
        with contextlib.suppress(OSError):  # for this user it was not covered
            kernel.unmount(f"/proc/{name}")
    kernel.mount("/proc", "/proc", "none", kernel.MS_BIND)
    kernel.mount("none", "/proc", "none", kernel.read_only_again("/proc"))
    kernel.give_up_rights()
    return proc


def _words(option: str, arguments: Iterable[Iterable[str]]) -> Iterator[str]:
    for words in arguments:
        yield from (option, *words)


def _system() -> Iterator[str]:
    for pattern in _SYSTEM:
        for path in sorted(Path("/").glob(pattern.removeprefix("/"))):
            if path.is_symlink():  # /bin is one where /usr has been merged
                yield from ("--symlink", str(path.readlink()), str(path))
            elif path.is_dir():
                yield from ("--ro-bind", str(path), str(path))
    for name in _ETC:
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    yield from ("--ro-bind", "/sys", "/sys")
    yield from _words("--tmpfs", ([path] for path in _COVERED if Path(path).is_dir()))


def _devices() -> Iterator[str]:
    """A player's devices, each by name; bubblewrap's own --dev has a terminal besides."""
    yield from ("--tmpfs", "/dev")
    for pattern in DEVICES:
        for path in sorted(Path("/dev").glob(pattern)):
            if not path.is_dir():
                yield from ("--dev-bind", str(path), str(path))
