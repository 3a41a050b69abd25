"""The supervisor: a trusted process that starts the player, freezes it, thaws it and ends it.

Run as a script with a control socket, or in a child of the fork server. Where the kernel lets it,
the supervisor is PID 1 of a namespace of its own: then one `kill(-1, SIGSTOP)` from it reaches
every process of the player at once, however they fork, and when it ends they all end. Where it
does not, the supervisor walks the tree until it stands still, and says `best_effort`; or, where
the order asks for every wall, it refuses. It holds no state: the referee asks, it answers.
"""

import contextlib
import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

# Run as a file it finds the package; imported, it leaves what is found where alone: in front of an
# installed mlgolf a checkout would offer the entry points of an earlier day.
if (SOURCE := str(Path(__file__).parents[2])) not in sys.path:
    sys.path.insert(0, SOURCE)

from mlgolf.referee import bubblewrap, kernel, landlock, processes, sandbox_mounts, seccomp
from mlgolf.referee.orders import (
    Answer,
    Command,
    Done,
    Ended,
    Hold,
    Order,
    Refused,
    encode_answer,
)
from mlgolf.referee.printed import Printed

LARGEST_FILE = 1 << 30  # bytes
MOST_TASKS = 1024  # processes and threads of a player
NAMESPACES = (
    kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID | kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWNET
)


def execute(order: Order) -> NoReturn:
    """Become the program of the order."""
    for descriptor in order.inherit:
        os.set_inheritable(descriptor, True)
    os.execve(order.argv[0], list(order.argv), order.environment)


def main(
    control: socket.socket, order: Order, become: Callable[[Order], NoReturn] = execute,
    proc: int | None = None,
) -> None:
    """Enter the namespaces if they are to be had, then keep what `become` makes of a child.

    Args: proc: of `bubblewrap.settle`, behind an outer wall.
    """
    problem = "not asked for" if order.best_effort else enter_namespaces(order, proc)
    if proc is not None:
        os.close(proc)
    if problem and order.walls:
        tell(control, Refused(problem))
        return
    if problem:
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        keep(control, order, become, namespaced=False, problem=problem)
        return
    supervisor = os.fork()
    if supervisor == 0:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        keep(control, order, become, namespaced=True, problem="")
        os._exit(0)
    control.close()
    for descriptor in order.descriptors:
        os.close(descriptor)
    os.waitpid(supervisor, 0)


def enter_namespaces(order: Order, proc: int | None = None) -> str:
    """Enter fresh namespaces under one's own name. Returns what stood in the way, or ''."""
    user, group = os.geteuid(), os.getegid()
    procfs = Path("/proc" if proc is None else f"/proc/self/fd/{proc}")
    try:
        kernel.unshare(kernel.NEW_NAMESPACES if order.walls else NAMESPACES)
        (procfs / "self/setgroups").write_text("deny")
        (procfs / "self/uid_map").write_text(f"{user} {user} 1")
        (procfs / "self/gid_map").write_text(f"{group} {group} 1")
    except OSError as error:
        return str(error)
    # From a user namespace of its own a player could mount its control group and reset its clock.
    # Where this cannot be forbidden, the task clock still counts.
    with contextlib.suppress(OSError):
        (procfs / "sys/user/max_user_namespaces").write_text("0")
    return ""


def keep(
    control: socket.socket, order: Order, become: Callable[[Order], NoReturn], *,
    namespaced: bool, problem: str,
) -> None:
    """Start the player's first process and serve the referee until it hangs up."""
    control.set_inheritable(False)
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the referee to decide about
    kernel.set_process_name("mlgolf-watcher")
    os.chdir("/")  # where the player stands when its root is changed under it
    gate_read, gate_write = os.pipe2(os.O_CLOEXEC)
    printed = Printed()
    player = os.fork()
    if player == 0:
        os.close(gate_write)  # or it would wait for itself, should we end before it begins
        become_player(order, become, gate_read, printed)
    os.close(gate_read)
    printed.begin()
    for descriptor in order.inherit:
        os.close(descriptor)
    own_proc = False
    if namespaced:
        try:
            own_proc = sandbox_mounts.enter(
                order.see, order.hide, order.given, order.pack, memory_bytes=order.memory_bytes
            )
        except OSError as error:
            problem = str(error)
    problem = problem or seccomp.problem()
    if order.walls and (problem or not own_proc):
        tell(control, Refused(problem or "the kernel allows no fresh /proc beside a masked one"))
        return
    report(control, player, order, namespaced=namespaced, problem=problem)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # the player, not begun yet, may not trace us
    try:
        serve(
            control, player, gate_write, wake_read, printed,
            namespaced=namespaced, own_proc=own_proc,
        )
        printed.pass_on_the_rest()
    finally:
        kill_all(namespaced=namespaced)


