"""A site whose processes are killed at random moments while somebody submits to it."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from postgresql import Server

PERSON, PASSWORD = "kim", "correct horse battery"
OPEN = {"queued", "playing", "judging"}
SET_UP = """
import sys
from pathlib import Path
from mlgolf_site.config import Site
from mlgolf_site.serving import migrate_and_collect, set_up
set_up(Site(Path(sys.argv[1])))
migrate_and_collect()
from mlgolf_site.contests.services import add_contest
from mlgolf_site.people.models import User
User.objects.create_user(sys.argv[3], "kim@example.org", sys.argv[4])
add_contest(Path(sys.argv[2]))
"""
LOOK = """
import json, sys
from pathlib import Path
from mlgolf_site.config import Site
from mlgolf_site.serving import set_up
set_up(Site(Path(sys.argv[1])))
from mlgolf_site.contests.models import Board
from mlgolf_site.entries.models import Entry
from mlgolf_site.people.models import User
from mlgolf_site.submitting import left_today
board = Board.objects.get(version__contest__slug="quick", name="")
print(json.dumps({
    "left": left_today(User.objects.get(username=sys.argv[2])),
    "entries": {entry.name: [
        {"run": run.folder_name, "state": run.job.state, "reason": run.job.reason,
         "attempts": run.job.attempts, "counts": run.counts, "bundle": run.bundle,
         "beside": (Path(sys.argv[1]) / "files" / (run.bundle + ".json")).is_file(),
         "verdict": bool(run.bundle_sha256)}
        for run in entry.runs.select_related("job")
    ] for entry in Entry.objects.filter(board=board)},
    "rows": [] if board.snapshot is None or board.snapshot.of_change < board.changes else
    [row.entry.name for row in board.snapshot.standings.select_related("entry")],
}))
"""


@dataclass
class FaultySite:
    folder: Path
    game: Path
    limit: int  # submissions of one person
    server: Server | None = None  # of PostgreSQL; without one on SQLite
    tell: Callable[[str], None] = print
    kills: Counter = field(default_factory=Counter)

    def __post_init__(self) -> None:
        from mlgolf_site.config import FILE, embedded, write_private

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        text = embedded() + f"\n[limits]\nsubmissions = {self.limit}\nwaiting = {self.limit}\n"
        if self.server is not None:
            text += f'\n[postgresql]\nuser = "mlgolf"\nhost = "{self.server.folder}"\n'
        self.folder.mkdir(parents=True)
        write_private(self.folder / FILE, text)
        self._python(SET_UP, str(self.folder), str(self.game), PERSON, PASSWORD)
        self._said = open(self.folder / "said.txt", "wb")  # noqa: SIM115
        self._lock = threading.Lock()  # nobody starts what another starts
        self.start()

    def _python(self, script: str, *arguments: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-c", script, *arguments], capture_output=True, text=True,
            env=_environment(),
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    # --- its processes ---

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlgolf.cli.main", "site", "serve", "--folder",
             str(self.folder), "--port", str(self.port)],
            stdout=self._said, stderr=subprocess.STDOUT, start_new_session=True,
            env=_environment(),
        )  # fmt: skip

    def look_after(self) -> None:
        """As systemd does: what ended is started again."""
        with self._lock:
            if self.process.poll() is not None:
                self.start()

    def _children(self, word: str) -> list[int]:
        found = []
        for status in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError, ValueError):
                parent = int(status.read_text().rpartition(")")[2].split()[1])
                if parent == self.process.pid and word in (
                    status.with_name("cmdline").read_bytes().decode().replace("\0", " ")
                ):
                    found.append(int(status.parent.name))
        return found

    def kill(self, what: str) -> bool:
        """Returns: whether there was one to kill."""
        if what == "database":
            assert self.server is not None
            self.server.kill()
            time.sleep(random.random())
            self.server.start_again()
        else:
            words = {"web": "uvicorn", "worker": "site worker"}
            pids = [self.process.pid] if what == "keeper" else self._children(words[what])
            if not pids or (what == "keeper" and self.process.poll() is not None):
                return False
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if what == "keeper":
                self.process.wait()
        self.kills[what] += 1
        self.tell(f"killed: {what}")
        return True

    def end(self) -> None:
        with self._lock:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
                self.process.wait(60)
        self._said.close()

    # --- somebody submits ---

    def submit(self, name: str, content: bytes, limit: float = 180.0) -> None:
        """Until the site says that it has it, however often it was killed meanwhile."""
        until = time.monotonic() + limit
        while True:
            try:
                if self._submitted(name, content):
                    return
            except (httpx.HTTPError, AttributeError) as error:
                said = repr(error)
            else:
                said = "no answer that says so"
            assert time.monotonic() < until, f"{name} could not be submitted: {said}"
            self.look_after()
            time.sleep(0.5)

    def _submitted(self, name: str, content: bytes) -> bool:
        with httpx.Client(base_url=self.url, timeout=20) as client:
            page = client.get("/accounts/login/")
            client.post("/accounts/login/", data={
                "login": PERSON, "password": PASSWORD, "csrfmiddlewaretoken": _token(page.text),
            })  # fmt: skip
            if client.get(f"/c/quick/e/{name}/").status_code == 200:
                return True  # it was taken in, and the answer was lost
            page = client.get("/c/quick/submit/")
            answer = client.post(
                "/c/quick/submit/", files={"file": ("entry.zip", content)}, data={
                    "name": name, "board": "", "framework": "torch", "submit": "1",
                    "csrfmiddlewaretoken": _token(page.text),
                },
            )  # fmt: skip
            assert answer.status_code != 422, answer.text
            return answer.status_code == 302

    # --- what came of it ---

    def look(self) -> dict:
        return json.loads(self._python(LOOK, str(self.folder), PERSON))

    def wait_until_all_ended(self, names: list[str], limit: float) -> dict:
        """Raises: AssertionError with what has not ended."""
        until = time.monotonic() + limit
        while True:
            self.look_after()
            found = self.look()
            runs = [run for name in names for run in found["entries"].get(name, [])]
            still = [run for run in runs if run["state"] in OPEN]
            if not still and set(names) <= set(found["rows"]):
                return found
            if time.monotonic() > until:
                raise AssertionError(f"after {limit:.0f} s: {found}\n{self.said()}")
            time.sleep(2)

    def said(self) -> str:
        return (self.folder / "said.txt").read_text(errors="replace")[-20_000:]


def _environment() -> dict[str, str]:
    """Without the site of the tests."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("MLGOLF_SITE", "DJANGO"))}


