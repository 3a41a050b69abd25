"""Challenges and rulings: made, answered, decided. Everybody may read them."""

from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.storage import default_storage
from django.db.models import Prefetch, Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from mlgolf.core.errors import MLGolfError
from mlgolf_site.answers import forbidden
from mlgolf_site.contests.models import Contest
from mlgolf_site.entries.models import Entry, Run
from mlgolf_site.jobs.models import Job
from mlgolf_site.jobs.services import ask_repetition
from mlgolf_site.jury import services
from mlgolf_site.jury.models import Challenge, Decision, Remark
from mlgolf_site.jury.rulings import in_force_against, rulings_of, rulings_on
from mlgolf_site.pages.forms import sentence
from mlgolf_site.pages.jury_forms import ChallengeForm, DeadlineForm, DecisionForm, RemarkForm
from mlgolf_site.pages.paging import page_of
from mlgolf_site.people.models import User
from mlgolf_site.rules import JUDGES, Role

SHOWN = 20  # challenges in a list on somebody's own page
# What somebody speaks as, if they are several.
_SPEAKERS = {
    Role.OWNER: Remark.Speaker.OWNER, Role.JURY: Remark.Speaker.JURY,
    Role.HOST: Remark.Speaker.HOST, Role.ADMIN: Remark.Speaker.ADMIN,
}


# --- what everybody reads ---


def challenges(request: HttpRequest, slug: str) -> HttpResponse:
    """All challenges of a competition, and all rulings."""
    contest: Contest = request.subject
    made = {one.ruling: one for one in contest.decisions.select_related("by", "challenge")}
    return render(request, "pages/challenges.html", {
        "contest": contest, "challenges": page_of(
            request, Challenge.objects.filter(entry__contest=contest)
            .select_related("entry__contest", "by", "decision__contest"),
        ),
        "rulings": [(one, made.get(one.id)) for one in reversed(rulings_of(contest))],
    })


def challenge(request: HttpRequest, slug: str, challenge: Any) -> HttpResponse:
    found: Challenge = request.subject
    return _challenge_page(request, found)


def _challenge_page(
    request: HttpRequest, found: Challenge, remark: RemarkForm | None = None,
    deadline: DeadlineForm | None = None,
) -> HttpResponse:
    entry, judges = found.entry, bool(request.roles & JUDGES)
    speaker = _speaker(request.roles)
    decision = Decision.objects.select_related("by", "contest").filter(challenge=found).first()
    wrong = any(form is not None and form.errors for form in (remark, deadline))
    return render(request, "pages/challenge.html", {
        "challenge": found, "entry": entry, "contest": entry.contest, "decision": decision,
        "ruling": _ruling(entry.contest, decision.ruling) if decision else None,
        "remarks": found.remarks.select_related("by"), "speaker": speaker,
        "remark": remark or RemarkForm(),
        "deadline": deadline or DeadlineForm(initial={"deadline": found.deadline.date()}),
        "is_judge": judges, "is_own": found.by == request.user,
        "why_not": services.why_not_impartial(request.user, entry, found) if judges else "",
        "runs": _with_repetitions(entry),
    }, status=422 if wrong else 200)


def _with_repetitions(entry: Entry) -> list[Run]:
    """Its runs that can be repeated, newest first, each with `asked`: repetitions, newest first."""
    asked = Job.objects.select_related("asked_by", "worker").order_by("-pk")
    runs = list(
        entry.runs.exclude(bundle_sha256="").defer("results", "view", "figures").order_by("-pk")
        .prefetch_related(Prefetch("repetitions", asked, to_attr="asked"))
    )
    for run in runs:
        run.entry = entry
    return runs


def _ruling(contest: Contest, name: str):
    return next((one for one in rulings_of(contest) if one.id == name), None)


def ruling(request: HttpRequest, slug: str, ruling: str) -> HttpResponse:
    """What was decided, by whom, and when."""
    contest: Contest = request.subject
    found = _ruling(contest, ruling)
    if found is None:
        raise Http404(f"{contest} has no ruling {ruling!r}.")
    entry = contest.entries.filter(name=found.subject.submission).first()
    return render(request, "pages/ruling.html", {
        "contest": contest, "ruling": found, "entry": entry,
        "decision": contest.decisions.filter(ruling=found.id).select_related(
            "by", "challenge__entry__contest", "challenge__by"
        ).first(),
        "others": [one for one in rulings_of(contest)
                   if one.subject == found.subject and one.id != found.id],
        "is_judge": bool(request.roles & JUDGES),
    })


def file(request: HttpRequest, slug: str, challenge: Any) -> FileResponse:
    """What somebody sent as evidence: to be saved, never shown by the site."""
    found: Challenge = request.subject
    if not found.has_file:
        raise Http404("This challenge has no file.")
    return FileResponse(
        default_storage.open(found.file, "rb"), as_attachment=True,
        filename=f"evidence-{str(found.key)[:8]}.txt", content_type="text/plain; charset=utf-8",
    )


