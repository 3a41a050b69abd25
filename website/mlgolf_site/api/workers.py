"""What workers say and are told: see `jobs/worker.py` for the other end."""

import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest
from django.utils import timezone
from ninja import Path as InPath
from ninja import Query, Router, Schema, Status
from pydantic import Field

from mlgolf.api.bundles import open_ledger
from mlgolf.core.errors import BundleError, MLGolfError, RulesError
from mlgolf.core.hardware import hardware_names
from mlgolf.core.jury_ruling import FOLDER as RULINGS
from mlgolf.core.text import printable
from mlgolf_site.archives import zip_answer
from mlgolf_site.boards.services import as_json, take_in
from mlgolf_site.contests.models import Version
from mlgolf_site.entries.models import Tier
from mlgolf_site.jobs.evaluations import take_in_evaluation
from mlgolf_site.jobs.models import Job, State, Worker
from mlgolf_site.jobs.services import (
    JobLost,
    begin_judging,
    end_judging,
    end_repetition,
    give_up,
    heartbeat,
    lease,
    refuse_bundle,
    release,
)
from mlgolf_site.jobs.version import another_version
from mlgolf_site.people.models import Token
from mlgolf_site.protocol import (
    LARGEST_BUNDLE,
    LOCAL_WORKER,
    MOST_EVENTS,
    MOST_EVENTS_AT_ONCE,
    MOST_SKEW,
    PROTOCOL,
)

router = Router(tags=["workers"])
Text = Annotated[str, Field(max_length=200)]
Key = Annotated[int, Field(ge=1, le=2**63 - 1)]  # of a row
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Hello(Schema):
    protocol: int
    hardware: Text
    version: Annotated[str, Field(max_length=100)]
    sandbox: Literal["bubblewrap", "process", "none"]
    public_key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]  # that signs its bundles
    machine: dict[str, Any] = {}  # noqa: RUF012, as pydantic copies it
    time: float = Field(allow_inf_nan=False)  # seconds since 1970, by its own clock
    # Why it takes no job, such as a probe that failed.
    problem: Annotated[str, Field(max_length=2000)] = ""


class Welcome(Schema):
    name: str
    tier: str
    site: str
    seconds_between_heartbeats: float
    problem: str  # why it is given no job; empty if it is given some


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
    number: int = Field(ge=1, le=MOST_EVENTS)
    kind: Literal["log", "evaluation"]
    data: dict[str, Any]


class Heartbeat(Schema):
    events: list[NewEvent] = Field(default=[], max_length=MOST_EVENTS_AT_ONCE)


class Told(Schema):
    stop: bool


class GaveUp(Schema):
    reason: Annotated[str, Field(max_length=10_000)]
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


class Evaluated(Schema):
    """As `mlgolf game evaluate --json` has it in `evaluations`."""

    values: dict[str, Any]
    problem: Annotated[str, Field(max_length=2000)] = ""


def _worker(request: HttpRequest) -> Worker:
    worker = Worker.objects.select_related("token__user").filter(token=request.token).first()
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
    worker = _registered(request.token, body)
    release(worker)  # who says hello holds no job
    return Welcome(
        name=worker.name, tier=worker.tier, site=settings.CONFIG.name,
        seconds_between_heartbeats=1.0, problem=worker.problem,
    )


def _registered(token: Token, body: Hello) -> Worker:
    """Raises: RulesError for another key than that of its first hello."""
    said = {
        "hardware": body.hardware, "version": printable(body.version), "sandbox": body.sandbox,
        "machine": _plain(body.machine),
        "problem": printable(another_version(body.version) or body.problem)[:500],
        "last_seen": timezone.now(),
    }  # fmt: skip
    with transaction.atomic():
        worker, _ = Worker.objects.select_for_update().get_or_create(token=token, defaults={
            **said, "name": f"{token.user.username}: {token.name}"[:50] + f" #{token.pk}",
            "public_key": body.public_key,
            "tier": Tier.PLATFORM if _is_the_sites_own(token, body) else Tier.REMOTE,
        })  # fmt: skip
        if worker.public_key != body.public_key:
            raise RulesError(
                f"{worker.name} signs with the key {worker.public_key[:12]}…, and now says "
                f"{body.public_key[:12]}…. A new key takes a new token: its host revokes this one "
                "and makes another"
            )
        for name, value in said.items():
            setattr(worker, name, value)
        worker.save()
    return worker


def _plain(value: Any, depth: int = 0) -> Any:
    """What a database and a page take, of what anybody may have sent: cut short."""
    match value:
        case bool() | None:
            return value
        case int() | float():
            return value if abs(value) < 1e15 else None  # no infinity either, and no NaN
        case str():
            return printable(value)[:200]
        case dict() if depth < 3:
            return {
                printable(key)[:60]: _plain(one, depth + 1)
                for key, one in list(value.items())[:40]
            }
        case list() if depth < 3:
            return [_plain(one, depth + 1) for one in value[:40]]
    return None


