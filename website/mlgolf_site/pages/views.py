"""Pages about the site as a whole."""

from functools import lru_cache
from importlib.resources import files

from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from mlgolf.report.page import colour_variables
from mlgolf_site.boards.models import Snapshot
from mlgolf_site.contests.models import Contest
from mlgolf_site.jobs.models import OPEN, Job, State, Worker
from mlgolf_site.jobs.services import LEASE

RECORDS = 8  # shown on the first page


def home(request: HttpRequest) -> HttpResponse:
    contests = [
        _row(contest) for contest in Contest.objects.filter(is_public=True)
        .annotate(num_entries=Count("entries", distinct=True)).prefetch_related("versions")
    ]
    return render(request, "pages/home.html", {
        "contests": contests, "records": _latest_records(), "now": timezone.now(),
    })


def _row(contest: Contest) -> dict:
    version = contest.current
    rules = version.competition
    closes = rules.closes
    return {
        "contest": contest, "version": version, "objective": rules.rules.objective_quantity.noun,
        "closes": closes, "opens": rules.opens, "entries": contest.num_entries,
        "hardware": rules.rules.hardware,
    }


def _latest_records() -> list[dict]:
    """Of all public boards, newest first."""
    steps = [
        {**step, "board": snapshot.board, "contest": snapshot.board.version.contest}
        for snapshot in Snapshot.objects.filter(
            board__version__contest__is_public=True, shown_on__isnull=False
        ).select_related("board__version__contest")
        for step in snapshot.record
    ]
    return sorted(steps, key=lambda step: step["received"], reverse=True)[:RECORDS]


def about(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/about.html")


def status(request: HttpRequest) -> HttpResponse:
    """The queue, the workers, and how long anything has been in its state."""
    now = timezone.now()
    jobs = list(
        Job.objects.filter(state__in=OPEN).select_related("run__entry__contest", "worker")
        .order_by("pk")[:200]
    )
    counts = Job.objects.aggregate(
        **{state.value: Count("pk", filter=Q(state=state)) for state in State}
    )
    return render(request, "pages/status.html", {
        "jobs": jobs, "counts": [(State(name), n) for name, n in counts.items()],
        "workers": Worker.objects.annotate(
            playing=Count("jobs", filter=Q(jobs__state=State.PLAYING)), last=Max("jobs__since"),
        ).order_by("name"),
        "now": now, "silent_since": now - LEASE,
    })


def style(request: HttpRequest) -> HttpResponse:
    """The colours and the style sheet of reports, which the site's own adds to."""
    answer = HttpResponse(_style(), content_type="text/css; charset=utf-8")
    answer.headers["Cache-Control"] = "public, max-age=3600"
    return answer


@lru_cache(maxsize=1)
def _style() -> str:
    return colour_variables() + (files("mlgolf.report") / "page.css").read_text("utf-8")
