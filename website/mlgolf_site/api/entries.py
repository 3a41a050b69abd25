"""What programs ask of entries, and how they hand one in: by the same services as the pages."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from ninja import File, Form, Header, Router, Schema, UploadedFile
from pydantic import Field

from mlgolf.core.errors import SubmissionError
from mlgolf.core.text import bytes_in_words, printable
from mlgolf.report.triage import looked_at_lines
from mlgolf_site.api.paging import (
    CompetitionName,
    EntryName,
    Paged,
    PageNumber,
    PageSize,
    counted,
)
from mlgolf_site.boards.models import Standing
from mlgolf_site.contests.asked import boards_of, chosen_board, versions_of
from mlgolf_site.contests.models import Board, Contest
from mlgolf_site.entries.models import Entry, Run, Tier, of_person
from mlgolf_site.jobs.forecast import standing_in_queue
from mlgolf_site.jobs.models import State
from mlgolf_site.jobs.services import cancel as cancel_run
from mlgolf_site.live import events_answer
from mlgolf_site.people.models import Team, User
from mlgolf_site.rules import kinds_told, sees_code, sees_ranks
from mlgolf_site.submitting import ENTRY_NAME, Once, check_upload, count_upload, left_today
from mlgolf_site.submitting import submit as submit_entry

router = Router(tags=["entries"])
KIND_OF_FILE = "A module (.py), or a zip of a folder with entry.py or submission.py."
A_ZIP = {"responses": {200: {"content": {"application/zip": {}}}}}


class Asked(Schema):
    """Beside the file."""

    name: str = Field(max_length=200, description="On the board: small letters, digits, - and _.")
    framework: Literal["torch", "jax"] = "torch"
    board: str = Field("", max_length=120, description="Empty for the main one.")
    team: str = Field("", max_length=100, description="One of yours; empty for yourself alone.")
    based_on: str = Field(
        "", max_length=100, description="An entry of this competition that it improves on."
    )


class Checked(Schema):
    name: str
    code_sha256: str = Field(description="As the referee hashes it when it freezes it.")
    module: str = Field(description="The file that is played.")
    files: list[str]
    bytes: int
    looked_at: list[str] = Field(description="Facts for hosts and jury, no verdict.")
    left_today: int = Field(description="Submissions that you may still make.")


class Submitted(Schema):
    """The same whenever it is sent again under its key, but for the state."""

    competition: str
    entry: str
    board: str
    version: int = Field(description="Of the rules.")
    run: UUID
    state: str = Field(description="Of the run, in words.")
    code_sha256: str
    url: str = Field(description="Of the entry's page.")


class Waiting(Schema):
    """Of a run that has not ended."""

    place: int = Field(description="Jobs before it; 0 once it began.")
    seconds: float | None = Field(
        description="Until it may begin, as far as one can tell; null while nobody is there."
    )
    why: str


class RunRow(Schema):
    run: UUID
    name: str = Field(description="Of its run folder: what bundles and rulings call it.")
    created: datetime
    ended: datetime | None
    state: Literal["queued", "playing", "judging", "done", "refused", "failed", "cancelled"]
    state_in_words: str
    reason: str
    has_ended: bool
    waiting: Waiting | None
    tier: Literal["platform", "remote", "shipped", "self-reported"]
    tier_in_words: str
    counts: bool = Field(description="On the board: the newest run of an entry does.")
    is_verified: bool = Field(description="It was repeated here, to the same values.")
    bundle_sha256: str = Field(description="Empty until it was delivered.")
    signed_by: str = Field(description="The public key.")


class RunDetails(RunRow):
    verdict: dict[str, Any] | None = Field(
        description="The board of this run alone, as text: seeds, margins, reasons. Null until it "
        "has one."
    )


class EntryRow(Schema):
    competition: str
    entry: str
    board: str
    created: datetime
    by: str = Field(description="A team or a person.")
    url: str
    latest: RunRow | None = Field(description="Its newest run.")


class Entries(Paged):
    rows: list[EntryRow]
    left_today: int = Field(description="Submissions that you may still make.")


class EntryDetails(Schema):
    competition: str
    entry: str
    board: str
    version: int = Field(description="Of the rules.")
    by: str
    owner: str
    team: str = Field(description="Empty for one person's.")
    created: datetime
    framework: str
    code_sha256: str
    is_code_public: bool
    is_baseline: bool
    based_on: str = Field(description="Another entry; empty for none.")
    disclosure: dict[str, Any] = Field(description="What its authors say of it.")
    rank: str = Field(description="On its board; empty if it is not on it.")
    of: int = Field(description="Entries on the board.")
    url: str
    runs: list[RunDetails] = Field(description="The newest first.")


class Said(Schema):
    said: str


# --- handing in ---


@router.post(
    "/competitions/{slug:slug}/check", response=Checked, url_name="check",
    summary="Check code without submitting it",
)
def check(
    request: HttpRequest, slug: CompetitionName, asked: Annotated[Asked, Form(...)],
    file: Annotated[UploadedFile, File(..., description=KIND_OF_FILE)],
) -> Checked:
    """What would be refused, within seconds. Nothing is run, and nothing is kept."""
    board = _board(request.subject, asked.board)
    _team(request.user, asked.team)
    _based_on(request.subject, asked.based_on)
    count_upload(request.user)
    found = check_upload(board, asked.name, file.name or "", _content(file), asked.framework)
    return Checked(
        name=found.name, code_sha256=found.sha256, module=found.module, files=list(found.files),
        bytes=found.bytes, looked_at=list(looked_at_lines(found.looked_at)),
        left_today=left_today(request.user),
    )


@router.post(
    "/competitions/{slug:slug}/entries", response={201: Submitted}, url_name="submit",
    summary="Submit an entry",
)
def submit(
    request: HttpRequest, slug: CompetitionName, asked: Annotated[Asked, Form(...)],
    file: Annotated[UploadedFile, File(..., description=KIND_OF_FILE)],
    key: Annotated[str | None, Header(
        None, alias="Idempotency-Key",
        description="Your own name of this submission. Sent again within a day, the same "
        "submission gives the same answer and makes one entry.",
    )],
) -> Submitted:
    """It is checked, kept, and put into the queue."""
    contest: Contest = request.subject
    content = _content(file)
    once = None if key is None else Once.of(
        key, content, file=file.name or "", competition=slug, **asked.dict()
    )
    count_upload(request.user)
    run = submit_entry(
        _board(contest, asked.board), owner=request.user, name=asked.name, file=file.name or "",
        content=content, framework=asked.framework, team=_team(request.user, asked.team),
        based_on=_based_on(contest, asked.based_on), once=once,
    )  # fmt: skip
    entry = run.entry
    return Submitted(
        competition=contest.slug, entry=entry.name, board=entry.board.name,
        version=entry.board.version.number, run=run.key, state=State(run.job.state).label,
        code_sha256=entry.code_sha256,
        url=request.build_absolute_uri(entry.get_absolute_url()),
    )


def _board(contest: Contest, name: str) -> Board:
    """Raises: SubmissionError naming the boards that there are."""
    try:
        return chosen_board(boards_of(versions_of(contest)[0]), name)
    except Http404 as error:
        raise SubmissionError(f"board: {error}") from None


def _content(file: UploadedFile) -> bytes:
    """Raises: SubmissionError for a file that is too large, before it is read."""
    most = settings.SITE.config.limits.upload_bytes
    if (file.size or 0) > most:
        raise SubmissionError(
            f"file: it has {bytes_in_words(file.size or 0)}; allowed are {bytes_in_words(most)}"
        )
    return file.read()


def _team(user: User, name: str) -> Team | None:
    if not name:
        return None
    own = {team.name: team for team in user.teams.all()}
    if name not in own:
        raise SubmissionError(
            f"team: found {printable(repr(name))}; your teams are: "
            f"{', '.join(sorted(own)) or 'none'}"
        )
    return own[name]


def _based_on(contest: Contest, name: str) -> Entry | None:
    if not name:
        return None
    found = contest.entries.filter(name=name).first() if ENTRY_NAME.fullmatch(name) else None
    if found is None:
        raise SubmissionError(f"based_on: {contest} has no entry {printable(repr(name))}")
    return found


# --- looking at entries ---


@router.get("/entries", response=Entries, url_name="own_entries", summary="Your entries")
def own_entries(request: HttpRequest, page: PageNumber, size: PageSize) -> Entries:
    """Yours and your teams', the newest first, each with its newest run."""
    found = of_person(request.user)
    paged = counted(page, size, found.count())
    start = (page - 1) * size
    rows = found.select_related("contest", "board", "owner", "team").prefetch_related(
        "runs__job"
    )[start:start + size]
    return Entries(**paged, left_today=left_today(request.user), rows=[
        EntryRow(
            competition=entry.contest.slug, entry=entry.name, board=entry.board.name,
            created=entry.created, by=_by(entry),
            url=request.build_absolute_uri(entry.get_absolute_url()),
            latest=_newest(list(entry.runs.all())),
        ) for entry in rows
    ])  # fmt: skip


