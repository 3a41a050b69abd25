"""`mlgolf site serve`: the processes of a site on one machine, started, watched and ended together.

    this process    starts the others, keeps the leaderboards, and is the watchdog
    web             uvicorn with the pages and the API, in as many processes as [web] says
    workers         one for each hardware class of a board that can be played here

Each may be killed at any moment. This process starts the others again, and whoever starts this one
again (systemd, for instance) finds the port free, as the others end with it.
"""

import errno
import fcntl
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mlgolf_site.config import VARIABLE, Site
from mlgolf_site.processes import ends_with_its_parent
from mlgolf_site.protocol import LOCAL_WORKER

if TYPE_CHECKING:
    from mlgolf_site.people.models import User

SETTINGS = "mlgolf_site.settings"
KEEP_SECONDS = 0.5  # between looks at boards and leases
FORGET_SECONDS = 3600.0  # between looks for events of runs that ended long ago
RESTART_SECONDS = 2.0  # before a process that ended is started again
AT_ONCE_SECONDS = 10.0  # who ends by itself before that cannot do its work, and waits longer
LONGEST_RESTART_SECONDS = 60.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # how who listens there is reached from here
PLAYED_HERE = ("one-thread-cpu", "laptop")  # classes that any machine may play
STATIC_IS_WHOLE = ".complete"  # lies with the static files once all of them are there

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
    call_command("createcachetable", verbosity=0)
    collect_static(Site.of_environment())


def collect_static(site: Site) -> None:
    """From the start where it was cut short: Django takes a file that is there for a whole one."""
    from django.core.management import call_command

    whole = site.static / STATIC_IS_WHOLE
    was_whole = whole.exists()
    whole.unlink(missing_ok=True)
    call_command("collectstatic", verbosity=0, interactive=False, clear=not was_whole)
    whole.touch()


def reach_database() -> None:
    """Raises: django.db.Error for a database that is away, with the reason that it gives."""
    from django.db import connection

    if connection.vendor == "postgresql":
        # A pool says no more than how long it has waited.
        with connection.wrap_database_errors:
            connection.Database.connect(**connection.get_connection_params()).close()
    connection.ensure_connection()


def wait_for_database(tell: Callable[[str], None], limit: float = 120.0) -> None:
    """Raises: RulesError for one that cannot be reached for so long."""
    from django.db import Error

    from mlgolf.core.errors import RulesError

    until, told = time.monotonic() + limit, False
    while True:
        try:
            reach_database()
            return
        except Error as error:
            if time.monotonic() > until:
                raise RulesError(
                    f"the database cannot be reached: {str(error).strip()}. Start it, or mend "
                    "[postgresql] in site.toml"
                ) from None
            if not told:
                tell(f"waits for the database: {str(error).strip()}")
                told = True
            time.sleep(1)


def serve(
    site: Site, *, host: str, port: int, workers: int, any_level: bool,
    tell: Callable[[str], None],
) -> int:
    """Until it is interrupted. Returns: the exit code.

    Raises: RulesError for a port that is taken, a site that is served already, and a database that
    cannot be reached.
    """
    with _alone(site.folder):
        return _serve(site, host, port, workers, any_level, tell)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Raises: RulesError where another process serves the site: each would end the other's work."""
    from mlgolf.core.errors import RulesError

    with open(folder / "serving.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RulesError(
                f"{folder} is served already. End that, or give another --folder"
            ) from None
        yield


def _serve(
    site: Site, host: str, port: int, workers: int, any_level: bool, tell: Callable[[str], None]
) -> int:
    began = time.monotonic()
    _check_that_it_is_free(host, port)
    tell(f"starting the site in {site.folder}; a new one takes some seconds to fill")
    set_up(site)
    wait_for_database(tell)
    migrate_and_collect()
    from mlgolf_site.importing.again import bring_back_if_lost
    from mlgolf_site.importing.first_start import fill, make_people, password_was_shown

    if (found := bring_back_if_lost(site)) is not None:
        tell("\n".join(["the database was empty, and is made again from the files of the site",
                        *found.lines()[:1], *found.problems]))
    password = make_people(site)  # before anybody may register
    web = _Process("web", _web(site, host, port))
    reached = EVERYWHERE.get(host, host)
    local = LocalWorkers(site, _url(reached, port), any_level)
    shown = "localhost" if reached in EVERYWHERE.values() else reached
    address = site.config.web.url or _url(shown, port)
    stopped = threading.Event()
    try:
        web.keep()  # it takes seconds to start, in which a new site is filled
        fill()
        if workers:
            local.start_missing()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        web.keep()
        _wait_until_it_answers(reached, port, stopped)
        if password:
            tell(f"administrator: {_administrator()}, password: {password} (shown once)")
            password_was_shown(site)
        tell(f"{site.config.name} is at {address} (after {time.monotonic() - began:.1f} s); "
             f"it keeps everything in {site.folder}")
        keeper = Keeper(also=local.start_missing if workers else None)
        while not stopped.wait(KEEP_SECONDS):
            for process in (web, *local.processes.values()):
                process.keep()
            if not keeper.keep():
                stopped.wait(RESTART_SECONDS)
    finally:
        for process in (*local.processes.values(), web):
            process.end()
    return 0


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _administrator() -> str:
    from mlgolf_site.people.models import User

    return User.objects.filter(is_superuser=True).order_by("pk").values_list(
        "username", flat=True
    )[0]


