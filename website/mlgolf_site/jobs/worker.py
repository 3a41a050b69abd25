"""A worker: asks a site for jobs of its hardware class, and plays one at a time.

It needs nothing of the site but its address and a token, and speaks HTTPS, so it runs anywhere. It
plays by the same command as anybody, `mlgolf run`, in a process of its own, tells what is written
into the run's folder while it is written, and delivers the run as a bundle. Killed at any moment,
it loses its lease, and the site gives the job to the next; a run that was finished and not
delivered is delivered when it starts again.
"""

import fcntl
import io
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from mlgolf import __version__
from mlgolf.api.bundles import bundle as write_bundle
from mlgolf.api.bundles import make_ledger
from mlgolf.core.errors import MLGolfError, RulesError, SubmissionError
from mlgolf.core.hardware import HardwareClass, load_hardware
from mlgolf.core.records import Calibration
from mlgolf.core.text import enumerated, number_of, printable
from mlgolf.referee.calibration import calibrate
from mlgolf.referee.cores import lock_file, taken_cores
from mlgolf.referee.freeze import package_fingerprint
from mlgolf.referee.levels import bubblewrap_problem, default_level
from mlgolf.referee.machine import machine
from mlgolf.results.bundles.reading import sound_bundle
from mlgolf_site.protocol import PROTOCOL

IDLE_SECONDS = 1.0  # between questions for a job
BEAT_SECONDS = 0.4  # between heartbeats while one is played
LONGEST_WAIT = 60.0  # seconds between tries while the site cannot be reached
PROBE_AGAIN = 10.0  # seconds, on a machine that is too disturbed to measure on
LINE, LINES_AT_ONCE = 2000, 500  # characters of a line of a log; events of one heartbeat
REFUSED = 2  # exit code of mlgolf run for what is refused before it begins


class SiteGone(Exception):
    """The site cannot be reached, or answers that it is broken: to be tried again."""


