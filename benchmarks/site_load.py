"""How does a site hold up with 20,000 entries and 100,000 trials on one leaderboard?

    site_load.py [--entries 20000] [--seconds 5]

On a PostgreSQL server of its own, in a folder that is removed afterwards, `mlgolf site serve` has
a competition with made-up results on the loopback address. Printed are, each with its spread:

- the page of the leaderboard against the same page's plain SQL query, in turn, for its first,
  middle and last page of rows; and pages that nobody has asked for before;
- requests a second, by four clients at a time, who have the same cores as the site;
- from a result that counts to the page that shows it;
- from the worker that tells a line to the client that follows the run;
- a submission: from the form to the answer that it is in the queue;
- from the command to the first page, on a new SQLite site.

Every loop is bounded. PostgreSQL writes to the disk as in production (fsync is on).
"""

import argparse
import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
from common import print_machine

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "website" / "tests"
SOCKET = "MLGOLF_TEST_POSTGRESQL"  # set by postgresql.py: the folder of the server's socket
GAME = "cancer-nuclear"
REPEATS, NEW_RESULTS, LINES, CLIENTS = 200, 7, 40, 4
SUBMISSIONS = 25  # fewer than the uploads that one person has in a minute
PATIENCE = 60.0  # seconds that an answer may take
sys.path.insert(0, str(TESTS))


def table(title: str, rows: list[tuple[str, ...]]) -> None:
    """Columns as wide as they need to be."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    print(f"\n{title}")
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


def ms(values: list[float]) -> tuple[str, ...]:
    """p50, p99, smallest and largest, in milliseconds."""
    found = sorted(1000 * value for value in values)
    high = found[min(len(found) - 1, int(0.99 * len(found)))]
    return tuple(f"{v:.1f}" for v in (statistics.median(found), high, found[0], found[-1]))


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


# --- the site ---


def write_site(folder: Path) -> None:
    from mlgolf_site.config import FILE, embedded, write_private

    write_private(folder / FILE, embedded() + (
        f'\n[postgresql]\nname = "mlgolf"\nuser = "mlgolf"\nhost = "{os.environ[SOCKET]}"\n'
        "\n[limits]\nsubmissions = 1000\nwaiting = 1000\n"
    ))


def fill_site(folder: Path, entries: int) -> Any:
    """In this process. Returns: the board."""
    from mlgolf_site.config import Site
    from mlgolf_site.serving import migrate_and_collect, set_up

    set_up(Site(folder))
    migrate_and_collect()
    from filled import fill, people, trials_of
    from mlgolf_site.contests.models import Board
    from mlgolf_site.importing.first_start import prepare
    from numpy.random import default_rng

    from mlgolf.report.view import review_view
    from mlgolf.scoring.review import review_trials

    prepare(Site(folder))
    board = Board.objects.select_related("version__contest").get(
        version__contest__slug=GAME, name=""
    )
    trials = trials_of(board, "one", 9.0, default_rng(0))
    view = review_view(review_trials(board.competition, trials, board.ruleset))
    fill(board, entries, owners=people(500), view=asdict(view))
    return board


@contextmanager
def served(folder: Path, *options: str) -> Iterator[Any]:
    from served import Served

    site = Served(folder, *options)
    try:
        site.wait_for(r"is at (http://\S+)", 300)
        yield site
    finally:
        site.end()


def wait_for_board(board: Any, entries: int) -> float:
    """Seconds that making it took, as the keeper wrote down."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        board.refresh_from_db()
        if board.snapshot is not None and board.snapshot.rows >= entries:
            return board.snapshot.seconds
        time.sleep(0.2)
    raise AssertionError("the leaderboard was not made within 300 s")


# --- pages ---

