"""The fork server: a trusted process that has imported the framework, and forks every player.

To import torch takes seconds, off the clock, and every trial would wait for it. So one process per
referee imports it, before anybody's code is there, and each player, with a supervisor of its own,
begins as a copy of it. Nothing untrusted ever runs in the fork server itself. At the level
`bubblewrap` it stands behind an outer wall, together with all that it forks.

It imports mlgolf from where its referee did, whatever else is installed: one code on both sides.
The first datagram says that the framework is there, or why it is not. A request is one datagram:
an `Order`, with the descriptors control, *inherited, output, and the pack if there is one. The
answer is a descriptor of the supervisor's process, which can be waited for. The end of the socket
ends the fork server, once all that it forked has ended.
"""

import atexit
import contextlib
import gc
import io
import itertools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import mlgolf
from mlgolf.backends import load_backend, require
from mlgolf.core.hardware import HardwareClass
from mlgolf.core.registry import plugin_folders
from mlgolf.data.held_out import KEY_NAME
from mlgolf.player.describe import begin, describe
from mlgolf.player.play import play_over
from mlgolf.player.predict import predict
from mlgolf.referee import bubblewrap, kernel, packs, supervisor
from mlgolf.referee.orders import Order
from mlgolf.referee.sandbox import in_main_thread, number_of

# Its environment is ours and reaches it (hash seed, no bytecode); nobody else's folders do.
PYTHON = (sys.executable, "-s", "-P")
PACKAGE = Path(mlgolf.__file__).parent
START = """
import gc, sys
gc.disable()  # what is imported stays
if sys.argv[1] not in sys.path:
    sys.path.insert(0, sys.argv[1])
from mlgolf.referee.fork_server import main
main(*sys.argv[2:])
"""
# What a child of the fork server can do.
PARTS = {"play": play_over, "describe": describe, "begin": begin, "predict": predict}
READY = b"ready"
_PATIENCE_SECONDS = 300.0  # for an import on a slow disk
_END_SECONDS = 60.0  # of one that was killed
_MOST_DESCRIPTORS = 16
_LONGEST_ORDER = 1 << 17
_LONGEST_COMPLAINT = 4000
_FORKED = b"forked"
_fork_servers: dict[tuple, "ForkServer"] = {}  # of this process
_retired: list["ForkServer"] = []  # as long as something that they forked goes on


class ForkServerEnded(OSError):
    """Of one that had worked: somebody killed it."""