def become_player(
    order: Order, become: Callable[[Order], NoReturn], gate: int, printed: Printed
) -> NoReturn:
    """In the child: wait for the word, give up rights."""
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.read(gate, 1) != b"!":
            os._exit(0)
        os.setsid()
        printed.become_streams()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if order.memory_bytes:
            limit(resource.RLIMIT_AS, order.memory_bytes)
        limit(resource.RLIMIT_CORE, 0)
        limit(resource.RLIMIT_FSIZE, LARGEST_FILE)
        if order.walls and kernel.counts_tasks_by_namespace():
            limit(resource.RLIMIT_NPROC, MOST_TASKS)
        if order.cores:
            os.sched_setaffinity(0, order.cores)
        with contextlib.suppress(OSError):  # a kernel without keyrings keeps none
            kernel.leave_session_keyring()
        kernel.give_up_rights()
        if order.walls:
            shut_in(order)
        elif not seccomp.problem():
            seccomp.forbid(seccomp.KEYRINGS)
        become(order)
    except OSError as error:
        print(f"the player could not be started: {error}", file=sys.stderr, flush=True)
    os._exit(127)


def limit(resource_: int, most: int) -> None:
    """At most this much of a resource, or less where less is allowed already."""
    _, hard = resource.getrlimit(resource_)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(resource_, (most, most))


def shut_in(order: Order) -> None:
    """The walls that the level `bubblewrap` puts up inside. Raises: OSError."""
    landlock.restrict(
        read=[*sandbox_mounts.SYSTEM, *order.see, *order.given, Path("/proc")],
        write=sandbox_mounts.SCRATCH,
        use=[Path("/dev")],
    )
    seccomp.forbid(seccomp.REFUSED, arguments=True)


def report(
    control: socket.socket, player: int, order: Order, *, namespaced: bool, problem: str
) -> None:
    """The first answer: which process, how it is held, and the descriptor that counts its time."""
    hold = Hold(
        freezing="pid_namespace" if namespaced else "best_effort",
        files="shared" if problem else "private", namespaces_refused=problem,
        task_clock_refused="", landlock=landlock.version() if order.walls else 0,
    )
    descriptors = [os.pidfd_open(player)]
    try:
        descriptors.append(kernel.open_task_clock(player))
    except OSError as error:
        hold = hold._replace(task_clock_refused=str(error))
    socket.send_fds(control, [encode_answer(hold)], descriptors)
    for descriptor in descriptors:
        os.close(descriptor)


def tell(control: socket.socket, answer: Answer) -> None:
    """Where the referee has hung up, `hear` finds that out."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        control.send(encode_answer(answer))


def serve(
    control: socket.socket, player: int, gate: int, wake: int, printed: Printed, *,
    namespaced: bool, own_proc: bool,
) -> None:
    """Answer until the referee hangs up. Children are reaped; the end of the first is told."""
    while True:
        ready, _, _ = select.select([control, wake, *printed.sources], [], [])
        if wake in ready:
            os.read(wake, 4096)
            reap(control, player)
        if set(printed.sources) & {*ready}:
            printed.pass_on()
        if control not in ready:
            continue
        match hear(control):
            case None:
                return
            case Command.START:
                os.write(gate, b"!")
            case Command.FREEZE as command:
                signal_all(signal.SIGSTOP, namespaced=namespaced)
                if own_proc or not namespaced:
                    processes.wait_until_still(os.getpid(), everyone=namespaced)
                tell(control, Done.of(command))
            case Command.THAW as command:
                signal_all(signal.SIGCONT, namespaced=namespaced)
                tell(control, Done.of(command))


def hear(control: socket.socket) -> Command | None:
    """The next command; None once the referee has hung up or is gone."""
    try:
        data = control.recv(64)
    except ConnectionResetError:
        return None
    return Command(data) if data else None


def reap(control: socket.socket, player: int) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if pid == player:
            tell(control, Ended(os.waitstatus_to_exitcode(status)))


def signal_all(number: signal.Signals, *, namespaced: bool) -> None:
    """Signal every process of the player."""
    if not namespaced:
        processes.signal_tree(os.getpid(), number)
        return
    with contextlib.suppress(ProcessLookupError):  # the last of them has just ended
        os.kill(-1, number)


def kill_all(*, namespaced: bool) -> None:
    """PID 1 need only leave. Without a namespace the tree is stopped first, then killed."""
    if not namespaced:
        processes.signal_tree(os.getpid(), signal.SIGSTOP)
        processes.signal_tree(os.getpid(), signal.SIGKILL)


def run() -> None:
    """As a script: the control socket's descriptor, the order, and perhaps "walled"."""
    proc = bubblewrap.settle() if "walled" in sys.argv[3:] else None
    main(socket.socket(fileno=int(sys.argv[1])), Order.decode(sys.argv[2]), proc=proc)


if __name__ == "__main__":
    run()
