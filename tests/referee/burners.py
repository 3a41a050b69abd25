"""Programs that burn CPU time in ways that are hard to stop and hard to count. Standard library.

    burners.py burn                       the five ways at once, for ever
    burners.py CASE READY GO DONE         one way, once: says Ready, waits, burns, says how much
"""

import os
import signal
import sys
import threading
import time

LINK_SECONDS = 0.005


def burn(seconds: float) -> None:
    """Use this much CPU time of this thread."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def burn_for_ever() -> None:
    while True:
        pass


def child(work) -> int:
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return pid


def grandchild(work) -> None:
    """A daemon: own session, parent gone."""

    def leave() -> None:
        os.setsid()
        child(work)

    os.waitpid(child(leave), 0)


def endless_chain() -> None:
    """A process that forks its successor every 5 ms and exits."""
    while True:
        burn(LINK_SECONDS)
        if os.fork():
            os._exit(0)


def all_at_once() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    grandchild(burn_for_ever)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    child(burn_for_ever)
    child(endless_chain)
    threading.Thread(target=burn_for_ever, daemon=True).start()
    burn_for_ever()


def case_thread(report) -> None:
    def work() -> None:
        burn(0.3)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    report(0.3)


def case_child(report) -> None:
    os.waitpid(child(lambda: (burn(0.3), report(0.3))), 0)


def case_daemon(report) -> None:
    grandchild(lambda: (burn(0.3), report(0.3)))


def case_chain(report, links: int = 30) -> None:
    def link(left: int) -> None:
        burn(LINK_SECONDS)
        if left > 1:
            child(lambda: link(left - 1))
        report(time.process_time())

    child(lambda: link(links))


def case_ignored(report) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    child(lambda: (burn(0.3), report(0.3)))


def main(case: str, ready: int, go: int, done: int) -> None:
    os.write(ready, b"r")
    os.read(go, 1)
    globals()[f"case_{case}"](lambda seconds: os.write(done, f"{seconds:.6f}\n".encode()))
    time.sleep(3600)


if __name__ == "__main__":
    if sys.argv[1] == "burn":
        all_at_once()
    main(sys.argv[1], *map(int, sys.argv[2:]))