def _token(page: str) -> str:
    """Raises: AttributeError for a page without a form."""
    return re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page).group(1)  # type: ignore[union-attr]


def play(
    site: FaultySite, names: list[str], content: bytes, *, kinds: list[str], kills: int,
    seconds: tuple[float, float], seed: int,
) -> dict:
    """Submit while processes are killed, then wait for the verdicts. Returns: what came of it."""
    submitted = threading.Event()
    failed: list[BaseException] = []

    def submit_all() -> None:
        try:
            for name in names:
                site.submit(name, content)
        except BaseException as error:
            failed.append(error)
        finally:
            submitted.set()

    thread = threading.Thread(target=submit_all)
    thread.start()
    chance = random.Random(seed)
    while site.kills.total() < kills and not failed:
        time.sleep(chance.uniform(*seconds))
        site.kill(chance.choice(kinds))
        site.look_after()
    thread.join()
    if failed:
        raise failed[0]
    return site.wait_until_all_ended(names, limit=600)


def problems(site: FaultySite, names: list[str], found: dict) -> list[str]:
    """What was lost, counted twice, or charged."""
    wrong = []
    for name in names:
        runs = found["entries"].get(name, [])
        if len(runs) != 1:
            wrong.append(f"{name}: {len(runs)} runs")
        wrong += [f"{name}: {run}" for run in runs if not (
            run["state"] == "done" and run["verdict"] and run["counts"] and run["beside"]
        )]  # fmt: skip
        if found["rows"].count(name) != 1:
            wrong.append(f"{name} stands {found['rows'].count(name)} times on the board")
    if found["left"] != site.limit - len(names):
        wrong.append(f"{site.limit - len(names)} submissions should be left, not {found['left']}")
    return [*wrong, *_ledger_problems(site, found)]


def _ledger_problems(site: FaultySite, found: dict) -> list[str]:
    bundles = [
        str(site.folder / "files" / run["bundle"])
        for runs in found["entries"].values() for run in runs if run["verdict"]
    ]
    ended = subprocess.run(
        [sys.executable, "-m", "mlgolf.cli.main", "verify", *bundles, "--ledger",
         str(site.folder / "ledger"), "--any-key"], capture_output=True, text=True,
    )  # fmt: skip
    wrong = [] if ended.returncode == 0 else [ended.stdout + ended.stderr]
    if "not bundled" in ended.stdout:
        wrong.append(ended.stdout)
    return wrong