def of_entry(request: HttpRequest, entry: Entry) -> dict[str, Any]:
    """What the page of an entry shows of challenges, rulings and repetitions."""
    return {
        "challenges": entry.challenges.select_related("entry__contest", "by"),
        "rulings": rulings_on(entry), "in_force": in_force_against(entry),
        "repeatable": _with_repetitions(entry),
        "is_judge": bool(request.roles & JUDGES),
        "may_challenge": Role.MEMBER in request.roles and Role.OWNER not in request.roles,
    }


def of_person(user: User) -> dict[str, Any]:
    """Open challenges that somebody has to answer, or to decide on as a member of a jury."""
    waiting = Challenge.objects.filter(state=Challenge.State.OPEN).select_related(
        "entry__contest", "by"
    ).order_by("deadline")
    own = Entry.objects.filter(Q(owner=user) | Q(team__members=user))
    judged = Contest.objects.filter(jury=user)
    return {
        "against": waiting.filter(entry__in=own)[:SHOWN],
        "to_decide": waiting.filter(entry__contest__in=judged).exclude(entry__in=own)
        .exclude(by=user)[:SHOWN],
    }


# --- what people do ---


def challenge_entry(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    entry: Entry = request.subject
    form = ChallengeForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            made = services.challenge(
                entry, by=request.user, doubt=asked["doubt"], evidence=asked["evidence"],
                wants_repetition=asked["wants_repetition"],
                file=asked["file"].read() if asked["file"] else b"",
            )
            messages.success(request, "Your challenge is public, and waits for the jury.")
            return redirect(made)
        except services.JuryError as error:
            form.add_error(None, sentence(error))
    why_not = services.why_not_challenged(entry, request.user)
    return render(request, "pages/challenge_form.html", {
        "contest": entry.contest, "entry": entry, "form": form,
        "why_not": "" if form.errors else why_not, "days": services.DEADLINE.days,
        "most": settings.SITE.config.limits.challenges,
    }, status=422 if form.errors else 200)


@require_POST
def say(request: HttpRequest, slug: str, challenge: Any) -> HttpResponse:
    form, speaker = RemarkForm(request.POST), _speaker(request.roles)
    assert speaker is not None  # by the rule of this view
    if form.is_valid():
        try:
            services.say(
                request.subject, by=request.user, speaker=speaker, text=form.cleaned_data["text"]
            )
            return redirect(request.subject)
        except services.JuryError as error:
            form.add_error("text", sentence(error))
    return _challenge_page(request, request.subject, remark=form)


@require_POST
def deadline(request: HttpRequest, slug: str, challenge: Any) -> HttpResponse:
    form = DeadlineForm(request.POST)
    if form.is_valid():
        day = form.cleaned_data["deadline"]
        try:
            services.set_deadline(
                request.subject, datetime.combine(day, time(23, 59, 59), tzinfo=UTC)
            )
            return redirect(request.subject)
        except services.JuryError as error:
            form.add_error("deadline", sentence(error))
    return _challenge_page(request, request.subject, deadline=form)


@require_POST
def withdraw(request: HttpRequest, slug: str, challenge: Any) -> HttpResponse:
    try:
        services.withdraw(request.subject, by=request.user)
        messages.success(request, "The challenge was withdrawn.")
    except services.JuryError as error:
        messages.error(request, sentence(error))
    return redirect(request.subject)


def decide(request: HttpRequest, slug: str, challenge: Any) -> HttpResponse:
    found: Challenge = request.subject
    return _decided(request, found.entry, found)


def rule_on(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """A ruling that nobody's challenge asked for, such as one that lifts another."""
    return _decided(request, request.subject, None)


def _decided(request: HttpRequest, entry: Entry, challenge: Challenge | None) -> HttpResponse:
    if why := services.why_not_impartial(request.user, entry, challenge):
        return forbidden(request, f"You may not decide on this: {why}. Leave it to another.")
    if challenge is not None and not challenge.is_open:
        return redirect(challenge)
    form = DecisionForm(request.POST or None, entry=entry, initial=_proposed(request))
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        key = challenge.key if challenge is not None else asked["key"]
        try:
            made = services.decide(
                entry, by=request.user, challenge=challenge, **{**asked, "key": key}
            )
            messages.success(request, "It is decided, and public.")
            return redirect(made)
        except MLGolfError as error:
            form.add_error(None, sentence(error))
    return render(request, "pages/decide.html", {
        "contest": entry.contest, "entry": entry, "challenge": challenge, "form": form,
        "rulings": rulings_on(entry),
    }, status=422 if form.errors else 200)


def _proposed(request: HttpRequest) -> dict[str, str]:
    """By the link that led here: `?decision=reinstated`."""
    return {name: request.GET[name] for name in ("decision", "subject") if name in request.GET}


@require_POST
def repeat(request: HttpRequest, key: str) -> HttpResponse:
    run: Run = request.subject
    try:
        ask_repetition(run, by=request.user)
        messages.success(request, "Trials of this run will be repeated; the outcome stands here.")
    except MLGolfError as error:
        messages.error(request, sentence(error))
    return redirect(run.entry)


def _speaker(roles: Iterable[Role]) -> Remark.Speaker | None:
    return next((speaker for role, speaker in _SPEAKERS.items() if role in roles), None)
