"""Pages of entries and their runs: handed in, watched, judged."""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator

from django.contrib import messages
from django.core.files.storage import default_storage
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_POST
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer, TextLexer

from mlgolf.core.errors import MLGolfError
from mlgolf.report.triage import looked_at_lines
from mlgolf_site.boards.models import Standing
from mlgolf_site.contests.models import Board, Contest
from mlgolf_site.entries.models import Entry, Event, Run
from mlgolf_site.jobs.models import Job, State
from mlgolf_site.jobs.services import cancel as cancel_run
from mlgolf_site.jobs.services import enqueue, place_in_queue, why_it_waits
from mlgolf_site.pages.contest_views import svg_answer
from mlgolf_site.pages.forms import SubmitForm
from mlgolf_site.rules import Role
from mlgolf_site.submitting import (
    check_upload,
    improved_name,
    left_today,
    suggested_name,
)
from mlgolf_site.submitting import (
    submit as submit_entry,
)

POLL_SECONDS = 0.4  # between looks for new events of a run
LONGEST_STREAM = 3600  # seconds; a browser then connects again
LOG_LINES = 400  # shown when the page is opened
LARGEST_SHOWN = 200_000  # bytes of a file of code


def submit(request: HttpRequest, slug: str) -> HttpResponse:
    """The form; a check without submitting; the submission."""
    contest: Contest = request.subject
    version = contest.current
    boards = list(version.boards.all())
    based_on = _based_on(request, contest)
    initial = {
        "board": based_on.board.cell if based_on else request.GET.get("cell", ""),
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
        board: Board = asked["board"]
        try:
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
        "left": left_today(request.user), "based_on": based_on,
    }, status=422 if form.errors else 200)


def _based_on(request: HttpRequest, contest: Contest) -> Entry | None:
    name = request.GET.get("based_on") or request.POST.get("based_on")
    return contest.entries.filter(name=name).select_related("board").first() if name else None


def entry(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    found: Entry = request.subject
    runs = list(found.runs.select_related("job__worker").order_by("-pk"))
    latest = runs[0] if runs else None
    shown = next((run for run in runs if run.counts), None)
    standing = Standing.objects.filter(
        entry=found, snapshot__shown_on=found.board
    ).select_related("snapshot").first()
    return render(request, "pages/entry.html", {
        "entry": found, "contest": found.contest, "board": found.board, "runs": runs,
        "latest": latest, "shown": shown, "standing": standing,
        "events": _events(latest) if latest else [], "queue": _queue(latest),
        "sees_code": sees_code(request, found), "is_own": Role.OWNER in request.roles,
        "may_cancel": bool(request.roles & {Role.OWNER, Role.HOST, Role.ADMIN}),
        "is_host": bool(request.roles & {Role.HOST, Role.ADMIN}),
        "command": _command(found), "improved": found.improved.select_related("contest").all(),
        "disclosed": _disclosed(found),
    })


def _command(entry: Entry) -> str:
    return f"mlgolf run {entry.name} --competition {entry.board.called}"


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


def _events(run: Run) -> list[dict]:
    last = list(run.events.order_by("-number")[:LOG_LINES])
    return [_shown(event) for event in reversed(last)]


def _shown(event: Event) -> dict:
    return {"number": event.number, "kind": event.kind, **event.data}


def _queue(run: Run | None) -> dict | None:
    """Of a run that has not ended: its place, why it waits, and when it may begin."""
    if run is None or State(run.job.state).has_ended:
        return None
    place, seconds = place_in_queue(run.job)
    return {
        "state": State(run.job.state), "place": place, "seconds": seconds,
        "why": why_it_waits(run.job) if run.job.state == State.QUEUED else run.job.reason,
    }


def live(request: HttpRequest, key: str) -> HttpResponse:
    """The part of the page that says how it stands, for HTMX to put in its place."""
    run: Run = request.subject
    answer = render(request, "pages/_state.html", {
        "latest": run, "entry": run.entry, "queue": _queue(run),
        "may_cancel": bool(request.roles & {Role.OWNER, Role.HOST, Role.ADMIN}),
    })
    if State(run.job.state).has_ended:
        answer.headers["HX-Refresh"] = "true"
    return answer


def events(request: HttpRequest, key: str) -> StreamingHttpResponse:
    """What happens in a run, as server-sent events, from the number after Last-Event-ID."""
    seen = request.headers.get("Last-Event-ID") or request.GET.get("after") or "0"
    after = int(seen) if seen.isdecimal() else 0
    answer = StreamingHttpResponse(_stream(request.subject.pk, after), "text/event-stream")
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


async def _stream(run: int, after: int) -> AsyncIterator[bytes]:
    yield b"retry: 2000\n\n"
    waited = 0.0
    while waited < LONGEST_STREAM:
        found = [
            event async for event in Event.objects.filter(run_id=run, number__gt=after)
            .order_by("number")[:500]
        ]
        for event in found:
            after = event.number
            data = json.dumps(_shown(event))
            yield f"id: {event.number}\nevent: {event.kind}\ndata: {data}\n\n".encode()
        if not found:
            job = await Job.objects.only("state").aget(run_id=run)
            if State(job.state).has_ended:
                yield b"event: end\ndata: {}\n\n"
                return
            yield b": waiting\n\n"
            await asyncio.sleep(POLL_SECONDS)
            waited += POLL_SECONDS


def figure(request: HttpRequest, key: str, figure: str) -> HttpResponse:
    return svg_answer(request, request.subject.figures, figure)


# --- code ---


def sees_code(request: HttpRequest, entry: Entry) -> bool:
    """Its owners, hosts, jury and administrators; everybody once it is public."""
    insiders = {Role.OWNER, Role.HOST, Role.JURY, Role.ADMIN}
    return entry.is_code_public or bool(request.roles & insiders)


def code(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Each file with its lines numbered, so that a challenge can name them."""
    found: Entry = request.subject
    _check_that_code_is_seen(request, found)
    files = []
    with zipfile.ZipFile(io.BytesIO(_archive(found))) as archive:
        for item in archive.infolist():
            content = archive.read(item)
            files.append({
                "name": item.filename.split("/", 1)[1], "bytes": len(content),
                "html": _highlighted(item.filename, content),
            })
    return render(request, "pages/code.html", {
        "entry": found, "contest": found.contest, "files": files,
    })


def _highlighted(name: str, content: bytes) -> SafeString:
    if len(content) > LARGEST_SHOWN or b"\0" in content:
        return mark_safe("<p>Too large to show, or no text: download it.</p>")
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
    answer.headers["Content-Disposition"] = f'attachment; filename="{found.name}.zip"'
    return answer


def _check_that_code_is_seen(request: HttpRequest, entry: Entry) -> None:
    if not sees_code(request, entry):
        raise Http404(
            f"The code of {entry.name} is not public (yet). Its SHA-256 is {entry.code_sha256}."
        )


def _archive(entry: Entry) -> bytes:
    with default_storage.open(entry.archive, "rb") as file:
        return file.read()


@require_POST
def publish(request: HttpRequest, slug: str, name: str) -> HttpResponseRedirect:
    Entry.objects.filter(pk=request.subject.pk).update(is_code_public=True)
    messages.success(request, "The code is public.")
    return redirect(request.subject)


# --- runs ---


@require_POST
def rerun(request: HttpRequest, slug: str, name: str) -> HttpResponseRedirect:
    enqueue(request.subject)
    messages.success(request, "It will be played again.")
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
