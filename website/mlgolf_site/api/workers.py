"""What workers say and are told: see `jobs/worker.py` for the other end."""

import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from mlgolf.core.errors import BundleError, MLGolfError, RulesError
from mlgolf.core.hardware import hardware_names
from mlgolf.core.jury_ruling import FOLDER as RULINGS
from mlgolf_site.archives import zip_answer
from mlgolf_site.boards.services import as_json, take_in
from mlgolf_site.contests.models import Version
from mlgolf_site.entries.models import Tier
from mlgolf_site.jobs.models import Job, Worker
from mlgolf_site.jobs.services import (
    JobLost,
    begin_judging,
    end_judging,
    end_repetition,
    give_up,
    heartbeat,
    lease,
    release,
)
from mlgolf_site.protocol import LOCAL_WORKER, MOST_SKEW, PROTOCOL

router = Router(tags=["workers"])
LARGEST_BUNDLE = 500_000_000  # bytes


class Hello(Schema):
    protocol: int
    hardware: str
    version: str
    sandbox: str
    machine: dict[str, Any]
    time: float  # seconds since 1970, by its own clock
    problem: str = ""  # why it takes no job, such as a probe that failed


class Welcome(Schema):
    name: str
    tier: str
    site: str
    seconds_between_heartbeats: float


class LeasedJob(Schema):
    job: int
    kind: str  # "play", or "verify": trials of a run that was delivered are repeated
    trials: int  # that are repeated
    run: str  # name of its run folder
    entry: str
    contest: str
    framework: str
    cell: str
    ruleset: str
    version: int  # to be downloaded by worker_competition
    folder_sha256: str
    code_sha256: str


class NewEvent(Schema):
    number: int
    kind: str
    data: dict[str, Any]


class Heartbeat(Schema):
    events: list[NewEvent] = []  # noqa: RUF012, as pydantic copies it


class Told(Schema):
    stop: bool


class GaveUp(Schema):
    reason: str
    stopped: bool = False  # the worker was told to stop: nobody's fault
    refused: bool = False  # the entry's fault: what it was told when it was to begin


class Delivered(Schema):
    state: str


class RepeatedTrial(Schema):
    """As `mlgolf verify --json` has it in `replays`."""

    trial: str
    confirmed: bool
    compared: str
    rows: int
    deviation: float | None
    differences: list[str]
    seconds: dict[str, Any]
    processor: str | None
    recorded_processor: str | None


class Repeated(Schema):
    """As `mlgolf verify --json` has it in `bundles`."""

    sha256: str | None
    outcome: str
    problems: list[str]
    notes: list[str]
    seed: int | None
    sandbox: str | None
    replays: list[RepeatedTrial]


def _worker(request: HttpRequest) -> Worker:
    worker = Worker.objects.filter(token=request.token).first()
    if worker is None:
        raise JobLost("this worker has not said hello: start it anew")
    Worker.objects.filter(pk=worker.pk).update(last_seen=timezone.now())
    return worker


@router.post("/hello", response=Welcome, url_name="worker_hello")
def hello(request: HttpRequest, body: Hello) -> Welcome:
    """First of all: who it is, and whether both ends understand each other."""
    if body.protocol != PROTOCOL:
        raise RulesError(
            f"the worker speaks version {body.protocol} of the protocol, this site {PROTOCOL}. "
            "Install the mlgolf that the site has on its status page"
        )
    if body.hardware not in hardware_names():
        raise RulesError(
            f"hardware: found {body.hardware!r}; allowed are {', '.join(hardware_names())}"
        )
    skew = body.time - timezone.now().timestamp()
    if abs(skew) > MOST_SKEW:
        raise RulesError(
            f"the clock of the worker is off by {skew:+.0f} s. Set it, by NTP for instance: its "
            "records say when a run was begun"
        )
    token = request.token
    worker, _ = Worker.objects.update_or_create(token=token, defaults={
        "name": _name(token), "hardware": body.hardware, "version": body.version,
        "sandbox": body.sandbox, "machine": body.machine, "problem": body.problem,
        "last_seen": timezone.now(),
    }, create_defaults={
        "name": _name(token), "hardware": body.hardware, "version": body.version,
        "sandbox": body.sandbox, "machine": body.machine, "problem": body.problem,
        "tier": Tier.PLATFORM if _is_the_sites_own(token) else Tier.REMOTE,
    })  # fmt: skip
    release(worker)  # who says hello holds no job
    return Welcome(
        name=worker.name, tier=worker.tier, site=settings.CONFIG.name,
        seconds_between_heartbeats=1.0,
    )


def _is_the_sites_own(token: Any) -> bool:
    return token.user.is_superuser and token.name.startswith(LOCAL_WORKER)


def _name(token: Any) -> str:
    return f"{token.user.username}: {token.name}"[:60]


