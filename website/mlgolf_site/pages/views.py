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
from mlgolf_site.entries.models import Entry
from mlgolf_site.jobs.models import OPEN, Job, State, Worker
from mlgolf_site.jobs.services import LEASE

RECORDS = 8  # shown on the first page


def home(request: HttpRequest) -> HttpResponse:
    contests = Contest.objects.filter(is_public=True).prefetch_related("versions")
    entries = dict(Entry.objects.order_by().values_list("contest").annotate(Count("pk")))
    rows = [
        _row(contest, entries.get(contest.pk, 0)) for contest in contests if contest.versions.all()
    ]
    rows.sort(key=_running_first)
    return render(request, "pages/home.html", {
        "contests": rows, "records": _latest_records(), "now": timezone.now(),
    })


def _row(contest: Contest, entries: int) -> dict:
    version = max(contest.versions.all(), key=lambda version: version.number)
    rules = version.competition
    closes = rules.closes
    return {
        "contest": contest, "version": version, "objective": rules.rules.objective_quantity.noun,
        "closes": closes, "opens": rules.opens, "entries": entries,
        "hardware": rules.rules.hardware,
    }


def _running_first(row: dict) -> tuple:
    """What closes soonest, what closes never, what is to open, and what has closed."""
    today = timezone.now().date()
    closes, opens = row["closes"], row["opens"]
    has_closed = closes is not None and closes < today
    is_to_open = opens is not None and opens > today
    return has_closed, is_to_open, closes is None, closes or today, row["contest"].title


def _latest_records() -> list[dict]:
    """Of all public boards, newest first."""
    steps = [
        {**step, "board": snapshot.board, "contest": snapshot.board.version.contest}
        for snapshot in Snapshot.objects.filter(
            board__version__contest__is_public=True, shown_on__isnull=False
        ).exclude(
            board__version__contest__results_hidden_until__gt=timezone.now()
        ).select_related("board__version__contest").defer("view", "figures")
        for step in snapshot.record
    ]
    return sorted(steps, key=lambda step: step["received"], reverse=True)[:RECORDS]


def about(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/about.html")


def status(request: HttpRequest) -> HttpResponse:
    """The queue, the workers, and how long anything has been in its state."""
    now = timezone.now()
    jobs = list(
        Job.objects.filter(state__in=OPEN).select_related(
            "run__entry__contest", "repeats__entry__contest", "worker"
        )
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
