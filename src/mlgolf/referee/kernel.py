"""The few kernel calls that Python's standard library lacks, by ctypes. Linux only."""

import ctypes
import errno
import os
import re
import struct

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x00020000, 0x02000000, 0x04000000
CLONE_NEWIPC, CLONE_NEWUSER = 0x08000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
NEW_NAMESPACES = (
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID
    | CLONE_NEWNET
)
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_REC = 1024, 2048, 4096, 0x4000
MS_PRIVATE, MS_RELATIME = 1 << 18, 1 << 21
_ST_RELATIME = 4096  # statvfs has another bit for it than mount
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP = 1, 4, 24
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 36, 38
LAST_CAPABILITY = 63
_MNT_DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_KEYCTL = {"x86_64": 250, "aarch64": 219}
_KEYCTL_JOIN_SESSION_KEYRING = 1
_PR_SET_NAME = 15
_PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}
_PERF_TYPE_SOFTWARE, _PERF_COUNT_SW_TASK_CLOCK = 1, 1
_PERF_INHERIT, _PERF_EXCLUDE_KERNEL, _PERF_EXCLUDE_HV = 1 << 1, 1 << 5, 1 << 6
_PERF_FLAG_FD_CLOEXEC = 8
_ATTRIBUTE_BYTES = 128

libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int, call: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return result


def _number(numbers: dict[str, int], call: str) -> int:
    """Of a system call that the C library does not offer. Raises: OSError on unknown machines."""
    machine = os.uname().machine
    if machine not in numbers:
        raise OSError(errno.ENOSYS, f"{call}: not known on {machine}")
    return numbers[machine]


def unshare(flags: int) -> None:
    checked(libc.unshare(flags), "unshare")


def prctl(option: int, argument: int) -> None:
    checked(libc.prctl(option, argument, 0, 0, 0), "prctl")


def give_up_rights() -> None:
    """No new privileges by exec, and none of those that a namespace would give."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    for capability in range(LAST_CAPABILITY + 1):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # past the last that this kernel knows, or there was nothing to give up
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)())


def set_process_name(name: str) -> None:
    """What `ps` and `top` call this process: at most 15 characters."""
    checked(libc.prctl(_PR_SET_NAME, ctypes.c_char_p(name.encode()), 0, 0, 0), "prctl")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    encoded = (text.encode() for text in (source, target, kind))
    checked(libc.mount(*encoded, ctypes.c_ulong(flags), data.encode()), f"mount {target}")


def unmount(target: str) -> None:
    """At once from sight; whoever still stands in it goes on."""
    checked(libc.umount2(target.encode(), _MNT_DETACH), f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    """Make `new` the root of this mount namespace and put the former one at `old`."""
    number = _number(_PIVOT_ROOT, "pivot_root")
    checked(libc.syscall(number, new.encode(), old.encode()), "pivot_root")


def counts_tasks_by_namespace() -> bool:
    """Whether RLIMIT_NPROC counts in each user namespace for itself, since Linux 5.14.

    Before, a user's processes everywhere counted.
    """
    major, minor, *_ = map(int, re.findall(r"\d+", os.uname().release))
    return (major, minor) >= (5, 14)


def leave_session_keyring() -> None:
    """Join an empty one: keys kept in the old one would outlive this process."""
    number = _number(_KEYCTL, "keyctl")
    checked(libc.syscall(number, _KEYCTL_JOIN_SESSION_KEYRING, None), "keyctl")


def read_only_again(folder: str) -> int:
    """Flags that remount a bind mount read-only, its other restrictions kept as they must be."""
    found = os.statvfs(folder).f_flag
    kept = found & (MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME)
    relatime = MS_RELATIME if found & _ST_RELATIME else 0
    return MS_BIND | MS_REMOUNT | MS_RDONLY | kept | relatime


def open_task_clock(pid: int) -> int:
    """File descriptor that counts the CPU nanoseconds of `pid` and of all it will ever start.

    The event belongs to the caller, so nothing the process does can switch it off, and children
    that exit are folded into the sum. Raises: OSError where the kernel refuses.
    Source: perf_event_open(2).
    """
    flags = _PERF_INHERIT | _PERF_EXCLUDE_KERNEL | _PERF_EXCLUDE_HV
    attribute = struct.pack(
        "IIQQQQQ", _PERF_TYPE_SOFTWARE, _ATTRIBUTE_BYTES, _PERF_COUNT_SW_TASK_CLOCK, 0, 0, 0, flags
    ).ljust(_ATTRIBUTE_BYTES, b"\0")
    descriptor = libc.syscall(
        _number(_PERF_EVENT_OPEN, "perf_event_open"), ctypes.c_char_p(attribute), pid, -1, -1,
        ctypes.c_ulong(_PERF_FLAG_FD_CLOEXEC),
    )
    return checked(descriptor, "perf_event_open")