class Keeper:
    """What has to be done again and again, by one process: leaderboards, leases, old events."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, also: Callable[[], None] | None = None
    ) -> None:
        """Args: also: what else needs the database, and is tried again when that was away."""
        self._clock, self._also = clock, also
        self._forgot = -FORGET_SECONDS
        self._reads_ahead = True

    def keep(self) -> bool:
        """Returns: whether all could be done. What could not keeps nothing else from being done,
        and is tried again."""
        from django.db import Error, close_old_connections

        failed: list[str] = []
        for step in self._steps():
            try:
                step()
                continue
            except Error as error:
                said = f"the database refuses, or is away: {str(error).strip()}"
                if said not in failed:  # each step says it, where it is away
                    log.warning("%s; trying again", said)
                failed.append(said)
            except Exception as error:
                log.exception("the queue and the boards could not be looked after; trying again")
                failed.append(repr(error))
            close_old_connections()
        return not failed

    def _steps(self) -> Iterator[Callable[[], object]]:
        from django.utils import timezone

        from mlgolf_site.boards.drawing import draw_next
        from mlgolf_site.boards.services import judge_waiting, read_ahead, refresh_all
        from mlgolf_site.jobs.services import forget_old_events, watch

        def read() -> None:
            self._reads_ahead = read_ahead()

        def forget() -> None:
            forget_old_events()
            self._forgot = self._clock()

        yield watch
        if self._also is not None:
            yield self._also
        yield judge_waiting
        yield refresh_all
        yield lambda: draw_next(timezone.now())
        if self._reads_ahead:
            yield read
        if self._clock() >= self._forgot + FORGET_SECONDS:
            yield forget


def _check_that_it_is_free(host: str, port: int, limit: float = 5.0) -> None:
    """A moment is given to the web process of a site that was killed: it ends by itself.

    Raises: RulesError for a port that is taken, and an address that this machine has not.
    """
    from mlgolf.core.errors import RulesError

    until = time.monotonic() + limit
    while True:
        try:
            family, *_, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
            return
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise RulesError(
                    f"--host {host}: {error.strerror}. Give an address of this machine, or "
                    "0.0.0.0 for all"
                ) from None
            if time.monotonic() > until:
                raise RulesError(
                    f"--port {port}: {error.strerror}. Give another --port, or end what "
                    "listens there"
                ) from None
        time.sleep(0.2)


def _web_processes(site: Site) -> int:
    """As [web] says; else as many as there are cores, up to 4, and one for SQLite, where one
    writes at a time."""
    if site.config.web.processes:
        return site.config.web.processes
    return 1 if site.config.postgresql is None else min(len(os.sched_getaffinity(0)), 4)


def _web(site: Site, host: str, port: int) -> list[str]:
    web = site.config.web
    # Workers of this machine speak to it without a proxy, as if they came through one.
    trusted = [*web.trusted_proxies, *(EVERYWHERE.values() if site.config.https else ())]
    proxies = (
        ["--proxy-headers", "--forwarded-allow-ips", ",".join(trusted)] if trusted
        else ["--no-proxy-headers"]
    )
    return [
        sys.executable, "-m", "uvicorn", "mlgolf_site.asgi:application", "--host", host, "--port",
        str(port), "--log-level", "warning", "--no-server-header", "--timeout-graceful-shutdown",
        "3", "--workers", str(_web_processes(site)), *proxies,
    ]


def _worker(site: Site, hardware: str, url: str, any_level: bool) -> list[str]:
    return [
        sys.executable, "-m", "mlgolf.cli.main", "site", "worker", "--url", url, "--class",
        hardware, "--folder", str(site.folder / f"worker-{hardware}"), "--ledger",
        str(site.ledger), *(["--any-level"] if any_level else []),
        *(["--as-host", site.config.hosts[0].lstrip(".")] if site.config.https else []),
    ]


class LocalWorkers:
    """A worker on this machine for each class of hardware that a board asks for and any machine
    may play; for a new one as soon as there is such a board."""

    def __init__(self, site: Site, url: str, any_level: bool) -> None:
        self.processes: dict[str, _Process] = {}
        self._site, self._url, self._any_level = site, url, any_level
        self._told: set[str] = set()

    def start_missing(self) -> None:
        from mlgolf_site.contests.models import Board
        from mlgolf_site.people.models import User

        asked = Board.objects.filter(hardware__in=PLAYED_HERE).exclude(
            hardware__in=self.processes
        ).order_by().values_list("hardware", flat=True).distinct()
        for hardware in sorted(asked, key=PLAYED_HERE.index):
            admin = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
            if admin is None:
                self._warn_once("there is no administrator, so no worker is started")
            elif len(self.processes) == len(os.sched_getaffinity(0)):
                self._warn_once(
                    f"no worker of {hardware} is started: each needs a core of its own"
                )
            else:
                self.processes[hardware] = _Process(
                    f"worker of {hardware}",
                    _worker(self._site, hardware, self._url, self._any_level),
                    {"MLGOLF_TOKEN": _token(admin, hardware)}, dies_by=signal.SIGKILL,
                )

    def _warn_once(self, said: str) -> None:
        if said not in self._told:
            log.warning("%s", said)
            self._told.add(said)


def _token(admin: "User", hardware: str) -> str:
    """Of the local worker of a class. Those of earlier starts are no longer good."""
    from mlgolf_site.jobs.models import Worker
    from mlgolf_site.jobs.services import release
    from mlgolf_site.people.models import Token

    name = f"{LOCAL_WORKER}, {hardware}"
    before = list(Token.objects.filter(user=admin, name=name))
    token, text = Token.issue(admin, name, Token.Scope.WORKER, 365)
    # The same worker as before: what it had finished, it may still deliver.
    for worker in Worker.objects.filter(token__in=before):
        release(worker, "the site was started anew", its_fault=False)
        Worker.objects.filter(pk=worker.pk).update(token=token)
    for one in before:
        one.delete()
    return text


def _wait_until_it_answers(
    host: str, port: int, stopped: threading.Event, limit: float = 30.0
) -> None:
    until = time.monotonic() + limit
    while time.monotonic() < until and not stopped.is_set():
        try:
            socket.create_connection((host, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)


class _Process:
    """Started, and started again whenever it ends; less and less often, where it ends at once."""

    def __init__(
        self, name: str, command: list[str], more: dict[str, str] | None = None,
        dies_by: signal.Signals = signal.SIGTERM,  # when this process is ended
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.command, self.more, self.dies_by = name, command, more or {}, dies_by
        self.running: subprocess.Popen | None = None
        self._clock = clock
        self._started = self._not_before = -AT_ONCE_SECONDS
        self._wait, self._told = 0.0, ""

    def keep(self) -> None:
        if self.running is not None:
            if self.running.poll() is None:
                return
            self._has_ended(self.running.returncode)
            self._end_group()  # processes of the web hold its port
            self.running = None
        if self._clock() < self._not_before:
            return
        self._started = self._clock()
        environment = {**os.environ, **self.more, "PYTHONUNBUFFERED": "1"}
        if self.more:  # a worker knows no secret of the site
            environment.pop(VARIABLE, None)
        self.running = subprocess.Popen(
            self.command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=ends_with_its_parent(self.dies_by),
        )

    def _has_ended(self, code: int) -> None:
        now = self._clock()
        if code >= 0 and now - self._started < AT_ONCE_SECONDS:
            self._wait = min(max(2 * self._wait, RESTART_SECONDS), LONGEST_RESTART_SECONDS)
            said = f"{self.name} ended at once, with {code}; started again in {self._wait:.0f} s"
        else:  # it did its work, or was killed
            self._wait = RESTART_SECONDS
            said = f"{self.name} ended with {code}; started again"
            self._told = ""
        if said != self._told:
            log.warning("%s", said)
            self._told = said
        self._not_before = now + self._wait

    def _end_group(self) -> None:
        assert self.running is not None
        with suppress(ProcessLookupError):
            os.killpg(self.running.pid, signal.SIGKILL)

    def end(self, wait: float = 10.0) -> None:
        if self.running is None or self.running.poll() is not None:
            return
        os.killpg(self.running.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.running.wait(wait)
        self._end_group()