@router.post("/lease", response={200: LeasedJob, 204: None}, url_name="worker_lease")
def take(request: HttpRequest) -> Any:
    """The oldest job of the worker's class; 204 if nothing waits."""
    job = lease(_worker(request))
    if job is None:
        return 204, None
    entry = job.about.entry
    board = entry.board
    return LeasedJob(
        job=job.pk, kind=job.kind, trials=job.trials, run=job.about.folder_name,
        entry=entry.name, contest=entry.contest.slug,
        framework=entry.framework, cell=board.cell, ruleset=board.ruleset,
        version=board.version_id, folder_sha256=board.version.folder_sha256,
        code_sha256=entry.code_sha256,
    )


@router.post("/jobs/{pk}/heartbeat", response=Told, url_name="worker_heartbeat")
def beat(request: HttpRequest, pk: int, body: Heartbeat) -> Told:
    """Renews the lease, and brings what happened since."""
    events = [event.dict() for event in body.events]
    return Told(stop=heartbeat(_worker(request), pk, events))


@router.post("/jobs/{pk}/give-up", response=Delivered, url_name="worker_give_up")
def stop(request: HttpRequest, pk: int, body: GaveUp) -> Delivered:
    """The worker could not play it, or was told to stop; or it was refused."""
    give_up(
        _worker(request), pk, body.reason, refused=body.refused, stopped=body.stopped
    )
    return Delivered(state=Job.objects.get(pk=pk).state)


@router.put("/jobs/{pk}/bundle", response=Delivered, url_name="worker_bundle")
def deliver(request: HttpRequest, pk: int, sha256: str) -> Delivered:
    """The finished run as a bundle, the body of the request. Sent again, it is counted once."""
    worker = _worker(request)
    if not Job.objects.filter(pk=pk).exists():
        raise JobLost(f"there is no job {pk}")
    job = begin_judging(worker, pk, sha256)
    if job is None:
        return Delivered(state=Job.objects.get(pk=pk).state)
    with tempfile.TemporaryDirectory(prefix="mlgolf-bundle-") as scratch:
        file = Path(scratch) / f"{job.about.folder_name}.mlgolf.zip"
        try:
            _receive(request, file)
            take_in(job.about, file)
        except MLGolfError as error:
            told = str(error).replace(str(file), "its bundle")
            end_judging(pk, f"its bundle was not taken in: {told}", refused=True)
            raise
    end_judging(pk, "has a verdict")
    return Delivered(state=Job.objects.get(pk=pk).state)


@router.get("/jobs/{pk}/stored", url_name="worker_stored")
def stored(request: HttpRequest, pk: int) -> FileResponse:
    """The bundle that a job repeats trials of."""
    job = Job.objects.select_related("repeats__entry").filter(
        pk=pk, worker=_worker(request), repeats__isnull=False
    ).first()
    if job is None or job.repeats is None:
        raise Http404(f"Job {pk} is not yours, or repeats nothing.")
    return FileResponse(default_storage.open(job.repeats.bundle, "rb"))


@router.put("/jobs/{pk}/repeated", response=Delivered, url_name="worker_repeated")
def repeated(request: HttpRequest, pk: int, body: Repeated) -> Delivered:
    """What a repetition found. Sent again, it is counted once."""
    worker = _worker(request)
    if not Job.objects.filter(pk=pk).exists():
        raise JobLost(f"there is no job {pk}")
    job = end_repetition(worker, pk, as_json(body.dict()))
    return Delivered(state=job.state)


def _receive(request: HttpRequest, file: Path) -> None:
    """The body of a request, piece by piece. Raises: BundleError for one that is too large."""
    received = 0
    with open(file, "wb") as written:
        while chunk := request.read(1 << 20):
            received += len(chunk)
            if received > LARGEST_BUNDLE:
                raise BundleError(f"a bundle has at most {LARGEST_BUNDLE:,} bytes here")
            written.write(chunk)


@router.get("/jobs/{pk}/code", url_name="worker_code")
def code(request: HttpRequest, pk: int) -> FileResponse:
    """A zip of a folder with the name of the entry."""
    job = Job.objects.select_related("run__entry").filter(
        pk=pk, worker=_worker(request), run__isnull=False
    ).first()
    if job is None or job.run is None:
        raise Http404(f"Job {pk} is not yours, or plays nothing.")
    return FileResponse(default_storage.open(job.run.entry.archive, "rb"))


@router.get("/competitions/{pk}", url_name="worker_competition")
def competition(request: HttpRequest, pk: int) -> Any:
    """A zip of the folder of a version of the rules, which is as its hash says: no rulings."""
    _worker(request)
    version = Version.objects.select_related("contest").filter(pk=pk).first()
    if version is None:
        raise Http404(f"There is no version {pk}.")
    return zip_answer(version.folder, version.contest.slug, leave_out={RULINGS})
