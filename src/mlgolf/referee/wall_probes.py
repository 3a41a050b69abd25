"""Tries every wall from inside, as a hostile submission would, and prints what came of it.

Run by `sandbox_check.py` in a sandbox, in any Python, with one argument in JSON. Standard library
only. Each probe returns "" where the wall held, else what got through; `NotTried` where the machine
has nothing to try it on.
"""

import _thread
import contextlib
import ctypes
import errno
import json
import mmap
import os
import platform
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Facts = dict[str, Any]
NEW_USER = 0x10000000
SECONDS = 30.0
MARK = "mlgolf-left-behind"
SHARED_MEMORY_KEY = 0x6D6C67
_CALLS = {  # x86_64, aarch64
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "keyctl": (250, 219),
    "io_uring_setup": (425, 425), "perf_event_open": (298, 241), "bpf": (321, 280),
    "userfaultfd": (323, 282), "unshare": (272, 97), "clone": (56, 220), "clone3": (435, 435),
    "mount": (165, 40), "fsopen": (430, 430), "open_by_handle_at": (304, 265),
    "init_module": (175, 105),
}  # fmt: skip
_AF_VSOCK, _AF_PACKET, _AF_NETLINK, _AF_ALG = 40, 17, 16, 38
_EACH = "each process has the whole memory for itself: without a control group none adds them up"
libc = ctypes.CDLL(None, use_errno=True)


class NotTried(Exception):
    """Nothing here to try it on; says what is lacking."""


def call(name: str, *arguments: Any) -> int:
    """Errno of a system call; 0 if it succeeded."""
    numbers: dict[str, int] = dict(zip(("x86_64", "aarch64"), _CALLS[name], strict=True))
    if platform.machine() not in numbers:
        raise NotTried(f"its number on {platform.machine()} is not known")
    ctypes.set_errno(0)
    result = libc.syscall(numbers[platform.machine()], *arguments)
    return ctypes.get_errno() if result < 0 else 0


def refused(name: str, *arguments: Any) -> str:
    """"" if the call was refused for good, whatever its arguments."""
    error = call(name, *arguments)
    if error in (errno.EPERM, errno.ENOSYS):
        return ""
    return f"{name} is not refused: {os.strerror(error) if error else 'it succeeded'}"


def first(*found: str) -> str:
    """The first that got through."""
    return next(filter(None, found), "")


def network(facts: Facts) -> str:
    with socket.socket(socket.AF_INET) as client:
        client.settimeout(2)
        try:
            client.connect(("127.0.0.1", facts["port"]))
        except OSError:
            return ""
    return "a server of this machine could be reached"


def other_sockets(_: Facts) -> str:
    families = {"vsock": _AF_VSOCK, "packet": _AF_PACKET, "netlink": _AF_NETLINK, "alg": _AF_ALG}
    for name, family in families.items():
        try:
            socket.socket(family, socket.SOCK_STREAM if name == "vsock" else socket.SOCK_RAW)
        except OSError as error:
            if name == "vsock" and error.errno not in (errno.EPERM, errno.EAFNOSUPPORT):
                return f"{name} sockets are not refused: {error.strerror}"
            continue
        return f"a {name} socket could be made"
    return ""


def abstract_sockets(facts: Facts) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect("\0" + facts["abstract"])
        except OSError:
            return ""
    return "an abstract socket of this machine could be reached"


def writing(_: Facts) -> str:
    places = ("/", "/usr", "/etc", "/sys", "/dev", "/proc/sys/kernel", sys.prefix)
    for place in places:
        file = Path(place, MARK)
        try:
            file.write_text("1")
        except OSError:
            continue
        file.unlink()
        return f"{place} can be written to"
    try:
        with open("/proc/sys/kernel/core_pattern", "r+"):
            return "settings of the kernel can be written to"
    except OSError:
        return ""


def files_of_others(facts: Facts) -> str:
    seen = [path for path in facts["private"] if os.path.lexists(path)]
    return f"{seen[0]} can be seen" if seen else ""


