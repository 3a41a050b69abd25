"""An entry that spies, played by a real worker; and bundles that are not what they should be."""

import json
from pathlib import Path

import pytest
from attackers import deliver
from django.conf import settings
from django.test import Client
from mlgolf_site.config import VARIABLE
from mlgolf_site.entries.models import Run
from mlgolf_site.jobs.models import Job
from mlgolf_site.jobs.services import lease
from mlgolf_site.submitting import submit
from test_rules import people
from uploads import folder_zip

__all__ = ["people"]  # a fixture

pytestmark = pytest.mark.django_db

SPY = """
import os, pathlib
import numpy as np

PLACES = PLACES_HERE

def play(game):
    for name, value in sorted(os.environ.items()):
        print("ENVIRONMENT", name, value)
    places = [pathlib.Path(place) for place in PLACES]
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        places += [process / "environ", process / "cmdline"]
    for place in places:
        try:
            found = os.listdir(place) if place.is_dir() else place.read_bytes()[:2000]
            print("READ", place, found)
        except OSError as error:
            print("REFUSED", place, type(error).__name__)
    print("LOOKED EVERYWHERE")
    game.submit({name: np.zeros(shape) for name, shape in game.graph.tensors.items()})
"""
WORKERS_TOKEN = "mlgolf_canary-of-the-workers-token"


class FakeSite:
    """Has one job, and keeps what it is told."""

    def __init__(self, code: bytes, competition: bytes, sha256: str) -> None:
        self.code, self.competition = code, competition
        self.events: list[dict] = []
        self.said: list[dict] = []
        self.bundle = b""
        self.left = [{
            "job": 1, "kind": "play", "run": "spy-12345678", "entry": "spy", "contest": "quick",
            "cell": "",
            "framework": "torch", "ruleset": "self", "version": 1, "folder_sha256": "f" * 64,
            "code_sha256": sha256,
        }]  # fmt: skip

    def __call__(self, request):
        import httpx

        at = request.url.path.removeprefix("/api/worker/")
        if at == "hello":
            self.said.append(json.loads(request.content))
            told = {"name": "w", "tier": "remote", "site": "s", "seconds_between_heartbeats": 1}
            return httpx.Response(200, json=told)
        if at == "lease":
            return httpx.Response(200, json=self.left.pop()) if self.left else httpx.Response(204)
        if at.endswith("/code"):
            return httpx.Response(200, content=self.code)
        if at.startswith("competitions/"):
            return httpx.Response(200, content=self.competition)
        if at.endswith("/heartbeat"):
            self.events += json.loads(request.content)["events"]
            return httpx.Response(200, json={"stop": False})
        if at.endswith("/bundle"):
            self.bundle = request.read()
        else:
            self.said.append(json.loads(request.content))
        return httpx.Response(200, json={"state": "done"})