@dataclass
class Worker:
    url: str
    token: str
    hardware: str
    folder: Path  # for its ledger, its competitions, and runs under way
    tell: Callable[[str], None] = print
    ledger: Path | None = None  # of the site, for its own worker; else the worker's own
    runs_other_peoples_code: bool = False  # at a weaker level than bubblewrap: said by the host
    probe: Callable[[HardwareClass], Calibration | None] = field(default_factory=lambda: probe_core)
    stopping: bool = field(default=False, init=False)
    _calibration: Calibration | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ledger = self.ledger or self.folder / "ledger"
        if not (self.ledger / "heads.jsonl").exists():
            make_ledger(self.ledger)
        self._http = httpx.Client(
            base_url=f"{self.url.rstrip('/')}/api/worker/", timeout=60,
            headers={"Authorization": f"Bearer {self.token}"},
        )

    # --- what is said to the site ---

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Raises: SiteGone to try again, RulesError for what the site will not have."""
        try:
            answer = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise SiteGone(f"{self.url} cannot be reached: {error}") from None
        if answer.status_code >= 500 or answer.status_code == 429:
            raise SiteGone(f"{self.url} answers {answer.status_code}")
        if answer.status_code in (401, 403, 422, 400, 404, 409):
            try:
                detail = answer.json()["detail"]
            except (ValueError, KeyError):
                detail = answer.text[:500]
            kind = Lost if answer.status_code in (404, 409) else RulesError
            raise kind(f"{self.url}: {printable(detail)}")
        return answer

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
        welcome = self._call("POST", "hello", json={
            "protocol": PROTOCOL, "hardware": self.hardware, "sandbox": level,
            "version": f"{__version__} ({package_fingerprint()[:12]})", "time": time.time(),
            "machine": {
                "system": platform.platform(), **machine(), "probe": probe_record(self._calibration)
            },
            "problem": problem[:500],
        }).json()  # fmt: skip
        self.tell(f"{welcome['name']} is known to {welcome['site']} ({welcome['tier']})")
        if too_weak:
            raise RulesError(
                f"this worker takes no job: {problem}. Mend that, or let it play at the level "
                f"{level} by --any-level, which every board then says"
            )
        if problem:
            self.tell(f"it takes no job: {problem}; the probe is run again in {PROBE_AGAIN:.0f} s")
            self._calibration = None
        return not problem

    # --- the loop ---

    def work(self, once: bool = False) -> None:
        """Until it is told to stop; or until nothing waits, if `once`.

        Raises: RulesError for a token, a version or a clock that the site does not accept, and
        beside other workers that have all cores of this machine.
        """
        with own_core(load_hardware(self.hardware)):
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
                played = self._next()
                wait = IDLE_SECONDS
            except SiteGone as error:
                self.tell(f"{error}; trying again in {wait:.0f} s")
                self._sleep(wait)
                wait, greeted = min(2 * wait, LONGEST_WAIT), False
                continue
            if once and not played:
                return
            if not played:
                time.sleep(IDLE_SECONDS)

    def stop(self) -> None:
        self.stopping = True

    def _sleep(self, seconds: float) -> None:
        """Less, if it is told to stop."""
        until = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < until:
            time.sleep(min(IDLE_SECONDS, seconds))

    def _next(self) -> bool:
        answer = self._call("POST", "lease")
        if answer.status_code == 204:
            return False
        job = answer.json()
        self.tell(f"plays {job['contest']}/{job['entry']} as {job['run']}")
        try:
            self._play(job)
        except Lost as error:
            self.tell(f"{job['run']}: {error}")
        return True

    def _play(self, job: dict[str, Any]) -> None:
        place = self.folder / "jobs" / job["run"]
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        (place / "job.json").write_text(json.dumps(job))
        competition = self._competition(job)
        _unzip(self._call("GET", f"jobs/{job['job']}/code").content, place)
        run = place / "run" / job["run"]
        given = f"{competition}@{job['cell']}" if job["cell"] else str(competition)
        command = [
            sys.executable, "-m", "mlgolf.cli.main", "run", job["entry"], "--competition", given,
            "--framework", job["framework"], "--tuning", job["ruleset"], "--out", str(run),
            "--ledger", str(self.ledger),
        ]
        with open(place / "said.txt", "wb") as said:
            process = subprocess.Popen(
                command, cwd=place, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                env=_environment(), start_new_session=True,
            )
        told = Told(run, place / "said.txt")
        try:
            code = self._watch(job, process, told)
        except BaseException:
            _end(process)
            raise
        if code is None:
            self._give_up(job, "its worker was stopped")
        elif code == REFUSED and not any(run.glob("*/study_*")):
            said_text = (place / "said.txt").read_text(errors="replace").strip()
            self._give_up(job, _refusal(said_text), refused=True)
        elif not (run / "held_out.json").exists():
            self._give_up(job, f"mlgolf run ended with exit code {code} before its last trial")
        else:
            self._deliver(job, run)
            shutil.rmtree(place, ignore_errors=True)

    def _watch(
        self, job: dict[str, Any], process: subprocess.Popen, told: "Told"
    ) -> int | None:
        """Tell what happens until it ends. Returns: the exit code; None if it was to stop."""
        beaten = 0.0
        while True:
            code = process.poll()
            events = told.new()
            try:
                if events or code is not None or time.monotonic() - beaten > 10 * BEAT_SECONDS:
                    for start in range(0, max(len(events), 1), LINES_AT_ONCE):
                        stop = self._call(
                            "POST", f"jobs/{job['job']}/heartbeat",
                            json={"events": events[start:start + LINES_AT_ONCE]},
                        ).json()["stop"]
                    beaten = time.monotonic()
                    told.taken(events)
                    if stop or self.stopping:
                        _end(process)
                        return None
            except SiteGone as error:
                self.tell(f"{error}; {job['run']} is played on")
                time.sleep(IDLE_SECONDS)
            if code is not None:
                return code
            time.sleep(BEAT_SECONDS)

    def _give_up(self, job: dict[str, Any], reason: str, *, refused: bool = False) -> None:
        self.tell(f"{job['run']}: {reason}")
        self._call(
            "POST", f"jobs/{job['job']}/give-up", json={"reason": reason, "refused": refused}
        )

    def _deliver(self, job: dict[str, Any], run: Path) -> None:
        file = run.parent / f"{run.name}.mlgolf.zip"
        if not file.exists():
            write_bundle(run, file, ledger=self.ledger)
        seal = sound_bundle(file).seal
        assert seal is not None
        wait = IDLE_SECONDS
        while True:
            try:
                with open(file, "rb") as content:
                    self._call(
                        "PUT", f"jobs/{job['job']}/bundle", content=content,
                        params={"sha256": seal.sha256}, timeout=300,
                    )
                self.tell(f"{job['run']}: delivered")
                return
            except SiteGone as error:
                self.tell(f"{error}; {job['run']} is kept, and sent again in {wait:.0f} s")
                time.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)

    def _deliver_what_is_left(self) -> None:
        """Of a worker that was killed: runs that had ended are sent, the others are played anew."""
        for place in sorted((self.folder / "jobs").glob("*")):
            try:
                job = json.loads((place / "job.json").read_text())
                run = place / "run" / job["run"]
                if (run / "held_out.json").exists():
                    self._deliver(job, run)
            except (Lost, MLGolfError, OSError, ValueError) as error:
                self.tell(f"{place.name}: {error}")
            shutil.rmtree(place, ignore_errors=True)

    def _competition(self, job: dict[str, Any]) -> Path:
        """The folder of the rules, by its hash: downloaded once."""
        place = self.folder / "competitions" / job["folder_sha256"]
        folder = place / job["contest"]
        if not folder.is_dir():
            scratch = place.with_name(f".{place.name}-{os.getpid()}")
            shutil.rmtree(scratch, ignore_errors=True)
            _unzip(self._call("GET", f"competitions/{job['version']}").content, scratch)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(place, ignore_errors=True)
            scratch.rename(place)
        return folder


class Lost(Exception):
    """The job is no longer this worker's."""


# --- the machine ---


