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
    "io_setup": (206, 0), "io_submit": (209, 2), "process_madvise": (440, 440),
    # the machine: kernels, modules, clocks, disks
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142),
    "acct": (163, 89), "swapon": (167, 224), "swapoff": (168, 225), "quotactl": (179, 60),
    "quotactl_fd": (443, 443), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "adjtimex": (159, 171), "clock_adjtime": (305, 266), "syslog": (103, 116),
    "sethostname": (170, 161), "setdomainname": (171, 162), "vhangup": (153, 58),
    "lookup_dcookie": (212, 18), "iopl": (172, None), "ioperm": (173, None),
    "modify_ldt": (154, None), "uselib": (134, None),
    # memory that even the kernel cannot see
    "memfd_secret": (447, 447),
    # allowed with some arguments alone
    "clone": (56, 220), "clone3": (435, 435), "socket": (41, 198), "prlimit64": (302, 261),
    # that put files out of memory, if they advise so
    "fadvise64": (221, 223), "madvise": (28, 233),
    # that say who may read and run a file, and in which argument
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "open": (2, None), "creat": (85, None), "openat": (257, 56), "openat2": (437, 437),
    "mknod": (133, None), "mknodat": (259, 33), "umask": (95, 166),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
}  # fmt: skip
KEYRINGS = ("add_key", "request_key", "keyctl")
_MODES = {
    "chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2, "open": 2, "creat": 1, "openat": 3,
    "mknod": 1, "mknodat": 2,
}  # fmt: skip
_OUT_OF_MEMORY = {"fadvise64": (3, 4), "madvise": (2, 21)}  # call -> (argument, advice)
# Their arguments lie in memory, out of the filter's sight. On such an answer a library takes an
# older call, or does without.
_ANSWERED = {
    "clone3": errno.ENOSYS, "openat2": errno.ENOSYS, "setxattr": errno.EOPNOTSUPP,
    "lsetxattr": errno.EOPNOTSUPP, "fsetxattr": errno.EOPNOTSUPP, "setxattrat": errno.EOPNOTSUPP,
}  # fmt: skip
_BY_ARGUMENT = ("clone", "socket", "prlimit64", "umask", *_OUT_OF_MEMORY, *_MODES, *_ANSWERED)
REFUSED = tuple(name for name in _NUMBERS if name not in _BY_ARGUMENT)
# Sockets of other families lead out of the network namespace (vsock) or into the kernel.
SOCKETS = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)

_MACHINES = ("x86_64", "aarch64")
_ARCHITECTURES = (0xC000003E, 0xC00000B7)
_OTHER_ABI = 0x40000000  # calls of x32, which have numbers of their own
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_AND = 0x54
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

    Args:
      arguments: whether calls are refused for what they ask, too: new namespaces by clone, sockets
        of odd families, other processes' limits, programs that may be run and not read, files out
        of memory.
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
    known = len(SOCKETS)
    refuse, allow = (_RETURN, 0, 0, _ERRNO | errno.EPERM), (_RETURN, 0, 0, _ALLOW)
    lines: list[Line] = []
    for call, answer in _ANSWERED.items():
        lines += [(_IF_EQUAL, 0, 1, _NUMBERS[call][which]), (_RETURN, 0, 0, _ERRNO | answer)]
    for call, argument in _MODES.items():
        # A program that may be run and not read is one whose CPU time the task clock does not
        # count: the kernel keeps counters off programs that nobody shall look into.
        hidden = [(_AND, 0, 0, 0o500), (_IF_EQUAL, 0, 1, 0o100), refuse, allow]
        lines += _if_called(_NUMBERS[call][which], argument, hidden)
    for call, (argument, advice) in _OUT_OF_MEMORY.items():
        lines += _if_called(_NUMBERS[call][which], argument, [
            (_IF_EQUAL, 0, 1, advice), refuse, allow,
        ])  # fmt: skip
    for call, argument, bits in (
        ("umask", 0, 0o400), ("prlimit64", 0, 0xFFFFFFFF), ("clone", 0, kernel.NEW_NAMESPACES),
    ):  # fmt: skip
        lines += _if_called(_NUMBERS[call][which], argument, [
            (_IF_ANY_BIT, 0, 1, bits), refuse, allow,
        ])  # fmt: skip
    return lines + _if_called(_NUMBERS["socket"][which], 0, [
        *((_IF_EQUAL, known - n, 0, family) for n, family in enumerate(SOCKETS)),
        (_RETURN, 0, 0, _ERRNO | errno.EAFNOSUPPORT), allow,
    ])  # fmt: skip


def _if_called(number: int | None, argument: int, lines: list[Line]) -> list[Line]:
    """These lines for one call, on one of its arguments. They must return."""
    if number is None:
        return []
    load = (_LOAD, 0, 0, _FIRST_ARGUMENT + 8 * argument)
    return [(_IF_EQUAL, 0, 1 + len(lines), number), load, *lines]
