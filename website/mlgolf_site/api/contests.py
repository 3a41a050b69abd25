"""What programs ask of competitions: their rules, their boards, their files."""

from datetime import date, datetime
from typing import Annotated

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from mlgolf.report.games import game_in_words
from mlgolf_site.api.paging import (
    CompetitionName,
    Paged,
    PageNumber,
    PageSize,
    counted,
)
from mlgolf_site.boards.models import Standing
from mlgolf_site.contests.asked import (
    boards_of,
    chosen_board,
    chosen_version,
    folder_answer,
    starter_answer,
    versions_of,
)
from mlgolf_site.contests.models import Board, Contest, Version
from mlgolf_site.contests.services import starter_folder
from mlgolf_site.rules import Role
from mlgolf_site.submitting import left_today, why_not_taken

router = Router(tags=["competitions"])
VersionNumber = Annotated[
    int | None, Query(None, ge=1, description="Of the rules; the newest where it is left out.")
]
BoardName = Annotated[
    str, Query("", max_length=120, description="Empty for the main one.")
]


class CompetitionRow(Schema):
    name: str
    title: str
    version: int = Field(description="Of the rules, the newest.")
    objective: str = Field(description="What is minimised.")
    hardware: str = Field(description="The class that the competition itself is played on.")
    opens: date | None
    closes: date | None = Field(description="The last day, in UTC.")
    is_open: bool
    entries: int
    url: str


class Competitions(Paged):
    rows: list[CompetitionRow]


class BoardRow(Schema):
    name: str = Field(description="Empty for the main one.")
    cell: str = Field(description="Empty for the competition itself.")
    framework: str = Field(description="Empty where times of all frameworks are compared.")
    hardware: str
    time_class: str
    pretraining: str
    tuning: str = Field(description="The ruleset that entries are played by.")
    entries: int = Field(description="On its leaderboard.")


class VersionRow(Schema):
    number: int
    created: datetime
    note: str
    rules_sha256: str


class LimitsOfPeople(Schema):
    submissions_a_day: int
    waiting: int = Field(description="Submissions without a verdict at a time.")
    upload_bytes: int
    upload_files: int
    unpacked_bytes: int
    left_today: int | None = Field(description="Submissions of whose token it is.")


class CompetitionDetails(CompetitionRow):
    prose: str = Field(description="The host's own words, in Markdown.")
    notice: str = Field(description="What stands on every board.")
    code_shown: str = Field(description="When everybody sees the code of an entry, in words.")
    rules: list[str] = Field(description="In plain words, a paragraph each.")
    why_not_open: str = Field(description="Empty if it takes entries.")
    boards: list[BoardRow]
    versions: list[VersionRow]
    limits: LimitsOfPeople
    has_starter: bool


class ShownCell(Schema):
    workload: str
    value: str = Field(description="With its unit; where there is none, why.")
    ratio: str = Field(description="To the best; empty where there is none.")
    details: list[str]
    failed: bool
    best: bool


class LeaderboardRow(Schema):
    place: int = Field(description="From 1, in the order of the board.")
    rank: str = Field(description="Shared by entries that cannot be told apart; a dash for none.")
    entry: str
    by: str = Field(description="A team or a person.")
    is_baseline: bool = Field(description="Of the host.")
    value: float | None = Field(description="Of the objective, where there is one.")
    score: str = Field(description="On a board of several workloads.")
    bounds: str = Field(description="Of the score.")
    cells: list[ShownCell] = Field(description="In the order of the board's workloads.")
    facts: list[str] = Field(description="Of the value, in the order of `fact_heads`.")
    own: dict[str, float | int | str] = Field(
        description="What the host's own script says, by name. It counts for nothing."
    )


class Leaderboard(Paged):
    competition: str
    version: int
    board: str
    title: str
    question: str = Field(description="That the competition asks.")
    value_is: str = Field(description="Empty on a board of several workloads.")
    fact_heads: list[str]
    workloads: list[str]
    own_columns: list[str] = Field(description="Names in `own`, in the host's order.")
    notice: str
    notes: list[str]
    made: datetime | None = Field(description="When; null while there is no result.")
    runs: int = Field(description="That it was made from.")
    rows: list[LeaderboardRow]


@router.get("", response=Competitions, url_name="competitions", summary="All competitions")
def competitions(request: HttpRequest, page: PageNumber, size: PageSize) -> Competitions:
    """Those that are public, and those that you host or judge."""
    found = _seen_by(request).annotate(num_entries=Count("entries", distinct=True)).filter(
        versions__isnull=False
    ).distinct()
    paged = counted(page, size, found.count())
    start = (page - 1) * size
    rows = found.prefetch_related("versions")[start:start + size]
    return Competitions(**paged, rows=[
        _row(
            request, contest, max(contest.versions.all(), key=lambda version: version.number),
            contest.num_entries,
        ) for contest in rows
    ])  # fmt: skip


def _seen_by(request: HttpRequest) -> QuerySet[Contest]:
    if Role.ADMIN in request.roles:
        return Contest.objects.all()
    seen = Q(is_public=True)
    if Role.MEMBER in request.roles:
        seen |= Q(hosts=request.user) | Q(jury=request.user)
    return Contest.objects.filter(pk__in=Contest.objects.filter(seen).values("pk"))


