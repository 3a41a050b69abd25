"""A worker: asks a site for jobs of its hardware class, and does one at a time.

It needs nothing of the site but its address and a token, and speaks HTTPS, so it runs anywhere. It
plays entries (`playing.py`) and repeats trials of runs (`verifying.py`), each in a process of its
own, and tells what is written while it is written (`following.py`). Killed at any moment, it loses
its lease, and the site gives the job to the next. When it starts again, what was finished and not
delivered is delivered, and what was cut off is continued if its job has not gone to another.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlgolf.api.bundles import make_ledger, open_ledger
from mlgolf.core.errors import MLGolfError, RulesError
from mlgolf.core.hardware import HardwareClass, load_hardware
from mlgolf.core.records import Calibration
from mlgolf.core.text import in_words, printable
from mlgolf.referee.levels import bubblewrap_problem, default_level
from mlgolf.referee.machine import machine
from mlgolf.results.bundles.ledger import HEADS
from mlgolf_site.jobs import playing, verifying
from mlgolf_site.jobs.calling import Caller, Lost, SiteGone
from mlgolf_site.jobs.following import Silent, Told, followed
from mlgolf_site.jobs.machine import alone_in, disturbed, own_core, probe_core, probe_record
from mlgolf_site.jobs.version import version_here
from mlgolf_site.protocol import PROTOCOL

IDLE_SECONDS = 1.0  # between questions for a job
LONGEST_WAIT = 60.0  # seconds between tries while the site cannot be reached
PROBE_AGAIN = 10.0  # seconds, on a machine that is too disturbed to measure on
PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")  # names that the site may give
WORDS = {"play": "plays", "verify": "repeats trials of"}
BEGIN = {"play": playing.play, "verify": verifying.verify}
HAS_ENDED = {"play": playing.has_ended, "verify": verifying.has_ended}
CONTINUED = ("play",)  # kinds of jobs that go on where they were cut off
KEPT_SECONDS = 7 * 24 * 3600  # what was cut off, until its job comes again
DELIVER = {"play": playing.deliver, "verify": verifying.deliver}


@dataclass
class Worker:
    url: str
    token: str
    hardware: str
    folder: Path  # for its ledger, its competitions, and jobs under way
    tell: Callable[[str], None] = print
    ledger: Path | None = None  # of the site, for its own worker; else the worker's own
    runs_other_peoples_code: bool = False  # at a weaker level than bubblewrap: said by the host
    probe: Callable[[HardwareClass], Calibration | None] = field(default_factory=lambda: probe_core)
    headers: Mapping[str, str] = field(default_factory=dict)  # with every request
    stopping: bool = field(default=False, init=False)
    _calibration: Calibration | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder = self.folder.resolve()  # what it plays has a folder of its own
        self.ledger = (self.ledger or self.folder / "ledger").resolve()
        ensure_ledger(self.ledger)
        self.call = Caller(self.url, self.token, self.headers)

    def hello(self) -> bool:
        """Say who it is, and what its class's probe found here. Returns: whether it takes jobs.

        Raises: SiteGone; RulesError for what the site does not accept, and for a machine that
        cannot run other people's code.
        """
        level, hardware = default_level(), load_hardware(self.hardware)
        too_weak = ""
        if level != "bubblewrap" and not self.runs_other_peoples_code:
            too_weak = f"it cannot run other people's code: {bubblewrap_problem()}"
        if self._calibration is None:
            self._calibration = self.probe(hardware)
        problem = too_weak or disturbed(hardware, self._calibration)
        welcome = self.call("POST", "hello", json={
            "protocol": PROTOCOL, "hardware": self.hardware, "sandbox": level,
            "version": version_here(), "time": time.time(),
            "public_key": open_ledger(self.ledger).key,
            "machine": {
                "system": platform.platform(), **machine(), "probe": probe_record(self._calibration)
            },
            "problem": problem[:500],
        }).json()  # fmt: skip
        self.tell(printable(
            f"{welcome['name']} is known to {welcome['site']} ({welcome['tier']})"
        ))
        if too_weak:
            raise RulesError(
                f"this worker takes no job: {problem}. Mend that, or let it play at the level "
                f"{level} by --any-level, which every board then says"
            )
        if problem:
            self.tell(f"it takes no job: {problem}; the probe is run again in {PROBE_AGAIN:.0f} s")
            self._calibration = None
        elif problem := printable(welcome.get("problem", "")):
            self.tell(f"the site gives it no job: {problem}")
        return not problem

    # --- the loop ---

    def work(self, once: bool = False) -> None:
        """Until it is told to stop; or until nothing waits, if `once`.

        Raises: RulesError for a token, a version or a clock that the site does not accept, and
        beside other workers that have all cores of this machine.
        """
        with alone_in(self.folder), own_core(load_hardware(self.hardware)):
            self._work(once)

    def _work(self, once: bool) -> None:
        wait = IDLE_SECONDS
        greeted = False
        while not self.stopping:
            try:
                if not greeted:
                    greeted = self.hello()
                    self._deliver_what_is_left()
                if not greeted:
                    self._sleep(PROBE_AGAIN)
                    continue
                worked = self._next()
                wait = IDLE_SECONDS
            except SiteGone as error:
                self.tell(f"{error}; trying again in {wait:.0f} s")
                self._sleep(wait)
                wait, greeted = min(2 * wait, LONGEST_WAIT), False
                continue
            if once and not worked:
                return
            if not worked:
                time.sleep(IDLE_SECONDS)

    def stop(self) -> None:
        self.stopping = True

    def _sleep(self, seconds: float) -> None:
        """Less, if it is told to stop."""
        until = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < until:
            time.sleep(min(IDLE_SECONDS, seconds))

    def _next(self) -> bool:
        answer = self.call("POST", "lease")
        if answer.status_code == 204:
            return False
        job = _named_plainly(answer.json())
        self.tell(f"{WORDS[job['kind']]} {job['contest']}/{job['entry']}: {job['run']}")
        place = self.folder / "jobs" / f"{job['run']}-{job['kind']}"
        kept = False
        try:
            if not _is_continued(job, place):
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir(parents=True)
                (place / "job.json").write_text(json.dumps(job))
            BEGIN[job["kind"]](self, job, place)
        except Lost as error:
            self.tell(f"{job['run']}: {error}")
        except MLGolfError as error:
            self._fail(job, str(error))
            # The site, or what stands before it, does not take it now: it is not played again.
            kept = isinstance(error, RulesError) and HAS_ENDED[job["kind"]](job, place)
        except OSError as error:  # a full disk, for instance
            self._fail(job, (in_words(error) or str(error)).replace(f"{self.folder}/", ""))
        # Not where the site is gone: what was finished is delivered when it is back. What was
        # stopped is continued by the next start, so that the ledger has no run without an end.
        if not (self.stopping or kept):
            shutil.rmtree(place, ignore_errors=True)
        return True

    def _fail(self, job: dict[str, Any], reason: str) -> None:
        """The job goes back now, and not when its lease runs out."""
        try:
            self.give_up(job, reason)
        except (Lost, RulesError) as error:
            self.tell(f"{job['run']}: {error}")

    def _deliver_what_is_left(self) -> None:
        """Of a worker that was killed: what had ended is sent. The rest is continued when its job
        comes again, or forgotten if it does not for a week."""
        for place in sorted((self.folder / "jobs").glob("*")):
            is_new = False
            try:
                job = json.loads((place / "job.json").read_text())
                age = time.time() - (place / "job.json").stat().st_mtime
                is_new = age < KEPT_SECONDS
                if HAS_ENDED[job["kind"]](job, place):
                    DELIVER[job["kind"]](self, job, place)
                elif is_new:
                    continue
            except RulesError as error:
                self.tell(f"{place.name}: {error}")
                if is_new:
                    continue
            except (Lost, MLGolfError, OSError, ValueError, KeyError) as error:
                self.tell(f"{place.name}: {error}")
            shutil.rmtree(place, ignore_errors=True)

    # --- what the kinds of jobs need ---

    def follow(
        self, job: dict[str, Any], process: subprocess.Popen, told: Told | Silent
    ) -> int | None:
        return followed(
            job, process, told, call=self.call, is_stopping=lambda: self.stopping, tell=self.tell
        )

    def give_up(
        self, job: dict[str, Any], reason: str, *, refused: bool = False, stopped: bool = False
    ) -> None:
        self.tell(f"{job['run']}: {reason}")
        self.call("POST", f"jobs/{job['job']}/give-up", json={
            "reason": reason, "refused": refused, "stopped": stopped,
        })  # fmt: skip

    def send(self, job: dict[str, Any], send: Callable[[], None]) -> None:
        """What was finished is sent until the site has it. Raises: Lost."""
        wait = IDLE_SECONDS
        while True:
            try:
                send()
            except SiteGone as error:
                if self.stopping:
                    self.tell(f"{error}; {job['run']} is kept, and sent at the next start")
                    raise
                self.tell(f"{error}; {job['run']} is kept, and sent again in {wait:.0f} s")
                time.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)
            else:
                self.tell(f"{job['run']}: delivered")
                return

    def competition(self, job: dict[str, Any]) -> Path:
        """The folder of the rules, by its hash: downloaded once."""
        place = self.folder / "competitions" / job["folder_sha256"]
        folder = place / job["contest"]
        if not folder.is_dir():
            scratch = place.with_name(f".{place.name}-{os.getpid()}")
            shutil.rmtree(scratch, ignore_errors=True)
            playing.unzip(self.call("GET", f"competitions/{job['version']}").content, scratch)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(place, ignore_errors=True)
            scratch.rename(place)
        return folder


def _is_continued(job: dict[str, Any], place: Path) -> bool:
    """Whether it was begun here before, and can go on. Repetitions begin anew."""
    try:
        before = json.loads((place / "job.json").read_text())
    except (OSError, ValueError):
        return False
    same = all(before.get(key) == job[key] for key in ("job", "run", "kind"))
    return same and job["kind"] in CONTINUED


def ensure_ledger(folder: Path) -> None:
    """Made, or completed where making it was cut short."""
    heads = folder / HEADS
    if not heads.exists() or heads.stat().st_size == 0:
        make_ledger(folder)


def _named_plainly(job: dict[str, Any]) -> dict[str, Any]:
    """Raises: RulesError for names that could lead out of the worker's folder, or be options."""
    for key in ("run", "entry", "contest", "cell", "framework", "ruleset", "folder_sha256", "kind"):
        if not PLAIN.fullmatch(str(job[key])) and (key, job[key]) != ("cell", ""):
            raise RulesError(f"the site names a job by {key} = {printable(job[key])!r}")
    return job
