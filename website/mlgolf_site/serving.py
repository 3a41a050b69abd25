"""`mlgolf site serve`: the processes of a site on one machine, started, watched and ended together.

    this process    starts the others, keeps the leaderboards, and is the watchdog
    web             uvicorn with the pages and the API
    workers         one for each hardware class of the open competitions that can be played here
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from mlgolf_site.config import VARIABLE, Site
from mlgolf_site.protocol import LOCAL_WORKER

SETTINGS = "mlgolf_site.settings"
KEEP_SECONDS = 0.5  # between looks at boards and leases
RESTART_SECONDS = 2.0  # before a process that ended is started again
PLAYED_HERE = ("one-thread-cpu", "laptop")  # classes that any machine may play
WEB_PROCESSES = 1

log = logging.getLogger(__name__)


def set_up(site: Site) -> None:
    """Django, for this process."""
    import django

    os.environ[VARIABLE] = str(site.folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    django.setup()


def migrate_and_collect() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)


def serve(
    site: Site, *, host: str, port: int, workers: int, any_level: bool,
    tell: Callable[[str], None],
) -> int:
    """Until it is interrupted. Returns: the exit code."""
    began = time.monotonic()
    _check_that_it_is_free(host, port)
    set_up(site)
    migrate_and_collect()
    from mlgolf_site.importing.first_start import ADMIN, prepare

    password = prepare(site)
    processes = [_Process("web", _web(host, port))]
    address = f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}"
    for hardware, token in _local_workers(site, workers):
        processes.append(_Process(
            f"worker of {hardware}",
            [sys.executable, "-m", "mlgolf.cli.main", "site", "worker", "--url",
             f"http://127.0.0.1:{port}" if host in ("127.0.0.1", "0.0.0.0") else address,
             "--class", hardware, "--folder", str(site.folder / f"worker-{hardware}"),
             "--ledger", str(site.ledger), *(["--any-level"] if any_level else [])],
            {"MLGOLF_TOKEN": token},
        ))
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    processes[0].keep()
    _wait_until_it_answers(port, stopped)
    if password:
        tell(f"administrator: {ADMIN}, password: {password} (shown once)")
    tell(f"{site.config.name} is at {address} (after {time.monotonic() - began:.1f} s); "
         f"it keeps everything in {site.folder}")
    try:
        while not stopped.wait(KEEP_SECONDS):
            for process in processes:
                process.keep()
            keep()
    finally:
        for process in reversed(processes):
            process.end()
    return 0


def keep() -> None:
    """What has to be done again and again, by one process: leaderboards, leases, old events."""
    from django.db import Error, close_old_connections
    from django.utils import timezone

    from mlgolf_site.boards.drawing import draw_next
    from mlgolf_site.boards.services import refresh_all
    from mlgolf_site.jobs.services import watch

    try:
        watch()
        refresh_all()
        draw_next(timezone.now())
    except Error:
        log.exception("the database cannot be reached; trying again")
        close_old_connections()


def _check_that_it_is_free(host: str, port: int) -> None:
    from mlgolf.core.errors import RulesError

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise RulesError(
                f"--port {port}: {error.strerror}. Give another --port, or end what listens there"
            ) from None


def _web(host: str, port: int) -> list[str]:
    return [
        sys.executable, "-m", "uvicorn", "mlgolf_site.asgi:application", "--host", host, "--port",
        str(port), "--log-level", "warning", "--no-server-header", "--timeout-graceful-shutdown",
        "3", "--workers", str(WEB_PROCESSES),
    ]


def _local_workers(site: Site, number: int) -> list[tuple[str, str]]:
    """Classes with a token for the worker of each. Tokens of earlier starts are no longer good."""
    from mlgolf_site.contests.models import Board
    from mlgolf_site.people.models import Token, User

    if not number:
        return []
    admin = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if admin is None:
        log.warning("there is no administrator, so no worker is started")
        return []
    asked = set(Board.objects.values_list("hardware", flat=True))
    found = []
    for hardware in PLAYED_HERE:
        if hardware in asked:
            name = f"{LOCAL_WORKER}, {hardware}"
            Token.objects.filter(user=admin, name=name).delete()
            found.append((hardware, Token.issue(admin, name, Token.Scope.WORKER, 365)[1]))
    return found


def _wait_until_it_answers(port: int, stopped: threading.Event, limit: float = 30.0) -> None:
    until = time.monotonic() + limit
    while time.monotonic() < until and not stopped.is_set():
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)


class _Process:
    """Started, and started again whenever it ends."""

    def __init__(self, name: str, command: list[str], more: dict[str, str] | None = None) -> None:
        self.name, self.command, self.more = name, command, more or {}
        self.running: subprocess.Popen | None = None
        self.ended = 0.0

    def keep(self) -> None:
        if self.running is not None and self.running.poll() is None:
            return
        if self.running is not None:
            log.warning("%s ended with %s; started again", self.name, self.running.returncode)
            self.ended, self.running = time.monotonic(), None
        if time.monotonic() - self.ended < RESTART_SECONDS and self.ended:
            return
        environment = {**os.environ, **self.more, "PYTHONUNBUFFERED": "1"}
        if self.more:  # a worker knows no secret of the site
            environment.pop(VARIABLE, None)
        self.running = subprocess.Popen(
            self.command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )

    def end(self, wait: float = 10.0) -> None:
        if self.running is None or self.running.poll() is not None:
            return
        os.killpg(self.running.pid, signal.SIGTERM)
        try:
            self.running.wait(wait)
        except subprocess.TimeoutExpired:
            os.killpg(self.running.pid, signal.SIGKILL)