def _row(request: HttpRequest, contest: Contest, version: Version, entries: int) -> dict:
    version.contest = contest
    rules = version.competition
    return {
        "name": contest.slug, "title": contest.title, "version": version.number,
        "objective": rules.rules.objective_quantity.noun, "hardware": rules.rules.hardware,
        "opens": rules.opens, "closes": rules.closes,
        "is_open": not rules.why_not_open(timezone.now()),
        "entries": entries,
        "url": request.build_absolute_uri(contest.get_absolute_url()),
    }


@router.get(
    "/{slug:slug}", response=CompetitionDetails, url_name="competition", summary="A competition"
)
def competition(request: HttpRequest, slug: CompetitionName) -> CompetitionDetails:
    """Its rules in words, its boards, and what limits there are."""
    contest: Contest = request.subject
    versions = versions_of(contest)
    version = versions[0]
    boards = boards_of(version)
    rules = version.competition
    limits = settings.SITE.config.limits
    return CompetitionDetails(
        **_row(request, contest, version, contest.entries.count()),
        prose=contest.prose, notice=rules.notice,
        code_shown=contest.get_code_shown_display(),
        rules=list(game_in_words(rules, contest.slug)),
        why_not_open=why_not_taken(boards[0]),
        boards=[_board(board) for board in boards],
        versions=[
            VersionRow(
                number=one.number, created=one.created, note=one.note,
                rules_sha256=one.rules_sha256,
            ) for one in versions
        ],
        limits=LimitsOfPeople(
            submissions_a_day=limits.submissions, waiting=limits.waiting,
            upload_bytes=limits.upload_bytes, upload_files=limits.upload_files,
            unpacked_bytes=limits.unpacked_bytes,
            left_today=left_today(request.user) if Role.MEMBER in request.roles else None,
        ),
        has_starter=starter_folder(version) is not None,
    )  # fmt: skip


def _board(board: Board) -> BoardRow:
    return BoardRow(
        name=board.name, cell=board.cell, framework=board.framework, hardware=board.hardware,
        time_class=board.time_class, pretraining=board.pretraining, tuning=board.ruleset,
        entries=board.snapshot.rows if board.snapshot else 0,
    )


@router.get(
    "/{slug:slug}/leaderboard", response=Leaderboard, url_name="leaderboard",
    summary="A page of a leaderboard",
)
def leaderboard(
    request: HttpRequest, slug: CompetitionName, page: PageNumber, size: PageSize, board: BoardName,
    version: VersionNumber,
) -> Leaderboard:
    """As it was made last; it is made anew within seconds of a change."""
    chosen = chosen_version(versions_of(request.subject), version)
    found = chosen_board(boards_of(chosen), board)
    snapshot = found.snapshot
    paged = counted(page, size, snapshot.rows if snapshot else 0)
    view = snapshot.view if snapshot else {}
    standings = Standing.objects.filter(
        snapshot=snapshot, place__gt=(page - 1) * size, place__lte=page * size
    ).select_related("entry__owner", "entry__team") if snapshot else ()
    return Leaderboard(
        **paged, competition=slug, version=chosen.number, board=found.name,
        title=view.get("title", request.subject.title), question=view.get("question", ""),
        value_is=view.get("value_is", ""), fact_heads=view.get("fact_heads", []),
        workloads=view.get("workloads", []), own_columns=view.get("own_columns", []),
        notice=view.get("notice", ""),
        notes=view.get("notes", []), made=snapshot.made if snapshot else None,
        runs=snapshot.runs if snapshot else 0, rows=[_standing(row) for row in standings],
    )


def _standing(row: Standing) -> LeaderboardRow:
    entry, view = row.entry, row.view
    return LeaderboardRow(
        place=row.place, rank=row.rank, entry=entry.name,
        by=entry.team.name if entry.team else entry.owner.username,
        is_baseline=entry.is_baseline, value=row.value, score=view["score"],
        bounds=view["bounds"], facts=view["facts"], own=view.get("own", {}),
        cells=[
            ShownCell(
                workload=cell.get("workload", ""), value=cell["value"],
                ratio=cell.get("ratio", ""), details=cell["details"], failed=cell["failed"],
                best=cell["best"],
            ) for cell in view["cells"]
        ],
    )  # fmt: skip


@router.get(
    "/{slug:slug}/competition.zip", url_name="competition_folder", summary="Its folder",
    openapi_extra={"responses": {200: {"content": {"application/zip": {}}}}},
)
def competition_folder(
    request: HttpRequest, slug: CompetitionName, version: VersionNumber
) -> HttpResponse:
    """A zip of the folder that `mlgolf run --competition` takes."""
    return folder_answer(chosen_version(versions_of(request.subject), version))


@router.get(
    "/{slug:slug}/starter.zip", url_name="starter", summary="Its starter kit",
    openapi_extra={"responses": {200: {"content": {"application/zip": {}}}}},
)
def starter(request: HttpRequest, slug: CompetitionName) -> HttpResponse:
    """A zip of an entry that may be submitted as it is."""
    return starter_answer(request.subject)