class ForkServer:
    """The referee's end. Starting it returns at once; the first request waits for the import."""

    def __init__(
        self, framework: str, environment: Mapping[str, str], walled: Iterable[Path] | None = None
    ) -> None:
        """Args: walled: what can be seen behind an outer wall besides Python; None for no wall.

        Raises: OSError where the wall cannot be put up.
        """
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.settimeout(_PATIENCE_SECONDS)
        words = [*PYTHON, "-c", START, str(PACKAGE.parent), str(PACKAGE), str(theirs.fileno()),
                 framework]  # fmt: skip
        self._complaints = io.FileIO(os.memfd_create("mlgolf-complaints"), "r+")
        self.shown: tuple[Path, ...] = ()
        if walled is not None:
            python = _python_folders_of(tuple(sorted(environment.items())))
            self.shown = tuple(bubblewrap.outermost([*walled, *python]))
            keys = [folder / KEY_NAME for folder in self.shown]
            wall = bubblewrap.command(
                self.shown, environment, hide=keys, dies_with_parent=in_main_thread()
            )
            words = [*wall, *words, "walled"]
        self._process = subprocess.Popen(
            words, pass_fds=[theirs.fileno()], env=dict(environment), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._complaints,
        )
        theirs.close()
        self._one_at_a_time = threading.Lock()
        self.is_ready = False
        atexit.register(self.close)

    @property
    def is_alive(self) -> bool:
        return self._requests.fileno() >= 0 and not self.has_ended

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def launch(
        self, order: Order, control: int, output: int | None
    ) -> "ForkedSupervisor":
        """Have a supervisor forked that follows the order.

        Raises: OSError if the fork server is gone, or could not import the framework.
        """
        with contextlib.ExitStack() as until_sent:
            if output is None:
                output = os.open(os.devnull, os.O_WRONLY)
                until_sent.callback(os.close, output)
            descriptors = [control, *order.inherit, output]
            if order.walls and (given := [path for path in order.see if not self.shows(path)]):
                order = order._replace(
                    see=[path for path in order.see if path not in given], given=given
                )
                descriptors.append(packs.pack(given))
                until_sent.callback(os.close, descriptors[-1])
            return ForkedSupervisor(self._forked(order, descriptors))

    def shows(self, path: Path) -> bool:
        """Whether it is there to be seen behind the outer wall."""
        return any(path.is_relative_to(folder) for folder in (*self.shown, bubblewrap.PROGRAMS))

    def _forked(self, order: Order, descriptors: list[int]) -> int:
        """Descriptor of the supervisor's process. Raises: as `launch`."""
        try:
            with self._one_at_a_time:
                self._await_ready()
                socket.send_fds(self._requests, [order.encode().encode()], descriptors)
                _, (waitable,), _, _ = socket.recv_fds(self._requests, 64, 1)
        except (ValueError, BrokenPipeError, ConnectionResetError, TimeoutError):
            said = self._complaint()
            self.close()
            raise OSError(f"the process that starts players has ended, or hangs: {said}") from None
        except BaseException:  # the answer may still come, and is nobody's then
            self.close()
            raise
        return waitable

    def _await_ready(self) -> None:
        if not self.is_ready:
            problem = self._requests.recv(_LONGEST_ORDER)
            if problem != READY:
                raise OSError(
                    "a process with the environment of the hardware class cannot import the "
                    f"framework: {problem.decode(errors='replace') or self._complaint()}"
                )
            self.is_ready = True

    def _complaint(self) -> str:
        if self._complaints.closed:
            return "it was closed"
        self._complaints.seek(0)
        said = self._complaints.read(_LONGEST_COMPLAINT).decode(errors="replace").strip()
        return said or "it ended without a word"

    def retire(self) -> None:
        """Ask no more of it. It ends when all that it has forked has ended."""
        atexit.unregister(self.close)
        self._complaints.close()
        self._requests.close()

    def close(self) -> None:
        """End it. What it has forked lives on for as long as somebody holds it, or the wall."""
        self._complaints.close()
        atexit.unregister(self.close)
        self._requests.close()
        self._process.kill()
        self._process.wait(_END_SECONDS)


class ForkedSupervisor:
    """What `subprocess.Popen` is to a child, for a child of the fork server."""

    def __init__(self, waitable: int) -> None:
        self.pid = number_of(waitable)
        self._waitable: int | None = waitable

    def wait(self, timeout: float | None = None) -> None:
        """Raises: subprocess.TimeoutExpired."""
        if self._waitable is None:
            return
        if not select.select([self._waitable], [], [], timeout)[0]:
            assert timeout is not None
            raise subprocess.TimeoutExpired("supervisor", timeout)
        os.close(self._waitable)
        self._waitable = None

    def send_signal(self, number: int) -> None:
        if self._waitable is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._waitable, number)


def fork_server_for(
    framework: str, hardware: HardwareClass, level: str = "process", see: Iterable[Path] = ()
) -> ForkServer:
    """The one of this process for a framework and an environment; a new one if it has died.

    Args:
      level: `bubblewrap` for one behind an outer wall.
      see: large folders of which its players see parts; what is small is handed over.
    Raises: UnknownName; FrameworkMissing; OSError where the wall cannot be put up.
    """
    require(framework)
    environment = player_environment(hardware)
    walled = level == "bubblewrap"
    key = (framework, walled, tuple(sorted(environment.items())))
    needed = _with_links(see) if walled else set()
    server = _fork_servers.get(key)
    if server is None or not server.is_alive or not all(map(server.shows, needed)):
        if server is not None:
            needed |= {*server.shown}
            server.retire()
            _retired[:] = [one for one in (*_retired, server) if not one.has_ended]
        server = ForkServer(framework, environment, needed if walled else None)
        _fork_servers[key] = server
    return server


def _with_links(folders: Iterable[Path]) -> set[Path]:
    """Those that exist, and where they lie if links lead there."""
    there = [path for path in folders if path.exists()]
    return {place for path in there for place in (path.absolute(), path.resolve())}