@contextmanager
def own_core(hardware: HardwareClass) -> Iterator[None]:
    """For as long as a worker lives, a core of this machine that no other worker has.

    Players take cores themselves, one after the other, so with no more workers than cores each
    player has one for itself. A class that is not pinned to one core takes all.
    Raises: RulesError if there is none left.
    """
    cores = sorted(os.sched_getaffinity(0), reverse=True)
    asked = 1 if hardware.pin_to_one_core else len(cores)
    with ExitStack() as held:
        mine: list[int] = []
        for core in cores:
            if len(mine) == asked:
                break
            with ExitStack() as attempt:
                lock = attempt.enter_context(lock_file(f"worker-of-core-{core}"))
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                held.push(attempt.pop_all())
                mine.append(core)
        if len(mine) < asked:
            raise RulesError(_no_core_left(hardware, cores, mine))
        yield


def _no_core_left(hardware: HardwareClass, cores: Sequence[int], free: Sequence[int]) -> str:
    taken = sorted(set(cores) - set(free))
    named = f"{'core' if len(taken) == 1 else 'cores'} {enumerated(taken)}"
    needs = "a core of its own" if hardware.pin_to_one_core else "all cores"
    return (
        f"another worker measures on {named} of this machine's {number_of(len(cores), 'core')}, "
        f"and a worker of {hardware.name} needs {needs}: two would disturb each other's clocks. "
        "End the other, or start this one on another machine"
    )


def probe_core(hardware: HardwareClass) -> Calibration | None:
    """The class's probe, as at the beginning of a run; None for a class without a reference."""
    with taken_cores(hardware) as cores:
        return calibrate(hardware, cores.numbers)


def disturbed(hardware: HardwareClass, calibration: Calibration | None) -> str:
    """Why nothing is to be measured here now; empty if nothing says so."""
    if calibration is None or hardware.reference is None:
        return ""
    if calibration.spread <= hardware.reference.noise:
        return ""
    return (
        f"the machine is too disturbed to measure on: rounds of the probe differ by "
        f"{calibration.spread:.0%}, the class {hardware.name} allows {hardware.reference.noise:.0%}"
    )


def probe_record(calibration: Calibration | None) -> dict[str, float] | None:
    """For the site: what the probe found; None where the class has no reference machine."""
    if calibration is None:
        return None
    return {
        "seconds": calibration.seconds, "spread": calibration.spread, "speed": calibration.speed,
    }


def _environment() -> dict[str, str]:
    """No secret of the site or the worker reaches what it plays."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "MLGOLF_DATA_DIR", "MLGOLF_LOCK_DIR")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _refusal(said: str) -> str:
    """What mlgolf run said last."""
    message = said.rpartition("mlgolf: ")[2] or said
    return printable(message)[:1000]


def _end(process: subprocess.Popen) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _unzip(content: bytes, folder: Path) -> None:
    """Of the site. Names are checked all the same: it might be somebody else's.

    Raises: SubmissionError.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            target = (folder / entry.filename).resolve()
            if not target.is_relative_to(folder.resolve()) or entry.is_dir():
                raise SubmissionError(f"{printable(entry.filename)} leads out of its folder")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(entry))


@dataclass
class Told:
    """What is written into a run's folder, as events, each once."""

    run: Path
    said: Path
    _read: dict[Path, int] = field(default_factory=dict)  # bytes of each file that were told
    _number: int = 0
    _waiting: list[dict[str, Any]] = field(default_factory=list)

    def new(self) -> list[dict[str, Any]]:
        """All that the site has not taken in yet."""
        for kind, trial, line in self._lines():
            self._number += 1
            if kind == "evaluation":
                data = {"trial": trial, **_told_of(line)}
            else:
                data = {"trial": trial, "line": printable(line)[:LINE]}
            self._waiting.append({"number": self._number, "kind": kind, "data": data})
        return list(self._waiting)

    def taken(self, events: list[dict[str, Any]]) -> None:
        self._waiting = self._waiting[len(events):]

    def _lines(self) -> Iterator[tuple[str, str, str]]:
        for line in self._new_of(self.said):
            yield "log", "", line
        for folder in sorted(self.run.glob("*/study_*/*/trial_*")):
            trial = str(folder.relative_to(self.run))
            for line in self._new_of(folder / "log.txt"):
                yield "log", trial, line
            for line in self._new_of(folder / "evals.jsonl"):
                yield "evaluation", trial, line

    def _new_of(self, path: Path) -> list[str]:
        """Whole lines that were added since."""
        try:
            with open(path, "rb") as file:
                file.seek(self._read.get(path, 0))
                content = file.read(1_000_000)
        except OSError:
            return []
        whole, end, _ = content.rpartition(b"\n")
        self._read[path] = self._read.get(path, 0) + len(whole) + len(end)
        return whole.decode(errors="replace").splitlines() if end else []


def _told_of(line: str) -> dict[str, Any]:
    """Of a row of evaluations: nothing of data that is held out, which is told when it ends."""
    row = json.loads(line)
    metrics = {
        name: value for name, value in row.get("metrics", {}).items()
        if name.startswith(("train/", "model/")) and isinstance(value, float | int)
    }
    return {"step": row.get("step"), "seconds": row.get("seconds"), "metrics": metrics}