def _is_the_sites_own(token: Token, body: Hello) -> bool:
    """Started by the site itself, and with the key of the site's ledger."""
    if not (token.user.is_superuser and token.name.startswith(LOCAL_WORKER)):
        return False
    try:
        return open_ledger(settings.SITE.ledger).key == body.public_key
    except BundleError:
        return False


@router.post("/lease", response={200: LeasedJob, 204: None}, url_name="worker_lease")
def take(request: HttpRequest) -> Any:
    """The oldest job of the worker's class; 204 if nothing waits."""
    job = lease(_worker(request))
    if job is None:
        return Status(204, None)
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
def beat(request: HttpRequest, pk: InPath[Key], body: Heartbeat) -> Told:
    """Renews the lease, and brings what happened since."""
    events = [event.dict() for event in body.events]
    return Told(stop=heartbeat(_worker(request), pk, events))


@router.post("/jobs/{pk}/give-up", response=Delivered, url_name="worker_give_up")
def stop(request: HttpRequest, pk: InPath[Key], body: GaveUp) -> Delivered:
    """The worker could not play it, or was told to stop; or it was refused."""
    give_up(
        _worker(request), pk, body.reason, refused=body.refused, stopped=body.stopped
    )
    return Delivered(state=Job.objects.get(pk=pk).state)


@router.put("/jobs/{pk}/bundle", response=Delivered, url_name="worker_bundle")
def deliver(request: HttpRequest, pk: InPath[Key], sha256: Query[Sha256]) -> Delivered:
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
            take_in(job.about, file, delivered_by=worker, sha256=sha256)
        except MLGolfError as error:
            told = str(error).replace(str(file), "its bundle")
            refuse_bundle(worker, pk, sha256, told)
            raise
    end_judging(pk, "has a verdict")
    return Delivered(state=Job.objects.get(pk=pk).state)


@router.get("/jobs/{pk}/stored", url_name="worker_stored")
def stored(request: HttpRequest, pk: InPath[Key]) -> FileResponse:
    """The bundle that a job repeats trials of."""
    job = Job.objects.select_related("repeats__entry").filter(
        pk=pk, worker=_worker(request), state=State.PLAYING, repeats__isnull=False
    ).first()
    if job is None or job.repeats is None:
        raise Http404(f"Job {pk} is not yours, or repeats nothing.")
    return FileResponse(default_storage.open(job.repeats.bundle, "rb"))


@router.put("/jobs/{pk}/repeated", response=Delivered, url_name="worker_repeated")
def repeated(request: HttpRequest, pk: InPath[Key], body: Repeated) -> Delivered:
    """What a repetition found. Sent again, it is counted once."""
    worker = _worker(request)
    if not Job.objects.filter(pk=pk).exists():
        raise JobLost(f"there is no job {pk}")
    job = end_repetition(worker, pk, as_json(body.dict()))
    return Delivered(state=job.state)


@router.put("/jobs/{pk}/evaluation", response=Delivered, url_name="worker_evaluation")
def evaluation(
    request: HttpRequest, pk: InPath[Key], sha256: Query[Sha256], body: Evaluated
) -> Delivered:
    """What the host's own script said of a run whose bundle was delivered."""
    worker = _worker(request)
    take_in_evaluation(worker, pk, sha256, body.values, body.problem)
    return Delivered(state=Job.objects.get(pk=pk).state)


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
def code(request: HttpRequest, pk: InPath[Key]) -> FileResponse:
    """A zip of a folder with the name of the entry."""
    job = Job.objects.select_related("run__entry").filter(
        pk=pk, worker=_worker(request), state=State.PLAYING, run__isnull=False
    ).first()
    if job is None or job.run is None:
        raise Http404(f"Job {pk} is not yours, or plays nothing.")
    return FileResponse(default_storage.open(job.run.entry.archive, "rb"))


@router.get("/competitions/{pk}", url_name="worker_competition")
def competition(request: HttpRequest, pk: InPath[Key]) -> Any:
    """A zip of the folder of a version of the rules, held-out data included: for who plays it. It
    is as its hash says: no rulings."""
    playing = _worker(request).jobs.filter(state=State.PLAYING)
    version = Version.objects.select_related("contest").filter(
        Q(boards__entries__runs__job__in=playing)
        | Q(boards__entries__runs__repetitions__in=playing), pk=pk,
    ).first()
    if version is None:
        raise Http404(f"The rules {pk} are of no job that you play.")
    return zip_answer(version.folder, version.contest.slug, leave_out={RULINGS})
