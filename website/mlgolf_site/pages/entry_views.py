"""Pages of entries and their runs: handed in, watched, judged."""

import io
import zipfile

from django.conf import settings
from django.contrib import messages
from django.core.files.storage import default_storage
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_POST
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer, TextLexer

from mlgolf.core.errors import MLGolfError
from mlgolf.core.workload import FRAMEWORKS
from mlgolf.golf.own_evaluation import LABEL
from mlgolf.report.triage import looked_at_lines
from mlgolf_site.boards.models import Standing
from mlgolf_site.contests.asked import chosen_board
from mlgolf_site.contests.models import Contest
from mlgolf_site.contests.services import starter_folder
from mlgolf_site.entries.models import Entry, Run
from mlgolf_site.jobs.evaluations import shown_evaluations
from mlgolf_site.jobs.forecast import standing_in_queue, why_nobody_plays
from mlgolf_site.jobs.models import State
from mlgolf_site.jobs.services import cancel as cancel_run
from mlgolf_site.live import as_told, events_answer
from mlgolf_site.pages import jury_views
from mlgolf_site.pages.contest_views import svg_answer
from mlgolf_site.pages.forms import SubmitForm
from mlgolf_site.rules import (
    HOSTS,
    Role,
    kinds_told,
    sees_code,
    sees_ranks,
    when_results_are_shown,
)
from mlgolf_site.submitting import (
    ENTRY_NAME,
    check_upload,
    count_upload,
    improved_name,
    left_today,
    play_again,
    play_failed_again,
    suggested_name,
    why_not_taken,
)
from mlgolf_site.submitting import (
    submit as submit_entry,
)

LOG_LINES = 400  # shown when the page is opened
LARGEST_SHOWN, MOST_SHOWN = 200_000, 1_000_000  # bytes of code: of a file, of an entry
TOO_LARGE = mark_safe("<p>Too large to show, or no text: download it.</p>")


def submit(request: HttpRequest, slug: str) -> HttpResponse:
    """The form; a check without submitting; the submission."""
    contest: Contest = request.subject
    version = contest.current
    boards = list(version.boards.all())
    based_on = _based_on(request, contest)
    board = chosen_board(boards, request.GET.get("board", ""))
    if based_on is not None and based_on.board.version == version:
        board = based_on.board
    initial = {
        "board": board.in_framework(FRAMEWORKS[0]).name,
        "framework": based_on.framework if based_on else board.framework or FRAMEWORKS[0],
        "name": improved_name(based_on) if based_on else suggested_name(boards[0], request.user),
        "based_on": based_on.name if based_on else "",
    }
    form = SubmitForm(
        request.POST or None, request.FILES or None, initial=initial, boards=boards,
        user=request.user, contest=contest,
    )
    checked = None
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        board = asked["board"]
        try:
            count_upload(request.user)
            if "check" in request.POST:
                checked = check_upload(
                    board, asked["name"], asked["file_name"], asked["content"], asked["framework"]
                )
            else:
                run = submit_entry(
                    board, owner=request.user, name=asked["name"], file=asked["file_name"],
                    content=asked["content"], framework=asked["framework"], team=asked["team"],
                    based_on=asked["based_on"],
                )
                return redirect(run.entry)
        except MLGolfError as error:
            form.add_error(None, str(error))
    return render(request, "pages/submit.html", {
        "contest": contest, "version": version, "form": form, "checked": checked,
        "looked": looked_at_lines(checked.looked_at) if checked else [],
        "left": left_today(request.user), "based_on": based_on, "closed": why_not_taken(board),
        "has_starter": starter_folder(version) is not None,
        "unplayed": [
            said for hardware in sorted({board.hardware for board in boards})
            if (said := why_nobody_plays(hardware, contest))
        ], "days": settings.SITE.config.limits.days_without_worker,
    }, status=422 if form.errors else 200)


def _based_on(request: HttpRequest, contest: Contest) -> Entry | None:
    name = request.GET.get("based_on") or request.POST.get("based_on") or ""
    if not ENTRY_NAME.fullmatch(name):
        return None
    return contest.entries.filter(name=name).select_related("board").first()


