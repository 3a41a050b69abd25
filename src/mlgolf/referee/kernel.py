"""The few kernel calls that Python's standard library lacks, by ctypes. Linux only."""

import ctypes
import errno
import os
import struct
from typing import TypeVar

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
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
# add_key, request_key, keyctl: keys belong to a user, and outlive every process and namespace.
_KEYS = {"x86_64": (248, 249, 250), "aarch64": (217, 218, 219)}
_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_OTHER_ABI = 0x40000000  # calls of x32, which have numbers of their own
_PR_GET_SECCOMP, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 21, 22, 2
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM

_PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}
_PERF_TYPE_SOFTWARE, _PERF_COUNT_SW_TASK_CLOCK = 1, 1
_PERF_INHERIT, _PERF_EXCLUDE_KERNEL, _PERF_EXCLUDE_HV = 1 << 1, 1 << 5, 1 << 6
_PERF_FLAG_FD_CLOEXEC = 8
_ATTRIBUTE_BYTES = 128

Number = TypeVar("Number", int, tuple[int, ...])
_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, call: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return result


def _number(numbers: dict[str, Number], call: str) -> Number:
    """Of a system call that the C library does not offer. Raises: OSError on unknown machines."""
    machine = os.uname().machine
    if machine not in numbers:
        raise OSError(errno.ENOSYS, f"{call}: not known on {machine}")
    return numbers[machine]


def unshare(flags: int) -> None:
    _checked(_libc.unshare(flags), "unshare")


def prctl(option: int, argument: int) -> None:
    _checked(_libc.prctl(option, argument, 0, 0, 0), "prctl")


def set_process_name(name: str) -> None:
    """What `ps` and `top` call this process: at most 15 characters."""
    _checked(_libc.prctl(_PR_SET_NAME, ctypes.c_char_p(name.encode()), 0, 0, 0), "prctl")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    encoded = (text.encode() for text in (source, target, kind))
    _checked(_libc.mount(*encoded, ctypes.c_ulong(flags), data.encode()), f"mount {target}")


def unmount(target: str) -> None:
    """At once from sight; whoever still stands in it goes on."""
    _checked(_libc.umount2(target.encode(), _MNT_DETACH), f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    """Make `new` the root of this mount namespace and put the former one at `old`."""
    number = _number(_PIVOT_ROOT, "pivot_root")
    _checked(_libc.syscall(number, new.encode(), old.encode()), "pivot_root")


def leave_session_keyring() -> None:
    """Join an empty one: keys kept in the old one would outlive this process."""
    number = _number(_KEYCTL, "keyctl")
    _checked(_libc.syscall(number, _KEYCTL_JOIN_SESSION_KEYRING, None), "keyctl")


def keyrings_problem() -> str:
    """Why keyrings cannot be forbidden here, or ''."""
    if os.uname().machine not in _KEYS:
        return f"keyrings cannot be forbidden on {os.uname().machine}"
    known = _libc.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0
    return "" if known else "keyrings cannot be forbidden: this kernel has no seccomp"


def forbid_keyrings() -> None:
    """Refuse the calls that keep keys, to this process and all that it will start.

    It must have given up new privileges before. Source: seccomp(2), struct seccomp_data.
    """
    machine = os.uname().machine
    refused = [_OTHER_ABI, *_number(_KEYS, "seccomp")]
    lines = [
        (_LOAD, 0, 0, 4),  # the architecture
        (_IF_EQUAL, 0, len(refused) + 2, _number(_ARCHITECTURE, "seccomp")),
        (_LOAD, 0, 0, 0),  # the number of the call
        (_IF_AT_LEAST if machine == "x86_64" else _IF_EQUAL, len(refused), 0, refused[0]),
        *((_IF_EQUAL, len(refused) - n, 0, refused[n]) for n in range(1, len(refused))),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
    header = struct.pack("HxxxxxxP", len(lines), ctypes.addressof(program))
    _checked(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0), "seccomp")


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
    descriptor = _libc.syscall(
        _number(_PERF_EVENT_OPEN, "perf_event_open"), ctypes.c_char_p(attribute), pid, -1, -1,
        ctypes.c_ulong(_PERF_FLAG_FD_CLOEXEC),
    )
    return _checked(descriptor, "perf_event_open")