def processes(facts: Facts) -> str:
    pids = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    strangers = pids - {1, os.getpid(), os.getppid()}
    if strangers:
        return f"{len(strangers)} processes besides its own can be seen"
    try:
        os.kill(facts["pid"], signal.SIGKILL)
    except ProcessLookupError:
        return ""
    except OSError as error:
        return f"a process outside is there to be signalled: {error.strerror}"
    return "a process outside could be signalled"


def tracing(_: Facts) -> str:
    nothing = ctypes.c_void_p(None)
    return first(
        refused("ptrace", 16, 1, nothing, nothing),  # PTRACE_ATTACH to the supervisor
        refused("process_vm_readv", os.getpid(), nothing, 0, nothing, 0, 0),
    )


def namespaces(_: Facts) -> str:
    flags = ctypes.c_ulong(NEW_USER | signal.SIGCHLD)
    zeros = [ctypes.c_ulong(0)] * 4
    return first(
        refused("unshare", ctypes.c_ulong(NEW_USER)), _in_a_child("clone", flags, *zeros),
        refused("clone3", None, ctypes.c_size_t(0)),
    )


def _in_a_child(name: str, *arguments: Any) -> str:
    """For a call that returns twice if it is allowed."""
    child = os.fork()
    if child == 0:
        os._exit(1 if refused(name, *arguments) else 0)
    _, status = os.waitpid(child, 0)
    return f"{name} can make a user namespace" if status else ""


def mounts(_: Facts) -> str:
    return first(
        refused("mount", b"none", b"/tmp", b"tmpfs", ctypes.c_ulong(0), None),
        refused("fsopen", b"tmpfs", 0),
        refused("open_by_handle_at", -1, None, 0),
    )


def keyrings(_: Facts) -> str:
    return refused("keyctl", 0, -3, 0)  # KEYCTL_GET_KEYRING_ID of the session


def kernel_interfaces(_: Facts) -> str:
    nothing = ctypes.c_char_p(b"\0" * 128)
    return first(
        refused("io_uring_setup", 1, nothing), refused("bpf", 0, nothing, 128),
        refused("perf_event_open", nothing, 0, -1, -1, 0), refused("userfaultfd", 1),
        refused("init_module", nothing, 0, nothing),
    )


def other_calls(_: Facts) -> str:
    """Calls of 32-bit programs and of x32 have other numbers, which a filter could overlook."""
    if platform.machine() != "x86_64":
        raise NotTried("only x86_64 has other sets of system calls that are common")
    ctypes.set_errno(0)
    if libc.syscall(0x40000000 + 39) >= 0 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
        return "calls of x32 are not refused"
    child = os.fork()
    if child == 0:
        code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20 (getpid); int 0x80; ret
        address = ctypes.addressof(ctypes.c_char.from_buffer(code))
        os._exit(1 if ctypes.CFUNCTYPE(ctypes.c_int)(address)() > 0 else 0)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])  # by a signal: there are none
    return "calls of 32-bit programs are not refused" if ended == 1 else ""


def privileges(_: Facts) -> str:
    status = Path("/proc/self/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    if any(int(fields[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")):
        return "it has capabilities"
    return "" if fields["NoNewPrivs"] == "1" else "a program could give it new privileges"


def devices(facts: Facts) -> str:
    odd = [
        str(path) for path in Path("/dev").rglob("*")
        if path.is_block_device() or (path.is_char_device() and path.name not in facts["devices"])
    ]
    return f"{odd[0]} is there" if odd else ""


def environment(facts: Facts) -> str:
    return f"the variable {facts['variable']} is there" if facts["variable"] in os.environ else ""