def entry(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    found: Entry = request.subject
    runs = list(found.runs.select_related("job__worker").defer(*Run.LARGE).order_by("-pk"))
    latest = runs[0] if runs else None
    shown, standing = None, None
    if request.sees_results:
        shown = found.runs.filter(counts=True).defer("results").order_by("-pk").first()
    if sees_ranks(request.roles, found):
        standing = Standing.objects.filter(
            entry=found, snapshot__shown_on=found.board
        ).select_related("snapshot").only("rank", "snapshot", "snapshot__rows").first()
    queue = standing_in_queue(latest)
    tells = request.sees_results and latest and (queue or not shown)
    is_host = bool(request.roles & {Role.HOST, Role.ADMIN})
    own_columns, own = shown_evaluations(runs if request.sees_results else (), to_host=is_host)
    return render(request, "pages/entry.html", {
        "own_columns": own_columns, "own": own, "own_label": LABEL,
        "entry": found, "contest": found.contest, "board": found.board, "runs": runs,
        "latest": latest, "shown": shown, "standing": standing,
        "events": _events(latest, kinds_told(request.roles, found)) if tells else [],
        "queue": queue, "sees_results": request.sees_results,
        "results_shown": when_results_are_shown(found),
        "keeps_models": found.board.competition.rules.keep_model,
        "sees_code": sees_code(request.roles, found), "shows_code": found.shows_code,
        "is_own": Role.OWNER in request.roles,
        "may_cancel": bool(request.roles & {Role.OWNER, Role.HOST, Role.ADMIN}),
        "is_host": is_host,
        "command": _command(found), "improved": found.improved.select_related("contest").all(),
        "disclosed": _disclosed(found), "jury": jury_views.of_entry(request, found),
    })


def _command(entry: Entry) -> str:
    board = entry.board
    asked = f" --tuning {board.ruleset}" if len(board.competition.rules.tuning.rulesets) > 1 else ""
    asked += f" --framework {entry.framework}" if entry.framework != FRAMEWORKS[0] else ""
    return f"mlgolf run ./{entry.name} --competition ./{board.called}{asked}"


def _disclosed(entry: Entry) -> list[tuple[str, str]]:
    words = {
        "authors": "Authors", "licence": "Licence", "tuned_on": "Tuned on", "tuned": "Tuned",
        "runs": "Runs of tuning", "learned_components": "Learned elsewhere",
        "based_on": "Based on", "notes": "Notes",
    }
    said = {title: entry.disclosure.get(key) for key, title in words.items()}
    return [
        (title, ", ".join(map(str, value)) if isinstance(value, list) else str(value))
        for title, value in said.items() if value not in (None, "", [])
    ]


def _events(run: Run, kinds: list[str]) -> list[dict]:
    last = list(run.events.filter(kind__in=kinds).order_by("-number")[:LOG_LINES])
    return [as_told(event) for event in reversed(last)]


def live(request: HttpRequest, key: str) -> HttpResponse:
    """The part of the page that says how it stands, for HTMX to put in its place."""
    run: Run = request.subject
    answer = render(request, "pages/_state.html", {
        "latest": run, "entry": run.entry, "queue": standing_in_queue(run),
        "sees_results": request.sees_results,
        "may_cancel": bool(request.roles & {Role.OWNER, Role.HOST, Role.ADMIN}),
    })
    if State(run.job.state).has_ended:
        answer.headers["HX-Refresh"] = "true"
    return answer


def events(request: HttpRequest, key: str) -> HttpResponseBase:
    kinds = kinds_told(request.roles, request.subject.entry)
    return events_answer(request, request.subject, kinds)


def figure(request: HttpRequest, key: str, figure: str) -> HttpResponse:
    return svg_answer(request, request.subject.figures or {}, figure)


# --- code ---


def code(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Each file with its lines numbered, so that a challenge can name them."""
    found: Entry = request.subject
    _check_that_code_is_seen(request, found)
    files, left = [], MOST_SHOWN
    with zipfile.ZipFile(io.BytesIO(_archive(found))) as archive:
        for item in archive.infolist():
            content = archive.read(item)
            left -= len(content)
            files.append({
                "name": item.filename.split("/", 1)[1], "bytes": len(content),
                "html": _highlighted(item.filename, content) if left >= 0 else TOO_LARGE,
            })
    return render(request, "pages/code.html", {
        "entry": found, "contest": found.contest, "files": files,
    })


def _highlighted(name: str, content: bytes) -> SafeString:
    if len(content) > LARGEST_SHOWN or b"\0" in content:
        return TOO_LARGE
    lexer = PythonLexer() if name.endswith(".py") else TextLexer()
    anchor = "".join(c if c.isalnum() else "-" for c in name.split("/", 1)[1])
    # Pygments escapes the code; its style is in the style sheet.
    return mark_safe(highlight(content.decode(errors="replace"), lexer, HtmlFormatter(
        linenos="inline", lineanchors=anchor, anchorlinenos=True, wrapcode=True,
    )))


def archive(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    found: Entry = request.subject
    _check_that_code_is_seen(request, found)
    answer = HttpResponse(_archive(found), content_type="application/zip")
    answer.headers["Content-Disposition"] = content_disposition_header(
        True, f"{found.name}.zip"
    ) or ""
    return answer


def _check_that_code_is_seen(request: HttpRequest, entry: Entry) -> None:
    if not sees_code(request.roles, entry):
        raise Http404(
            f"The code of {entry.name} is not public (yet). Its SHA-256 is {entry.code_sha256}."
        )


def _archive(entry: Entry) -> bytes:
    with default_storage.open(entry.archive, "rb") as file:
        return file.read()


@require_POST
def publish(request: HttpRequest, slug: str, name: str) -> HttpResponseRedirect:
    request.subject.is_code_public = True
    request.subject.save(update_fields=["is_code_public"])
    messages.success(request, "The code is public.")
    return redirect(request.subject)


# --- runs ---


@require_POST
def rerun(request: HttpRequest, slug: str, name: str) -> HttpResponseRedirect:
    """A host may do this at any time, an owner where the site could not play it."""
    play = play_again if request.roles & HOSTS else play_failed_again
    try:
        play(request.subject)
        messages.success(request, "It will be played again.")
    except MLGolfError as error:
        messages.error(request, f"{str(error)[0].upper()}{str(error)[1:]}.")
    return redirect(request.subject)


@require_POST
def cancel(request: HttpRequest, key: str) -> HttpResponseRedirect:
    said = cancel_run(request.subject)
    messages.info(request, f"{said[0].upper()}{said[1:]}.")
    return redirect(request.subject.entry)


def bundle(request: HttpRequest, key: str) -> FileResponse:
    """The signed bundle. It holds the code, so it is for who may see that."""
    run: Run = request.subject
    _check_that_code_is_seen(request, run.entry)
    if not run.bundle_sha256:
        raise Http404("This run has no bundle yet.")
    file = default_storage.open(run.bundle, "rb")
    return FileResponse(
        file, as_attachment=True, filename=f"{run.folder_name}.mlgolf.zip",
        content_type="application/zip",
    )