def _by(entry: Entry) -> str:
    return entry.team.name if entry.team else entry.owner.username


def _newest(runs: list[Run]) -> RunRow | None:
    """Without its place in the queue, which would be asked for each."""
    newest = max(runs, key=lambda run: run.pk, default=None)
    return None if newest is None else RunRow(**_run(newest), waiting=None)


def _run(run: Run) -> dict[str, Any]:
    state, tier = State(run.job.state), Tier(run.tier)
    return {
        "run": run.key, "name": run.folder_name, "created": run.created, "ended": run.ended,
        "state": state.value, "state_in_words": state.label, "reason": run.job.reason,
        "has_ended": state.has_ended, "tier": tier.value, "tier_in_words": tier.label,
        "counts": run.counts, "is_verified": run.is_verified,
        "bundle_sha256": run.bundle_sha256, "signed_by": run.signed_by,
    }


@router.get(
    "/entries/{slug:slug}/{slug:name}", response=EntryDetails, url_name="entry",
    summary="An entry with its runs",
)
def entry(request: HttpRequest, slug: CompetitionName, name: EntryName) -> EntryDetails:
    """How its runs stand, why one waits, and what the verdict is, once results are shown."""
    found: Entry = request.subject
    shows = request.sees_results
    standing = None if not sees_ranks(request.roles, found) else Standing.objects.filter(
        entry=found, snapshot__shown_on=found.board
    ).select_related("snapshot").first()
    return EntryDetails(
        competition=found.contest.slug, entry=found.name, board=found.board.name,
        version=found.board.version.number, by=_by(found), owner=found.owner.username,
        team=found.team.name if found.team else "", created=found.created,
        framework=found.framework, code_sha256=found.code_sha256,
        is_code_public=found.shows_code, is_baseline=found.is_baseline,
        based_on=found.based_on.name if found.based_on else "", disclosure=found.disclosure,
        rank=standing.rank if standing else "", of=standing.snapshot.rows if standing else 0,
        url=request.build_absolute_uri(found.get_absolute_url()),
        runs=[_details(run, shows) for run in found.runs.select_related("job").order_by("-pk")],
    )


