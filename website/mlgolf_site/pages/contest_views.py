"""The page of a competition, and what can be downloaded there."""

from django.core.cache import caches
from django.core.paginator import Page
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from mlgolf.core.text import number_of
from mlgolf.core.workload import FRAMEWORKS
from mlgolf.golf.own_evaluation import LABEL
from mlgolf.plots.svg import recoloured
from mlgolf.plots.theme import DARK
from mlgolf.report.games import game_in_words
from mlgolf.scoring.labels import OUTSIDE
from mlgolf_site.boards.models import Snapshot, Standing
from mlgolf_site.contests.asked import (
    asked_board,
    boards_of,
    chosen_board,
    chosen_version,
    folder_answer,
    starter_answer,
    versions_of,
)
from mlgolf_site.contests.models import Board, Contest
from mlgolf_site.contests.services import kept_from_players, starter_folder
from mlgolf_site.entries.models import Entry, Run
from mlgolf_site.hosting.draws import SHOWN, commitments, draws_fresh
from mlgolf_site.jobs.evaluations import cells_of
from mlgolf_site.pages.paging import ROWS, page_of
from mlgolf_site.rules import HOSTS

ANNOUNCEMENTS = 20  # that the page shows

LONGEST_KEPT = 60.0  # seconds that parts of a page are kept, so that a new name of a team is seen


def contest(request: HttpRequest, slug: str) -> HttpResponse:
    found: Contest = request.subject
    versions = versions_of(found)
    version = chosen_version(versions, request.GET.get("version"))
    boards = boards_of(version, light=True)
    for one in boards:
        if not request.sees_results:
            one.snapshot = None
        one.played_by = _played_by(one.snapshot)
    board = chosen_board(boards, request.GET.get("board", ""))
    snapshot = Snapshot.objects.filter(pk=board.snapshot_id).defer("figures").first()
    standings = page_of(request, range(1, (snapshot.rows if snapshot else 0) + 1))
    return render(request, "pages/contest.html", {
        "contest": found, "version": version, "versions": versions, "boards": boards,
        "board": board, "matrix": _matrix(_shown(boards, board)), "snapshot": snapshot,
        "view": snapshot.view if snapshot else None, "standings": standings,
        "figures": snapshot.view.get("figures", []) if snapshot else [], "own_label": LABEL,
        "rows": _rows(snapshot, standings) if snapshot else "", "words": _words(board),
        "rules": board.competition, "outside": OUTSIDE,
        "has_starter": starter_folder(version) is not None,
        "is_current": version == versions[0], "is_host": bool(request.roles & HOSTS),
        "kept_from_players": sorted(kept_from_players(version)),
        "results_hidden": not request.sees_results,
        "entered": _entered(board) if not request.sees_results else [],
        "announcements": found.announcements.all()[:ANNOUNCEMENTS],
        "commitments": commitments()[:SHOWN] if draws_fresh(board.competition) else [],
        "page_query": f"version={version.number}&board={board.name}&",
    })


def _entered(board: Board) -> list[Entry]:
    """That entries exist is no secret, whoever leads."""
    return list(board.entries.select_related("contest").order_by("name")[:ROWS])


def _played_by(snapshot: Snapshot | None) -> str:
    """Who played the runs of a board, in words."""
    tiers = snapshot.tiers if snapshot else []
    if len(tiers) == 1:
        return f"every run {tiers[0][0]}"
    return ", ".join(f"{number_of(count, 'run')} {words}" for words, count in tiers) or "no run yet"




def _words(board: Board) -> list[str]:
    """The rules in plain words. They change with the rules alone."""
    return caches["pages"].get_or_set(
        f"words-{board.version.folder_sha256}-{board.called}",
        lambda: list(game_in_words(board.competition, board.called)), LONGEST_KEPT,
    )


def _rows(snapshot: Snapshot, places: Page) -> SafeString:
    """Rows of a leaderboard as HTML, made once for all readers: whatever they show changes with
    the snapshot alone."""
    made = snapshot.made.timestamp()
    key = f"rows-{snapshot.pk}-{made}-{snapshot.rows}-{places.number}"
    html = caches["pages"].get(key)
    if html is None:
        rows = list(Standing.objects.filter(
            snapshot=snapshot, place__gte=places.start_index(), place__lte=places.end_index()
        ).select_related("entry__contest", "entry__owner", "entry__team"))
        runs, own_columns = _runs_of(rows), snapshot.view.get("own_columns", ())
        html = render_to_string("pages/_rows.html", {
            "by_value": snapshot.view["fact_heads"],
            "rows": [{"standing": row, "view": row.view, "runs": runs.get(row.entry_id, []),
                      "own": cells_of(row.view.get("own", {}), own_columns)} for row in rows],
        })  # fmt: skip
        caches["pages"].set(key, html, LONGEST_KEPT)
    return html


def _runs_of(rows: list[Standing]) -> dict[int, list[Run]]:
    found: dict[int, list[Run]] = {}
    for run in Run.objects.filter(
        entry_id__in=[row.entry_id for row in rows], ended__isnull=False
    ).only("key", "entry_id", "tier", "is_verified", "counts", "ended", "sandbox").order_by("pk"):
        found.setdefault(run.entry_id, []).append(run)
    return found


def _shown(boards: list[Board], chosen: Board) -> list[Board]:
    """All, without those of a framework in which nobody has submitted."""
    used = set(Board.objects.filter(
        Exists(Entry.objects.filter(board=OuterRef("pk"))), version=chosen.version
    ).values_list("pk", flat=True))
    return [
        board for board in boards
        if board == chosen or board.framework in ("", FRAMEWORKS[0]) or board.pk in used
    ]


def _matrix(boards: list[Board]) -> dict:
    """Hardware and pre-training against classes of time; a list of boards in each place."""
    times = list(dict.fromkeys(board.time_class for board in boards))
    lines: dict[tuple[str, str], dict[str, list[Board]]] = {}
    for board in boards:
        line = lines.setdefault((board.hardware, board.pretraining), {})
        line.setdefault(board.time_class, []).append(board)
    return {"boards": len(boards), "times": times, "lines": [
        {"hardware": hardware, "pretraining": pretraining,
         "places": [places.get(time, []) for time in times]}
        for (hardware, pretraining), places in lines.items()
    ]}  # fmt: skip


def figure(request: HttpRequest, slug: str, figure: str) -> HttpResponse:
    """A figure of one board, for light or dark paper."""
    board = asked_board(request.subject, request.GET)
    return svg_answer(request, board.snapshot.figures if board.snapshot else {}, figure)


def svg_answer(request: HttpRequest, figures: dict[str, dict[str, str]], name: str) -> HttpResponse:
    """A drawing with its own style, which is let in here alone: nothing else is in the answer."""
    if name not in figures:
        raise Http404("There is no such figure.")
    svg = figures[name]["svg"]
    if request.GET.get("theme") == "dark":
        svg = recoloured(svg, DARK)
    answer = HttpResponse(svg, content_type="image/svg+xml")
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    )
    answer.headers["Cache-Control"] = "private, max-age=5"
    return answer


def data(request: HttpRequest, slug: str) -> HttpResponse:
    """The folder of the competition, as `mlgolf run --competition` takes it; without rulings'
    drafts, and without champions of the host."""
    return folder_answer(
        chosen_version(versions_of(request.subject), request.GET.get("version"))
    )


def starter(request: HttpRequest, slug: str) -> HttpResponse:
    return starter_answer(request.subject)
