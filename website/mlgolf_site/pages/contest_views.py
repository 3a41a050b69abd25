"""The page of a competition, and what can be downloaded there."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from mlgolf.core.text import number_of
from mlgolf.plots.svg import recoloured
from mlgolf.plots.theme import DARK
from mlgolf.report.games import game_in_words
from mlgolf.scoring.labels import OUTSIDE
from mlgolf_site.archives import zip_answer
from mlgolf_site.boards.models import Snapshot, Standing
from mlgolf_site.contests.models import Board, Contest, Version
from mlgolf_site.contests.services import starter_folder
from mlgolf_site.entries.models import Run
from mlgolf_site.pages.paging import page_of


def contest(request: HttpRequest, slug: str) -> HttpResponse:
    found: Contest = request.subject
    versions = list(found.versions.order_by("-number"))
    if not versions:
        raise Http404(f"{slug} has no rules yet.")
    version = _chosen_version(request, versions)
    boards = list(version.boards.select_related("snapshot").defer("snapshot__figures"))
    for one in boards:  # looked up once for all
        one.version = version
        one.played_by = _played_by(one.snapshot)
    board = _chosen_board(request, boards)
    snapshot = board.snapshot
    standings = page_of(
        request,
        Standing.objects.filter(snapshot=snapshot).select_related(
            "entry__contest", "entry__owner", "entry__team"
        ),
        snapshot.rows if snapshot else 0,
    )
    rows = list(standings)
    runs = _runs_of(rows)
    return render(request, "pages/contest.html", {
        "contest": found, "version": version, "versions": versions, "boards": boards,
        "board": board, "matrix": _matrix(boards), "snapshot": snapshot,
        "view": snapshot.view if snapshot else None, "standings": standings,
        "figures": snapshot.view.get("figures", []) if snapshot else [],
        "rows": [{"standing": row, "view": row.view, "runs": runs.get(row.entry_id, [])}
                 for row in rows],
        "words": list(game_in_words(board.competition, board.called)),
        "rules": board.competition, "outside": OUTSIDE,
        "has_starter": starter_folder(version) is not None,
        "is_current": version == versions[0],
        "page_query": f"version={version.number}&cell={board.cell}&",
    })


def _played_by(snapshot: Snapshot | None) -> str:
    """Who played the runs of a board, in words."""
    tiers = snapshot.tiers if snapshot else []
    if len(tiers) == 1:
        return f"every run {tiers[0][0]}"
    return ", ".join(f"{number_of(count, 'run')} {words}" for words, count in tiers) or "no run yet"


def _chosen_version(request: HttpRequest, versions: list[Version]) -> Version:
    asked = request.GET.get("version")
    if asked is None:
        return versions[0]
    for version in versions:
        if str(version.number) == asked:
            return version
    raise Http404(f"There is no version {asked} of these rules.")


def _chosen_board(request: HttpRequest, boards: list[Board]) -> Board:
    asked = request.GET.get("cell", "")
    for board in boards:
        if board.cell == asked:
            return board
    known = ", ".join(board.cell or "(the competition itself)" for board in boards)
    raise Http404(f"There is no cell {asked!r}. Known: {known}.")


def _runs_of(rows: list[Standing]) -> dict[int, list[Run]]:
    found: dict[int, list[Run]] = {}
    for run in Run.objects.filter(
        entry_id__in=[row.entry_id for row in rows], ended__isnull=False
    ).only("key", "entry_id", "tier", "is_verified", "counts", "ended").order_by("pk"):
        found.setdefault(run.entry_id, []).append(run)
    return found


def _matrix(boards: list[Board]) -> dict:
    """Hardware and pre-training against classes of time; a list of boards in each place."""
    times = list(dict.fromkeys(board.time_class for board in boards))
    lines: dict[tuple[str, str], dict[str, list[Board]]] = {}
    for board in boards:
        line = lines.setdefault((board.hardware, board.pretraining), {})
        line.setdefault(board.time_class, []).append(board)
    return {"times": times, "lines": [
        {"hardware": hardware, "pretraining": pretraining,
         "places": [places.get(time, []) for time in times]}
        for (hardware, pretraining), places in lines.items()
    ]}  # fmt: skip


def figure(request: HttpRequest, slug: str, figure: str) -> HttpResponse:
    """A figure of one board, for light or dark paper."""
    version = _chosen_version(request, list(request.subject.versions.order_by("-number")))
    board = _chosen_board(request, list(version.boards.select_related("snapshot")))
    return svg_answer(request, board.snapshot.figures if board.snapshot else {}, figure)


def svg_answer(request: HttpRequest, figures: dict[str, dict[str, str]], name: str) -> HttpResponse:
    """A drawing with its own style, which is let in here alone: nothing else is in the answer."""
    if name not in figures:
        raise Http404("There is no such figure.")
    svg = figures[name]["svg"]
    if request.GET.get("theme") == "dark":
        svg = recoloured(svg, DARK)
    answer = HttpResponse(svg, content_type="image/svg+xml")
    answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    answer.headers["Cache-Control"] = "private, max-age=5"
    return answer


def data(request: HttpRequest, slug: str) -> HttpResponse:
    """The folder of the competition, as `mlgolf run --competition` takes it; without rulings'
    drafts, and without champions of the host."""
    version = _chosen_version(request, list(request.subject.versions.order_by("-number")))
    return zip_answer(version.folder, slug, leave_out={"champion"})


def starter(request: HttpRequest, slug: str) -> HttpResponse:
    folder = starter_folder(request.subject.current)
    if folder is None:
        raise Http404(f"{slug} has no starter kit.")
    return zip_answer(folder, "starter")