def _details(run: Run, shows: bool) -> RunDetails:
    queue = standing_in_queue(run)
    hidden = {} if shows else {"reason": "", "counts": False, "is_verified": False}
    return RunDetails(
        **{**_run(run), **hidden}, verdict=(run.view or None) if shows else None,
        waiting=queue and Waiting(
            place=queue["place"], seconds=queue["seconds"], why=queue["why"]
        ),
    )  # fmt: skip


@router.get(
    "/entries/{slug:slug}/{slug:name}/code.zip", url_name="entry_code", summary="Its code",
    openapi_extra=A_ZIP,
)
def code(request: HttpRequest, slug: CompetitionName, name: EntryName) -> FileResponse:
    """A zip; for owners, hosts and jury, and for everybody once it is public."""
    found: Entry = request.subject
    _check_that_code_is_seen(request, found)
    return FileResponse(
        default_storage.open(found.archive, "rb"), as_attachment=True,
        filename=f"{found.name}.zip", content_type="application/zip",
    )


def _check_that_code_is_seen(request: HttpRequest, entry: Entry) -> None:
    if not sees_code(request.roles, entry):
        raise Http404(
            f"The code of {entry.name} is not public (yet). Its SHA-256 is {entry.code_sha256}."
        )


# --- runs ---


@router.get(
    "/runs/{uuid:key}/events", url_name="run_events", summary="What happens in a run, live",
    openapi_extra={"responses": {200: {"content": {"text/event-stream": {}}}}, "parameters": [
        {"in": "query", "name": "after", "schema": {"type": "integer", "minimum": 0},
         "description": "The number of the last event that you have."},
        {"in": "header", "name": "Last-Event-ID", "schema": {"type": "string"},
         "description": "The same, as browsers send it."},
    ]},
)  # fmt: skip
def events(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """Server-sent events: `log`, `evaluation`, `state`, each with an id and JSON; `end` is the
    last. Connect again with the last id when the connection breaks. Few are open at a time: beyond
    that the answer is 429, with `Retry-After`."""
    kinds = kinds_told(request.roles, request.subject.entry)
    return events_answer(request, request.subject, kinds)


@router.get(
    "/runs/{uuid:key}/bundle", url_name="run_bundle", summary="Its signed bundle",
    openapi_extra=A_ZIP,
)
def bundle(request: HttpRequest, key: UUID) -> FileResponse:
    """It holds the code, so it is for who may see that. `mlgolf verify` checks it."""
    run: Run = request.subject
    _check_that_code_is_seen(request, run.entry)
    if not run.bundle_sha256:
        raise Http404("This run has no bundle yet.")
    return FileResponse(
        default_storage.open(run.bundle, "rb"), as_attachment=True,
        filename=f"{run.folder_name}.mlgolf.zip", content_type="application/zip",
    )


@router.post("/runs/{uuid:key}/cancel", response=Said, url_name="cancel", summary="Cancel a run")
def cancel(request: HttpRequest, key: UUID) -> Said:
    """At once while it waits; its worker is told to stop while it is played."""
    return Said(said=cancel_run(request.subject))