def scratch(_: Facts) -> str:
    """More than all of it in one place, then in two places together."""
    found = os.statvfs("/tmp")
    size = found.f_blocks * found.f_frsize
    if _fits("/tmp", size + (64 << 20)):
        return "scratch is not limited"
    together = _fits("/tmp", size * 6 // 10) and _fits("/dev/shm", size * 6 // 10)
    for folder in ("/tmp", "/dev/shm"):
        Path(folder, MARK).unlink(missing_ok=True)
    return "each place of scratch has a limit of its own" if together else ""


def _fits(folder: str, size: int) -> bool:
    try:
        with open(Path(folder, MARK), "wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError:
        return False
    return True


def tasks(facts: Facts) -> str:
    """Threads, which the kernel counts as it counts processes."""
    started = 0
    _thread.stack_size(64 << 10)
    try:
        for _ in range(facts["tasks"] + 64):
            _thread.start_new_thread(signal.pause, ())
            started += 1
    except RuntimeError:
        if _cannot_fork():  # else it was memory that ended, of which every process has its own
            return ""
    return f"after {started} threads the kernel still starts more"


def _cannot_fork() -> bool:
    try:
        child = os.fork()
    except BlockingIOError:
        return True
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return False


def memory(facts: Facts) -> str:
    """Of one process, then of two that have their limit each but share the player's."""
    try:
        mmap.mmap(-1, facts["memory"])
    except OSError:
        return _memory_of_two(facts["memory"] * 6 // 10)
    return "a process can have more than its memory"


def _memory_of_two(size: int) -> str:
    told, tell = os.pipe()
    children = {_touching(size, tell) for _ in range(2)}
    deadline, touched = time.monotonic() + SECONDS, 0
    try:
        while time.monotonic() < deadline:
            if select.select([told], [], [], 0.01)[0]:
                touched += len(os.read(told, 2))
            if touched == 2:
                return _EACH
            child, status = os.waitpid(-1, os.WNOHANG)
            if child in children and os.waitstatus_to_exitcode(status) == -signal.SIGKILL:
                return ""
    finally:
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
    raise NotTried(f"two processes did not touch their memory within {SECONDS:g} s")


def _touching(size: int, tell: int) -> int:
    """A child that has touched so much memory, said so, and waits."""
    child = os.fork()
    if child == 0:
        try:
            block = mmap.mmap(-1, size)
            with memoryview(block)[:: mmap.PAGESIZE] as pages:
                pages[:] = bytes(len(pages))
            os.write(tell, b"1")
            signal.pause()
        finally:
            os._exit(1)
    return child


def left_behind(facts: Facts) -> str:
    """What the sandbox before this one left: see `leave`."""
    for folder in ("/tmp", "/var/tmp", "/dev/shm", "/run"):
        if Path(folder, MARK).exists():
            return f"a file in {folder} was left by a sandbox that is gone"
    if libc.shmget(SHARED_MEMORY_KEY, 4096, 0) >= 0:
        return "shared memory was left by a sandbox that is gone"
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect("\0" + MARK)
        except OSError:
            return ""
    return "a process of a sandbox that is gone answers"


def leave() -> None:
    """Whatever a trial could want the next to find; a process that outlives it, too."""
    for folder in ("/tmp", "/var/tmp", "/dev/shm", "/run"):
        Path(folder, MARK).write_text("1")
    libc.shmget(SHARED_MEMORY_KEY, 4096, 0o1666)  # IPC_CREAT
    server = socket.socket(socket.AF_UNIX)
    server.bind("\0" + MARK)
    server.listen()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.pause()
        os._exit(0)


PROBES: dict[str, Callable[[Facts], str]] = {
    probe.__name__: probe
    for probe in (
        network, other_sockets, abstract_sockets, writing, files_of_others, processes, tracing,
        namespaces, mounts, keyrings, kernel_interfaces, other_calls, privileges, devices,
        environment, left_behind, scratch, tasks, memory,
    )
}  # fmt: skip


def main(facts: Facts) -> None:
    if facts["leave"]:
        leave()
        return
    for name, probe in PROBES.items():
        print(json.dumps({name: outcome(probe, facts)}), flush=True)


def outcome(probe: Callable[[Facts], str], facts: Facts) -> dict[str, str]:
    """Of one probe, in a process of its own: what ends it says nothing of the others."""
    answer, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            found = {"through": probe(facts)}
        except NotTried as lacking:
            found = {"not_tried": str(lacking)}
        except Exception as error:  # a probe that fails has shown nothing
            found = {"not_tried": f"the probe failed: {type(error).__name__}: {error}"}
        os.write(tell, json.dumps(found).encode())
        os._exit(0)
    os.close(tell)
    with open(answer) as file:
        said = file.read()
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return json.loads(said) if said else {"not_tried": f"the probe ended with {ended}"}


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