@pytest.fixture(scope="session")
def spied(game_folder, tmp_path_factory):
    """What comes of an entry that looks for secrets, played at the level bubblewrap."""
    import httpx
    from mlgolf_site.jobs.worker import Worker as Playing

    from mlgolf.results.frozen_code import folder_digest

    site, own = settings.SITE.folder, tmp_path_factory.mktemp("worker")
    places = [
        site, site / "site.toml", site / "site.sqlite3", site / "ledger" / "key.pem",
        own / "ledger" / "key.pem", own / "jobs" / "spy-12345678-play" / "job.json", Path.home(),
        Path.home() / ".ssh", "/etc/shadow",
    ]
    entry = tmp_path_factory.mktemp("spying") / "spy"
    entry.mkdir()
    (entry / "entry.py").write_text(SPY.replace("PLACES_HERE", repr([str(p) for p in places])))
    fake = FakeSite(
        folder_zip(entry, "spy"), folder_zip(game_folder, "quick"), folder_digest(entry)
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLGOLF_TOKEN", WORKERS_TOKEN)
        worker = Playing(
            url="http://site", token=WORKERS_TOKEN, hardware="one-thread-cpu", folder=own,
            tell=lambda _: None, probe=lambda _: None,
        )
        worker.call._http = httpx.Client(
            base_url="http://site/api/worker/", transport=httpx.MockTransport(fake)
        )
        worker.work(once=True)
    fake.file = tmp_path_factory.mktemp("delivered") / "spy-12345678.mlgolf.zip"
    fake.file.write_bytes(fake.bundle)
    fake.key = fake.said[0]["public_key"]
    return fake


def log_of(spied) -> str:
    return "\n".join(
        event["data"]["line"] for event in spied.events if event["kind"] == "log"
    )


def test_the_spy_was_played(spied):
    assert "LOOKED EVERYWHERE" in log_of(spied), spied.said


def test_a_job_has_no_secret_in_its_environment_and_reads_no_file_of_site_or_worker(spied):

    log = log_of(spied)
    secrets = (WORKERS_TOKEN, settings.SECRET_KEY, "PRIVATE KEY", VARIABLE, "DJANGO_", "secret_key")
    assert [secret for secret in secrets if secret in log] == []
    read = [line for line in log.splitlines() if line.startswith("READ")]
    assert [line for line in read if "/proc/" not in line and str(Path.home()) not in line] == []
    assert [line for line in read if WORKERS_TOKEN in line or "uvicorn" in line] == []


def test_the_bundle_of_a_job_has_no_secret_of_its_worker(spied):

    for secret in (WORKERS_TOKEN, settings.SECRET_KEY):
        assert secret.encode() not in spied.bundle


def test_a_worker_tells_nothing_of_held_out_data(spied):
    metrics = [
        name for event in spied.events if event["kind"] == "evaluation"
        for name in event["data"]["metrics"]
    ]
    assert metrics
    assert {name.partition("/")[0] for name in metrics} == {"train", "model"}


@pytest.fixture
def delivering(spied, board, person, own):
    """A job of that entry, whose bundle is about to be checked; its worker; the bundle's hash."""
    from mlgolf_site.jobs.services import begin_judging

    from mlgolf.results.bundles.reading import check_bundle

    run = submit(
        board, owner=person("ada"), name="spy", file="spy.zip", content=spied.code
    )
    worker, headers = own
    worker.public_key = spied.key
    worker.save()
    job = lease(worker)
    sha256 = check_bundle(spied.file).seal.sha256

    def take(**changes):
        from mlgolf_site.boards.services import take_in

        for name, value in changes.items():
            setattr(worker, name, value)
        begin_judging(worker, job.pk, sha256)
        take_in(run, spied.file, delivered_by=worker, sha256=sha256)

    return take, run, headers, sha256, job


def test_a_bundle_is_taken_in_once(delivering, spied):
    _, run, headers, sha256, job = delivering
    assert deliver(headers, job.pk, spied.bundle, sha256).json() == {"state": "done"}
    assert deliver(headers, job.pk, spied.bundle, sha256).json() == {"state": "done"}
    run.refresh_from_db()
    assert (run.counts, run.bundle_sha256, run.tier) == (True, sha256, "remote")
    assert run.sandbox == "bubblewrap"


def test_a_run_at_a_weaker_level_says_so_on_the_board_and_on_its_entry(delivering, spied, board):
    from mlgolf_site.boards.services import refresh

    _, run, headers, sha256, job = delivering
    deliver(headers, job.pk, spied.bundle, sha256)
    Run.objects.filter(pk=run.pk).update(sandbox="process")
    refresh(board)
    for at in ("/c/quick/", "/c/quick/e/spy/"):
        assert "at the sandbox level process" in Client().get(at).content.decode()


def test_a_bundle_that_counts_is_not_replaced(delivering, spied):
    _, run, headers, sha256, job = delivering
    deliver(headers, job.pk, spied.bundle, sha256)
    assert deliver(headers, job.pk, b"another", "d" * 64).status_code == 409
    run.refresh_from_db()
    assert run.bundle_sha256 == sha256


def test_a_bundle_that_is_not_the_announced_one_is_refused(delivering, spied):
    _, _, headers, _, job = delivering
    answer = deliver(headers, job.pk, spied.bundle, "d" * 64)
    assert answer.status_code == 422
    assert "announced was dddddddddddd" in answer.json()["detail"]
    assert not Run.objects.filter(counts=True).exists()


@pytest.mark.parametrize(("changes", "words"), [
    ({"public_key": "a" * 64}, "it is signed by"),
    ({"sandbox": "process"}, "it was played at the level bubblewrap"),
])  # fmt: skip
def test_a_bundle_that_is_not_as_its_worker_said_is_refused(delivering, changes, words):
    from mlgolf.core.errors import BundleError

    take, _, _, _, _ = delivering
    with pytest.raises(BundleError, match=words):
        take(**changes)
    assert not Run.objects.filter(counts=True).exists()


def test_a_run_of_fewer_trials_than_the_rules_ask_for_is_refused(delivering, spied):
    from mlgolf_site.boards.services import _check_how_it_was_played

    from mlgolf.core.errors import BundleError
    from mlgolf.results.bundles.reading import sound_bundle, unpacked
    from mlgolf.results.run_folder import RunFolder

    _, run, _, _, job = delivering
    with unpacked(sound_bundle(spied.file)) as folder:
        played = RunFolder(folder)
        played.record = played.record.model_copy(update={"studies": 1})
        with pytest.raises(BundleError, match="it has 1 studies"):
            _check_how_it_was_played(run, played, job.worker)


def test_a_bundle_that_comes_after_its_job_went_to_another_does_not_count(delivering, other):
    from mlgolf_site.jobs.services import JobLost

    take, run, _, _, job = delivering
    from mlgolf_site.boards import services

    real = services._results_of

    def meanwhile(folder):
        Job.objects.filter(pk=job.pk).update(state="playing", worker=other[0])
        return real(folder)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(services, "_results_of", meanwhile)
        with pytest.raises(JobLost):
            take()
    run.refresh_from_db()
    assert not run.counts
