"""Pages of hosts: a competition is made, described, judged anew, and taken out."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from mlgolf.core.competition import Competition
from mlgolf.core.errors import MLGolfError
from mlgolf.golf.own_evaluation import LABEL
from mlgolf_site.boards import services as boards
from mlgolf_site.contests.asked import asked_board
from mlgolf_site.contests.models import Board, Contest
from mlgolf_site.contests.services import own_script
from mlgolf_site.entries.models import Run
from mlgolf_site.hosting import drafts, draws, editing
from mlgolf_site.hosting.costs import costs_of
from mlgolf_site.hosting.exporting import board_as_csv, board_as_json, bundles_as_zip
from mlgolf_site.hosting.models import Draft
from mlgolf_site.jobs import evaluations
from mlgolf_site.jobs.forecast import standing_in_queue
from mlgolf_site.pages.host_forms import (
    AnnouncementForm,
    CommitForm,
    DraftForm,
    FolderForm,
    HostForm,
    JudgingForm,
    TableForm,
    VersionForm,
)

FOLDER, TABLE = Draft.Kind.FOLDER, Draft.Kind.TABLE


# --- a competition is made ---


def hosting(request: HttpRequest) -> HttpResponse:
    """What one hosts, and what one may begin."""
    own = Contest.objects.all() if request.user.is_superuser else request.user.contests.all()
    return render(request, "pages/hosting.html", {
        "contests": own, "drafts": request.user.drafts.select_related("contest"),
    })


def new_from_folder(request: HttpRequest) -> HttpResponse:
    return _new(
        request, FolderForm, FOLDER, "A competition from a folder",
        "A zip of a folder with competition.toml, its data and a baseline, as mlgolf game new "
        "makes it and mlgolf run --competition plays it.",
    )


def new_from_table(request: HttpRequest) -> HttpResponse:
    return _new(
        request, TableForm, TABLE, "A competition from a table",
        "A CSV whose first line names the columns: numbers, without gaps; the target may be words. "
        "It becomes a game that plays as it is, as mlgolf game new makes it; you can download its "
        "folder and change everything.",
    )


def new_version(request: HttpRequest, slug: str) -> HttpResponse:
    return _new(
        request, VersionForm, FOLDER, f"New rules for {request.subject.title}",
        "A zip of the changed folder. What changed is shown key by key before it holds.",
        request.subject,
    )


def _new(
    request: HttpRequest, form_class: type[DraftForm], kind: str, title: str, told: str,
    contest: Contest | None = None,
) -> HttpResponse:
    form = form_class(request.POST or None, request.FILES or None, needs_file=True)
    # Whatever else is wrong, a file that was chosen is kept.
    if request.method == "POST" and (
        form.is_valid() or (form.is_bound and form.cleaned_data.get("file"))
    ):
        try:
            name, content = _uploaded(form)
            made = drafts.new_draft(
                request.user, kind, name, content, form.asked(), contest, wrong=form.wrong()
            )
            return redirect("draft", made.key)
        except MLGolfError as error:
            form.add_error("file", str(error))
    return render(request, "pages/new_contest.html", {
        "form": form, "title": title, "told": told, "contest": contest,
    }, status=422 if form.errors else 200)


def _uploaded(form: DraftForm) -> tuple[str, bytes]:
    """Name and content of a file, no further than one byte beyond what is allowed."""
    file = form.cleaned_data.get("file")
    if not file:
        return "", b""
    return file.name, file.read(settings.SITE.config.limits.competition_bytes + 1)


def draft(request: HttpRequest, draft: str) -> HttpResponse:
    """What is wrong with it, all at once; it is mended here, and made."""
    found: Draft = request.subject
    form_class = VersionForm if found.contest else TableForm if found.kind == TABLE else FolderForm
    form = form_class(
        request.POST or None, request.FILES or None, initial=found.asked, needs_file=False
    )
    if request.method == "POST" and form.is_valid():
        try:
            name, content = _uploaded(form)
            again = "check" in request.POST
            drafts.change_draft(
                found, form.asked(), name, content, by=request.user, again=again
            )
            if again or not found.is_fine:
                return redirect("draft", found.key)
            made = drafts.make(found, request.user)
            messages.success(request, f"{made.version} is there. {made.said}")
            return redirect("host", made.version.contest.slug)
        except MLGolfError as error:
            form.add_error(None, str(error))
    return render(request, "pages/draft.html", {
        "draft": found, "form": form, "differences": drafts.differences(found),
        "current": found.contest.current if found.contest else None,
    }, status=422 if form.errors else 200)


@require_POST
def draft_discard(request: HttpRequest, draft: str) -> HttpResponse:
    found: Draft = request.subject
    contest = found.contest
    drafts.discard(found)
    messages.info(request, "The draft is gone.")
    return redirect("host", contest.slug) if contest else redirect("hosting")


# --- it is described and judged ---


def host(request: HttpRequest, slug: str) -> HttpResponse:
    """All that a host does with one contest."""
    contest: Contest = request.subject
    form = HostForm(request.POST or None, initial=HostForm.initial_of(contest))
    shown: dict[str, Any] = {"form": form, "preview": None}
    if "preview" in request.POST:
        shown["preview"] = request.POST.get("prose", "")
    elif request.method == "POST" and form.is_valid():
        asked = dict(form.cleaned_data)
        seen = asked.pop("edits")
        try:
            edit = editing.edit(
                contest, by=request.user, seen=seen, to=editing.Settings(**asked)
            )
            messages.success(request, "It is written." if edit else "Nothing was changed.")
            stays = request.user.is_superuser or request.user in asked["hosts"]
            return redirect("host", slug) if stays else redirect(contest)
        except editing.EditedMeanwhile as meanwhile:
            shown["meanwhile"] = str(meanwhile).splitlines()
            form.data = form.data.copy()
            form.data["edits"] = meanwhile.number
        except editing.EditRefused as refused:
            for field, said in refused.errors.items():
                form.add_error(field, said)
    return _host_page(request, contest, **shown)


def _host_page(request: HttpRequest, contest: Contest, **shown: Any) -> HttpResponse:
    """Args: shown: forms with something wrong, in place of empty ones; and what else is said."""
    version = contest.current
    rules, all_boards = version.competition, _boards(contest)
    wrong = any(form.errors for form in shown.values() if hasattr(form, "errors"))
    fresh = draws.draws_fresh(rules)
    return render(request, "pages/host.html", {
        "contest": contest, "version": version, "dates": _dates(rules), "boards": all_boards,
        "versions": contest.versions.order_by("-number"),
        "drafts": contest.drafts.all(),
        "baselines": [
            {"entry": one, "job": run.job, "queue": standing_in_queue(run)}
            for one in drafts.baselines(version) if (run := one.latest_run)
        ],
        "announcements": contest.announcements.select_related("by"),
        "edits": [line for edit in editing.edits_of(contest) for line in editing.lines_of(edit)],
        "waiting": Run.objects.filter(
            entry__contest=contest, judging_anew=Run.WAITS
        ).count(),
        "fresh": fresh, "blind": draws.is_blind(rules),
        "unused": sum(not one.is_used for one in draws.commitments()) if fresh else 0,
        "commitments": draws.commitments()[:draws.SHOWN] if fresh else [],
        "own_script": own_script(version), "own_label": LABEL,
        "own_failures": evaluations.failures(contest),
        "form": HostForm(initial=HostForm.initial_of(contest)), "preview": None,
        "announcement": AnnouncementForm(auto_id="announce_%s"),
        "judging": JudgingForm(boards=all_boards, contest=contest, auto_id="judge_%s"),
        "committing": CommitForm(auto_id="commit_%s"),
        **shown,
    }, status=409 if shown.get("meanwhile") else 422 if wrong else 200)


def _boards(contest: Contest) -> list[Board]:
    return list(
        Board.objects.filter(version__contest=contest).select_related("version")
        .order_by("-version__number", "name")
    )


def _dates(rules: Competition) -> str:
    said = [f"{word} {day:%d %b %Y}" for word, day in (
        ("opens", rules.opens), ("closes at the end of", rules.closes)
    ) if day]  # fmt: skip
    return ", ".join(said) + " (UTC)" if said else "open without an end"


@require_POST
def announce(request: HttpRequest, slug: str) -> HttpResponse:
    form = AnnouncementForm(request.POST, auto_id="announce_%s")
    if not form.is_valid():
        return _host_page(request, request.subject, announcement=form)
    editing.announce(request.subject, by=request.user, **form.cleaned_data)
    messages.success(request, "It is announced.")
    return redirect("host", slug)


@require_POST
def take_back(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    if not editing.take_back(request.subject, pk):
        raise Http404("There is no such announcement (any more).")
    messages.success(request, "The announcement is gone.")
    return redirect("host", slug)


@require_POST
def dry_run(request: HttpRequest, slug: str) -> HttpResponse:
    try:
        drafts.dry_run(request.subject.current, request.user)
        messages.success(request, "The baseline waits for a worker.")
    except MLGolfError as error:
        messages.error(request, f"It is not played: {error}.")
    return redirect("host", slug)


@require_POST
def judge_anew(request: HttpRequest, slug: str) -> HttpResponse:
    contest: Contest = request.subject
    form = JudgingForm(
        request.POST, boards=_boards(contest), contest=contest, auto_id="judge_%s"
    )
    if not form.is_valid():
        return _host_page(request, contest, judging=form)
    board, entry = form.cleaned_data["board"], form.cleaned_data["entry"]
    try:
        if "play" not in request.POST:
            runs = Run.objects.filter(**({"entry": entry} if entry else {"entry__board": board}))
            count = boards.judge_anew(runs)
            said = f"{count} run{'' if count == 1 else 's'} will be judged anew."
        elif entry:
            drafts.play_again(entry)
            said = f"{entry.name} will be played again."
        else:
            count = drafts.play_each(board)
            said = f"{count} entr{'y' if count == 1 else 'ies'} will be played again."
        messages.success(request, said)
    except MLGolfError as error:
        form.add_error(None, str(error))
        return _host_page(request, contest, judging=form)
    return redirect("host", slug)


@require_POST
def commit_draws(request: HttpRequest, slug: str) -> HttpResponse:
    form = CommitForm(request.POST, auto_id="commit_%s")
    if not draws.draws_fresh(request.subject.current.competition):
        raise Http404('These rules do not say draws = "fresh": no commitment would be used.')
    if not form.is_valid():
        return _host_page(request, request.subject, committing=form)
    try:
        made = draws.commit(form.cleaned_data["runs"])
        messages.success(request, f"Committed to {len(made)} values.")
    except MLGolfError as error:
        messages.error(request, f"Nothing was committed: {error}")
    return redirect("host", slug)


def costs(request: HttpRequest, key: str) -> HttpResponse:
    run: Run = request.subject
    found, problem = [], ""
    try:
        found = costs_of(run)
    except MLGolfError as error:
        problem = str(error).replace(str(run.folder), run.folder_name)
    return render(request, "pages/costs.html", {
        "run": run, "entry": run.entry, "found": found, "problem": problem,
    }, status=422 if problem else 200)


# --- it is taken out ---


def board_json(request: HttpRequest, slug: str) -> JsonResponse:
    board = asked_board(request.subject, request.GET)
    answer = JsonResponse(board_as_json(board), json_dumps_params={"indent": 1})
    answer.headers["Content-Disposition"] = f'attachment; filename="{_called(board)}.json"'
    return answer


def board_csv(request: HttpRequest, slug: str) -> HttpResponse:
    board = asked_board(request.subject, request.GET)
    answer = HttpResponse(board_as_csv(board), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{_called(board)}.csv"'
    return answer


def board_bundles(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    board = asked_board(request.subject, request.GET)
    answer = StreamingHttpResponse(
        _piece_by_piece(bundles_as_zip(board)), content_type="application/zip"
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="{_called(board)}.zip"'
    return answer


def _called(board: Board) -> str:
    name = f"-{board.name}" if board.name else ""
    return f"{board.version.contest.slug}-v{board.version.number}{name}"


async def _piece_by_piece(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Each made when the one before was sent."""
    following = sync_to_async(lambda: next(pieces, None))
    while (piece := await following()) is not None:
        if piece:
            yield piece