ROWS_SQL = """
select s.entry_id, s.*, e.*, c.*, u.*, t.* from boards_standing s
join entries_entry e on e.id = s.entry_id
join contests_contest c on c.id = e.contest_id join people_user u on u.id = e.owner_id
left join people_team t on t.id = e.team_id
where s.snapshot_id = %s and s.place between %s and %s order by s.place"""
RUNS_SQL = """
select key, entry_id, tier, is_verified, counts, ended from entries_run
where entry_id = any(%s) and ended is not null order by id"""


def measure_pages(client: httpx.Client, board: Any) -> None:
    import psycopg

    board.refresh_from_db()
    snapshot, pages = board.snapshot_id, -(-board.snapshot.rows // 100)
    connection = psycopg.connect(host=os.environ[SOCKET], user="mlgolf", dbname="mlgolf")

    def query(page: int) -> None:
        rows = connection.execute(ROWS_SQL, [snapshot, 100 * page - 99, 100 * page]).fetchall()
        connection.execute(RUNS_SQL, [[row[0] for row in rows]]).fetchall()
        connection.commit()

    def get(page: int) -> None:
        answer = client.get(f"/c/{GAME}/", params={"page": page})
        assert answer.status_code == 200
        assert answer.text.count("<tr id=") > 0

    rows = [("page", "p50 ms", "p99 ms", "least", "most", "SQL p50", "SQL p99", "ratio p50",
             "ratio p99")]  # fmt: skip
    named = {"first": 1, "middle": pages // 2, "last": pages}
    for name, page in named.items():
        get(page), query(page)
        both = [(timed(lambda p=page: get(p)), timed(lambda p=page: query(p)))
                for _ in range(REPEATS)]  # fmt: skip
        rows.append((name, *_against(*map(list, zip(*both, strict=True)))))
    cold = [page for page in range(2, pages, max(1, pages // 60)) if page not in named.values()]
    both = [(timed(lambda p=page: get(p)), timed(lambda p=page: query(p))) for page in cold]
    rows.append((f"{len(cold)} new ones", *_against(*map(list, zip(*both, strict=True)))))
    etag = client.get(f"/c/{GAME}/").headers["ETag"]
    unchanged = [
        timed(lambda: client.get(f"/c/{GAME}/", headers={"If-None-Match": etag}))
        for _ in range(REPEATS)
    ]
    rows.append(("unchanged", *ms(unchanged), "", "", "", ""))
    table("The leaderboard against its plain SQL query", rows)


def _against(page: list[float], query: list[float]) -> tuple[str, ...]:
    ours, plain = ms(page), ms(query)
    ratios = (f"{float(ours[n]) / float(plain[n]):.1f}" for n in (0, 1))
    return (*ours, *plain[:2], *ratios)


def ask_again_and_again(url: str, seconds: float, counted: Any) -> None:
    with httpx.Client(timeout=PATIENCE) as client:
        until, count = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            assert client.get(url).status_code == 200
            count += 1
        counted.put(count)


def measure_requests(url: str, seconds: float) -> None:
    rows = [("page", "requests a second", "each of 3 times")]
    for name, path in (
        ("home", "/"), ("leaderboard", f"/c/{GAME}/"), ("entry", f"/c/{GAME}/e/entry-00000/"),
    ):
        rates = []
        for _ in range(3):
            counted: Any = multiprocessing.Queue()
            clients = [
                multiprocessing.Process(
                    target=ask_again_and_again, args=(f"{url}{path}", seconds, counted)
                ) for _ in range(CLIENTS)
            ]  # fmt: skip
            for client in clients:
                client.start()
            total = sum(counted.get(timeout=seconds + 60) for _ in clients)
            for client in clients:
                client.join()
            rates.append(total / seconds)
        each = ", ".join(f"{rate:.0f}" for rate in rates)
        rows.append((name, f"{statistics.median(rates):.0f}", each))
    table(f"Requests a second, {CLIENTS} clients on the same cores", rows)


# --- what has to be seen soon ---


def measure_new_results(client: httpx.Client, board: Any) -> None:
    """An entry gets a run that is the best of all; the first page shows it first."""
    from django.db import transaction
    from django.utils import timezone
    from filled import results_of, trials_of
    from mlgolf_site.entries.models import Run
    from mlgolf_site.jobs.models import Job, State
    from numpy.random import default_rng

    waited, made = [], []
    entries = list(board.entries.filter(name__startswith="entry-").order_by("-pk")[:NEW_RESULTS])
    for number, entry in enumerate(entries):
        trials = trials_of(board, entry.name, 5.0 * 0.9**number, default_rng(number))
        results = results_of(board, trials)
        with transaction.atomic():
            entry.runs.update(counts=False)
            run = Run.objects.create(
                entry=entry, counts=True, ended=timezone.now(), results=results,
                bundle_sha256=f"{number:064d}",
            )
            Job.objects.create(run=run, hardware=board.hardware, state=State.DONE)
            board.has_changed()
        began = time.monotonic()
        while time.monotonic() < began + 60:
            first = re.search(r'<tr id="place-1">.*?/e/([^/]+)/', _page(client), re.DOTALL)
            if first and first.group(1) == entry.name:
                break
            time.sleep(0.05)
        else:
            raise AssertionError(f"{entry.name} was not shown within 60 s")
        waited.append(time.monotonic() - began)
        board.refresh_from_db()
        made.append(board.snapshot.seconds)
    table("From a result to the leaderboard that shows it (aim: 5 s)", [
        ("", "median s", "least", "most"), ("shown", *_three(waited)),
        ("of which it was made in", *_three(made)),
    ])  # fmt: skip


def _page(client: httpx.Client) -> str:
    return client.get(f"/c/{GAME}/").text


def _three(values: list[float]) -> tuple[str, ...]:
    return tuple(f"{v:.2f}" for v in (statistics.median(values), min(values), max(values)))


def measure_live(url: str, board: Any) -> None:
    """A worker's heartbeat with a line of log, until who follows the run has it."""
    from mlgolf_site.jobs.services import enqueue
    from mlgolf_site.jobs.version import version_here
    from mlgolf_site.people.models import Token, User
    from mlgolf_site.protocol import PROTOCOL

    admin = User.objects.filter(is_superuser=True).first()
    assert admin is not None
    _, text = Token.issue(admin, "load", Token.Scope.WORKER)
    worker = httpx.Client(
        base_url=f"{url}/api/worker/", headers={"Authorization": f"Bearer {text}"},
        timeout=PATIENCE,
    )
    entry = board.entries.get(name="entry-00001")
    entry.is_code_public = True  # its log is for who may see its code
    entry.save()
    run = enqueue(entry)
    _ok(worker.post("hello", json={
        "protocol": PROTOCOL, "hardware": board.hardware, "version": version_here(),
        "sandbox": "bubblewrap", "public_key": "0" * 64, "machine": {}, "time": time.time(),
    }))  # fmt: skip
    job = _ok(worker.post("lease")).json()["job"]
    arrived: dict[str, float] = {}
    follower = threading.Thread(target=_follow, args=(f"{url}/runs/{run.key}/events/", arrived))
    follower.start()
    _until(lambda: "plays" in arrived or arrived.get("connected"))
    sent = {}
    for number in range(1, LINES + 1):
        line = f"line {number}"
        sent[line] = time.monotonic()
        _ok(worker.post(f"jobs/{job}/heartbeat", json={
            "events": [{"number": number, "kind": "log", "data": {"line": line}}]
        }))  # fmt: skip
        _until(lambda line=line: line in arrived)
        time.sleep(0.013 * (number % 10))  # at no fixed time of what looks for lines
    _ok(worker.post(f"jobs/{job}/give-up", json={"reason": "it was a test", "refused": True}))
    follower.join(30)
    table("From a worker's heartbeat to who follows the run (aim: 1 s)", [
        ("", "p50 ms", "p99 ms", "least", "most"),
        ("line", *ms([arrived[line] - sent[line] for line in sent])),
    ])  # fmt: skip


def _ok(answer: httpx.Response) -> httpx.Response:
    assert answer.status_code == 200, answer.text
    return answer


def _until(holds: Callable[[], Any], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"nothing within {seconds:.0f} s"
        time.sleep(0.001)


def _follow(url: str, arrived: dict[str, float]) -> None:
    """When each line arrives, until the run has ended."""
    with httpx.stream("GET", url, timeout=60) as answer:
        arrived["connected"] = time.monotonic()
        for line in answer.iter_lines():
            if line.startswith("data: "):
                told = json.loads(line.removeprefix("data: "))
                arrived[told.get("line", "")] = time.monotonic()
            if line == "event: end":
                return


def measure_submissions(url: str, board: Any) -> None:
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from filled import people
    from mlgolf_site.contests.services import starter_folder
    from uploads import folder_zip

    (owner,) = people(1)
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(owner.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = owner.get_session_auth_hash()
    session.save()
    kit = folder_zip(starter_folder(board.version))
    client = httpx.Client(
        base_url=url, cookies={settings.SESSION_COOKIE_NAME: session.session_key},
        timeout=PATIENCE,
    )
    taken = []
    for number in range(SUBMISSIONS + 1):
        form = client.get(f"/c/{GAME}/submit/").text
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
        assert found is not None
        fields = {
            "csrfmiddlewaretoken": found.group(1), "name": f"load-{number}", "board": "",
            "framework": "torch", "submit": "1",
        }
        began = time.perf_counter()
        answer = client.post(
            f"/c/{GAME}/submit/", data=fields, files={"file": ("kit.zip", kit)},
            headers={"Referer": f"{url}/c/{GAME}/submit/"},
        )
        taken.append(time.perf_counter() - began)
        assert answer.status_code == 302, answer.text[-3000:]
    table("A submission of the starter kit (aim: 300 ms)", [
        ("", "p50 ms", "p99 ms", "least", "most"), ("accepted", *ms(taken[1:])),
        ("the first of all", f"{1000 * taken[0]:.1f}", "", "", ""),
    ])  # fmt: skip


def measure_first_page() -> None:
    """A new SQLite site, as `mlgolf site serve` makes it."""
    seconds = []
    for _ in range(3):
        with tempfile.TemporaryDirectory(prefix="mlgolf-site-") as folder, served(
            Path(folder)
        ) as site:
            assert httpx.get(site.url, timeout=PATIENCE).status_code == 200
            seconds.append(time.monotonic() - site.began)
    table("From the command to the first page (aim: 10 s)", [
        ("", "median s", "least", "most"), ("mlgolf site serve", *_three(seconds)),
    ])  # fmt: skip


def measure(entries: int, seconds: float) -> None:
    print_machine()
    measure_first_page()
    with tempfile.TemporaryDirectory(prefix="mlgolf-load-") as scratch:
        folder = Path(scratch)
        write_site(folder)
        began = time.monotonic()
        board = fill_site(folder, entries)
        print(f"\n{entries:,} entries with {5 * entries:,} trials written in "
              f"{time.monotonic() - began:.0f} s")  # fmt: skip
        with served(folder, "--workers", "0") as site, httpx.Client(
            base_url=site.url, timeout=PATIENCE
        ) as client:
            print(f"the site is there {time.monotonic() - site.began:.1f} s after the command, "
                  f"with the leaderboard made in {wait_for_board(board, entries):.1f} s")
            measure_pages(client, board)
            measure_new_results(client, board)
            measure_live(site.url, board)
            measure_submissions(site.url, board)
            measure_requests(site.url, seconds)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each count of requests")
    asked = parser.parse_args()
    if SOCKET not in os.environ:
        return subprocess.run(
            [sys.executable, str(TESTS / "postgresql.py"), sys.executable, *sys.argv],
            env={**os.environ, "MLGOLF_TEST_FSYNC": "on"},
        ).returncode
    measure(asked.entries, asked.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