@cache
def _python_folders_of(items: tuple[tuple[str, str], ...]) -> tuple[Path, ...]:
    """What Python reads when it is started with an environment, as `python_folders` says there."""
    found = subprocess.run(
        [*PYTHON, "-c", "import json, sys; print(json.dumps(sys.path))"], env=dict(items),
        capture_output=True, check=True, timeout=_PATIENCE_SECONDS,
    )
    return tuple(python_folders_with(json.loads(found.stdout)))


def player_environment(hardware: HardwareClass) -> dict[str, str]:
    """All that a player finds in its environment: the same on every machine of the class."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        **hardware.environment,
    }


def main(package: str, requests: str, framework: str, walled: str = "") -> NoReturn:
    """Begin as a process of its own. `package` is the referee's mlgolf, `requests` a socket."""
    proc = bubblewrap.settle() if walled else None
    serve(socket.socket(fileno=int(requests)), framework, Path(package), proc)


def serve(
    requests: socket.socket, framework: str, package: Path, proc: int | None = None
) -> NoReturn:
    """Import the framework, then fork a supervisor for each request until the referee hangs up.

    Args: proc: of `bubblewrap.settle`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the referee to decide about
    kernel.set_process_name("mlgolf-forks")
    try:
        if package != PACKAGE:
            raise ImportError(f"the referee runs mlgolf from {package}, a player would {PACKAGE}")
        load_backend(framework).preload()
        import_module(f"mlgolf.{framework}")  # what a submission imports is on its clock
    except BaseException as error:
        with contextlib.suppress(OSError):
            requests.send(f"{type(error).__name__}: {error}".encode()[:_LONGEST_COMPLAINT])
        os._exit(1)
    python_folders()  # once for all
    gc.freeze()  # a search for garbage would write to every page, and so copy it
    gc.enable()
    try:
        requests.send(READY)
        serve_requests(requests, proc)
    except OSError as error:  # the referee is gone, or the kernel refuses something
        print(error, file=sys.stderr, flush=True)
    requests.close()  # nobody shall wait for an answer
    with contextlib.suppress(ChildProcessError):  # behind a wall they would end with us
        while True:
            os.waitpid(-1, 0)
    os._exit(0)


def serve_requests(requests: socket.socket, proc: int | None) -> None:
    while True:
        data, descriptors, _, _ = socket.recv_fds(requests, _LONGEST_ORDER, _MOST_DESCRIPTORS)
        if not data:
            return
        child = os.fork()
        if child == 0:
            requests.close()
            become_supervisor(Order.decode(data), descriptors, proc)
        waitable = os.pidfd_open(child)
        socket.send_fds(requests, [_FORKED], [waitable])
        for descriptor in (waitable, *descriptors):
            os.close(descriptor)
        with contextlib.suppress(ChildProcessError):  # earlier children, now that they have ended
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def become_supervisor(order: Order, descriptors: list[int], proc: int | None) -> NoReturn:
    """In the child: what `supervisor.py` does as a script, with a player that is a copy of us."""
    pack = descriptors.pop() if order.given else None
    control, *inherit, output = descriptors
    os.setsid()
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    order = order._replace(inherit=inherit, see=[*order.see, *python_folders()], pack=pack)
    try:
        supervisor.main(socket.socket(fileno=control), order, become=perform, proc=proc)
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(0)


@lru_cache(maxsize=1)
def python_folders() -> tuple[Path, ...]:
    """This Python, and whatever it imports packages from: those installed in place, too."""
    return python_folders_with(sys.path)


def python_folders_with(path: Iterable[str]) -> tuple[Path, ...]:
    """Args: path: where modules are looked for."""
    places = {
        sys.prefix, sys.base_prefix, sys.exec_prefix, str(PACKAGE.parent), *path, *plugin_folders()
    }
    return tuple(map(Path, sorted({*places, *map(os.path.realpath, places)} - {""})))


def perform(order: Order) -> NoReturn:
    """In the supervisor's child: keep nothing but what is the player's, then do its part."""
    kept = [2, *sorted(order.inherit), os.sysconf("SC_OPEN_MAX")]
    for below, above in itertools.pairwise(kept):
        os.closerange(below + 1, above)
    part, *arguments = order.argv
    kernel.set_process_name(f"mlgolf-{part}")
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(line_buffering=True)  # what is printed is in the log if we are killed
    code = 1
    try:
        PARTS[part](*order.inherit, *arguments)
        code = 0
    except BaseException:
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # the submission may have closed it
            stream.flush()
    os._exit(code)
