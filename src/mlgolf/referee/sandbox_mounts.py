"""A file system of its own for the player: what it may read, read-only, and an empty scratch.

It sees the system's programs, this Python with its packages, its own code and its training data.
Nothing else of the machine is there, and all that it can write is gone with it: a study that could
leave a file behind, or read the log of an earlier trial, would train once and then only load.

Everything here happens in the player's own mount namespace and changes nothing outside of it.
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlgolf.referee import kernel, packs

SYSTEM = tuple(
    map(Path, ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/opt", "/nix", "/gnu",
               "/sys"))
)  # fmt: skip
# Read-only mounts do not keep anybody from writing to a device: what is not here is not there.
DEVICES = ("null", "zero", "full", "random", "urandom", "nvidia*", "kfd", "dri/*")
COVERED = (Path("/sys/fs/cgroup"),)  # who could write there could reset its own clock
SCRATCH = tuple(map(Path, ("/tmp", "/var/tmp", "/dev/shm", "/run")))
SCRATCH_BYTES = 1 << 30  # of all of it together: it lies in memory
SCRATCH_FILES = 100_000  # each takes about a kilobyte of the kernel's memory, even an empty one
_NO_DEVICES = kernel.MS_NOSUID | kernel.MS_NODEV
NEW_ROOT = Path("/tmp")  # where the new root is put together; /tmp itself is covered by it


def enter(
    see: Iterable[Path], hide: Iterable[Path], given: Iterable[Path] = (), pack: int | None = None,
    *, memory_bytes: int = 0,
) -> bool:
    """Make the calling process, and all of its mount namespace, see nothing else.

    Args:
      see: folders that it may read besides the system's; those that do not exist are passed over.
      hide: folders of which it sees nothing but what `see` names inside them. Of nested folders
        the innermost decides.
      given: folders that are made anew, of the files in the `pack`.
      memory_bytes: the player's memory; its scratch is at most half as large. 0 for no limit.
    Returns: whether it has a /proc of its own, which shows its own processes alone.
    Raises: OSError where the kernel refuses; then everything is as it was.
    """
    kernel.mount("none", "/", "none", kernel.MS_REC | kernel.MS_PRIVATE)
    sources = {path: open_path(path) for path in (*SYSTEM, *see) if path.is_dir()}
    devices = {path: open_path(path) for name in DEVICES for path in Path("/dev").glob(name)}
    own_umask = os.umask(0)
    kernel.mount("none", str(NEW_ROOT), "tmpfs", _NO_DEVICES, "mode=755")
    try:
        furnish_devices(devices)
        mount_scratch(min(memory_bytes // 2 or SCRATCH_BYTES, SCRATCH_BYTES))
        own_proc = furnish(sources, {*hide, *COVERED}, {*given})
        if pack is not None:
            packs.unpack(pack, within)
            for path in given:
                make_read_only(within(path))
        os.chdir(NEW_ROOT)
        kernel.pivot_root(".", ".")
    except OSError:
        kernel.unmount(str(NEW_ROOT))
        raise
    finally:
        os.umask(own_umask)
        for descriptor in (*sources.values(), *devices.values()):
            os.close(descriptor)
    kernel.unmount(".")  # what lay under the new root: the machine's own file system
    os.chdir("/")
    return own_proc


def open_path(folder: Path) -> int:
    return os.open(folder, os.O_PATH | os.O_CLOEXEC)


def within(path: Path) -> Path:
    """Where an absolute path lies while the new root is put together."""
    return NEW_ROOT / path.relative_to("/")


def furnish(sources: Mapping[Path, int], hide: Iterable[Path], given: Iterable[Path]) -> bool:
    """Mount all that is to be seen, outer folders first. Returns: as `enter`."""
    covers = [NEW_ROOT]
    for path in sorted({*sources, *hide, *given}, key=lambda path: len(path.parts)):
        if path in given:
            within(path).mkdir(parents=True, exist_ok=True)
            kernel.mount("none", str(within(path)), "tmpfs", _NO_DEVICES, "mode=755")
        elif path in sources:
            show(path, sources[path])
        elif within(path).is_dir():
            kernel.mount("none", str(within(path)), "tmpfs", kernel.MS_NOSUID, "mode=755")
            covers.append(within(path))
    own_proc = mount_proc()
    for cover in covers:  # now that nothing more is put into them
        make_read_only(cover)
    return own_proc


def furnish_devices(devices: Mapping[Path, int]) -> None:
    """Nodes without a memory that would outlive the player, and accelerators."""
    for path, source in devices.items():
        target = within(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():  # nvidia-caps: nothing that training needs
            continue
        target.touch()
        kernel.mount(f"/proc/self/fd/{source}", str(target), "none", kernel.MS_BIND)
        make_read_only(target)  # its owner and mode are the machine's
    for name in ("fd", "stdin", "stdout", "stderr"):
        link = Path("/proc/self/fd") / {"stdin": "0", "stdout": "1", "stderr": "2"}.get(name, "")
        within(Path("/dev") / name).symlink_to(link)


def mount_scratch(size: int) -> None:
    """One piece of memory, seen at each place where programs look for scratch."""
    whole = within(Path("/scratch"))
    whole.mkdir()
    options = f"mode=755,size={size},nr_inodes={SCRATCH_FILES}"
    kernel.mount("none", str(whole), "tmpfs", _NO_DEVICES, options)
    for number, path in enumerate(SCRATCH):
        part, target = whole / str(number), within(path)
        part.mkdir()
        part.chmod(0o1777)
        target.mkdir(parents=True, exist_ok=True)
        kernel.mount(str(part), str(target), "none", kernel.MS_BIND)
    kernel.unmount(str(whole))
    whole.rmdir()


def show(path: Path, source: int) -> None:
    target = within(path)
    if path in SYSTEM and path.is_symlink():  # /bin is one where /usr has been merged
        target.symlink_to(path.readlink())
        return
    target.mkdir(parents=True, exist_ok=True)
    flags = kernel.MS_BIND | kernel.MS_REC
    kernel.mount(f"/proc/self/fd/{source}", str(target), "none", flags)
    for point in mount_points(target):
        make_read_only(point)


def mount_proc() -> bool:
    """A fresh /proc, read-only: to the kernel's settings, root in here is root out there."""
    target = within(Path("/proc"))
    target.mkdir()
    flags = kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    try:
        kernel.mount("proc", str(target), "proc", flags)
    except OSError:
        # A container masks parts of /proc, and the kernel allows no fresh one beside it.
        kernel.mount("/proc", str(target), "none", kernel.MS_BIND | kernel.MS_REC)
        for point in mount_points(target):
            make_read_only(point)
        return False
    return True


def make_read_only(point: Path) -> None:
    kernel.mount("none", str(point), "none", kernel.read_only_again(str(point)))


def mount_points(top: Path) -> list[Path]:
    """Everything mounted at or below `top`, each once, but for what a later mount covers."""
    fields = (line.split(" ", 5) for line in Path("/proc/self/mountinfo").read_text().splitlines())
    points = {Path(unescaped(field[4])) for field in fields}
    found = sorted(path for path in points if path == top or top in path.parents)
    return [path for path in found if os.path.exists(path)]


def unescaped(text: str) -> str:
    """A path as the kernel writes it, with spaces and the like as octal numbers."""
    raw = re.sub(rb"\\(\d{3})", lambda match: bytes([int(match[1], 8)]), os.fsencode(text))
    return os.fsdecode(raw)
