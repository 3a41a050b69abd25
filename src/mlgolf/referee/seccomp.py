"""System calls that a player is refused, by a filter that the kernel runs before each call.

Training needs none of them. They are ways to other processes' memory, to keys and kernel state that
outlive a process, to new namespaces and mounts, or to large parts of the kernel where faults were
found before (io_uring, bpf, userfaultfd). Whatever is not listed is allowed: a framework may use
any ordinary call tomorrow.

Standard library only. Source: seccomp(2), struct seccomp_data; numbers from the kernel's headers.
"""

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterable

from mlgolf.referee import kernel

# Calls by name, with their numbers on x86_64 and aarch64; None where there is no such call.
_NUMBERS: dict[str, tuple[int, int | None]] = {
    # keys belong to a user, and outlive every process and namespace
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    # other processes' memory and descriptors
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kcmp": (312, 272), "pidfd_getfd": (438, 438),
    # page faults, programs and counters in the kernel
    "userfaultfd": (323, 282), "bpf": (321, 280), "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    # namespaces, mounts, roots
    "setns": (308, 268), "unshare": (272, 97), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    # files by handle, which pass by every path
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "fanotify_init": (300, 262),
    # what is in memory of files that all trials share: one could read them for the next to see
    "preadv2": (327, 286), "cachestat": (451, 451), "mincore": (27, 232),
    # the machine: kernels, modules, clocks, disks
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142),
    "acct": (163, 89), "swapon": (167, 224), "swapoff": (168, 225), "quotactl": (179, 60),
    "quotactl_fd": (443, 443), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "adjtimex": (159, 171), "clock_adjtime": (305, 266), "syslog": (103, 116),
    "sethostname": (170, 161), "setdomainname": (171, 162), "vhangup": (153, 58),
    "lookup_dcookie": (212, 18), "iopl": (172, None), "ioperm": (173, None),
    "modify_ldt": (154, None), "uselib": (134, None),
    # allowed with some arguments alone
    "clone": (56, 220), "clone3": (435, 435), "socket": (41, 198),
}  # fmt: skip
KEYRINGS = ("add_key", "request_key", "keyctl")
_BY_ARGUMENT = ("clone", "clone3", "socket")
REFUSED = tuple(name for name in _NUMBERS if name not in _BY_ARGUMENT)
# Sockets of other families lead out of the network namespace (vsock) or into the kernel.
SOCKETS = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)

_MACHINES = ("x86_64", "aarch64")
_ARCHITECTURES = (0xC000003E, 0xC00000B7)
_OTHER_ABI = 0x40000000  # calls of x32, which have numbers of their own
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets; of the argument its lower half
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_PR_GET_SECCOMP, _PR_SET_SECCOMP, _MODE_FILTER = 21, 22, 2

Line = tuple[int, int, int, int]  # operation, jump if true, jump if false, operand


def problem() -> str:
    """Why calls cannot be forbidden here, or ''."""
    if os.uname().machine not in _MACHINES:
        return f"system calls cannot be forbidden on {os.uname().machine}"
    if kernel.libc.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) < 0:
        return "system calls cannot be forbidden: this kernel has no seccomp"
    return ""


def forbid(calls: Iterable[str], *, arguments: bool = False) -> None:
    """Refuse these calls, to this process and all that it will start.

    It must have given up new privileges before. A program of another ABI is refused every call.

    Args: arguments: whether new namespaces by clone, and sockets of odd families, are refused too.
    Raises: OSError.
    """
    lines = program(calls, os.uname().machine, arguments=arguments)
    packed = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
    header = struct.pack("HxxxxxxP", len(lines), ctypes.addressof(packed))
    kernel.checked(kernel.libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, header, 0, 0), "seccomp")


def program(calls: Iterable[str], machine: str, *, arguments: bool) -> list[Line]:
    """The filter for one kind of machine: each refusal stands right behind its test."""
    which = _MACHINES.index(machine)
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    lines: list[Line] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 1, 0, _ARCHITECTURES[which]),
        refuse,
        (_LOAD, 0, 0, _NUMBER),
        (_IF_AT_LEAST, 0, 1, _OTHER_ABI),
        refuse,
    ]
    for call in calls:
        number = _NUMBERS[call][which]
        if number is not None:
            lines += [(_IF_EQUAL, 0, 1, number), refuse]
    if arguments:
        lines += _by_argument(which)
    return [*lines, (_RETURN, 0, 0, _ALLOW)]


def _by_argument(which: int) -> list[Line]:
    clone, clone3, socket_ = (int(_NUMBERS[name][which] or 0) for name in _BY_ARGUMENT)
    known = len(SOCKETS)
    return [
        # The flags of clone3 lie in memory, out of the filter's sight: the C library then
        # takes clone.
        (_IF_EQUAL, 0, 1, clone3),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
        (_IF_EQUAL, 0, 4, clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_IF_ANY_BIT, 0, 1, kernel.NEW_NAMESPACES),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
        (_IF_EQUAL, 0, known + 2, socket_),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        *((_IF_EQUAL, known - n, 0, family) for n, family in enumerate(SOCKETS)),
        (_RETURN, 0, 0, _ERRNO | errno.EAFNOSUPPORT),
    ]  # what is allowed goes on to the last line
