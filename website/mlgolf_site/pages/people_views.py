"""Pages of people: what is public of somebody, and what is theirs alone."""

from collections.abc import Callable

from django.contrib import messages
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from mlgolf_site.entries.models import Entry, Run, of_person
from mlgolf_site.jobs.models import Worker
from mlgolf_site.pages import jury_views
from mlgolf_site.pages.forms import MemberForm, TeamForm, TokenForm, sentence
from mlgolf_site.pages.paging import page_of
from mlgolf_site.people import services
from mlgolf_site.people.models import Invitation, Team, Token, User
from mlgolf_site.people.often import too_often
from mlgolf_site.rules import Role
from mlgolf_site.submitting import left_today

MOST_TEAMS, MOST_TOKENS = 20, 50  # of one person
INVITES_AN_HOUR = 30  # by one person


def person(request: HttpRequest, username: str) -> HttpResponse:
    found = User.objects.filter(username=username, is_active=True).first()
    if found is None:
        raise Http404(f"There is nobody called {username!r}.")
    entries = Entry.objects.filter(owner=found, contest__is_public=True).select_related("contest")
    return render(request, "pages/person.html", {
        "person": found, "entries": page_of(request, entries),
    })


def mine(request: HttpRequest) -> HttpResponse:
    """One's entries with their states, and what is left of the day's limit."""
    entries = of_person(request.user).select_related("contest", "board", "team")
    return render(request, "pages/mine.html", {
        "entries": page_of(request, entries.prefetch_related(
            Prefetch("runs", Run.objects.defer(*Run.LARGE).select_related("job"))
        )),
        "left": left_today(request.user), "invitations": _invitations(request.user),
        "jury": jury_views.of_person(request.user),
    })


# --- teams ---


def teams(request: HttpRequest) -> HttpResponse:
    form = TeamForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if request.user.founded.count() < MOST_TEAMS:
            with transaction.atomic():
                made = Team.objects.create(name=form.cleaned_data["name"], founder=request.user)
                made.members.add(request.user)
            return redirect("team", made.name)
        form.add_error(None, f"You have founded {MOST_TEAMS} teams, which is the limit.")
    return render(request, "pages/teams.html", {
        "teams": request.user.teams.all(), "form": form, "invitations": _invitations(request.user),
    })


def _invitations(user: User) -> QuerySet[Invitation]:
    return user.invitations.select_related("team", "by")


def team(request: HttpRequest, name: str) -> HttpResponse:
    return _team_page(request, MemberForm())


def _team_page(request: HttpRequest, form: MemberForm) -> HttpResponse:
    found: Team = request.subject
    entries = found.entries.select_related("contest", "owner")
    if not request.roles & {Role.OWNER, Role.ADMIN}:
        entries = entries.filter(contest__is_public=True)
    return render(request, "pages/team.html", {
        "team": found, "members": found.members.all(), "form": form,
        "is_member": Role.OWNER in request.roles, "is_invited": Role.INVITED in request.roles,
        "invited": found.invitations.select_related("user", "by"),
        "entries": page_of(request, entries),
    }, status=422 if form.errors else 200)


@require_POST
def invite(request: HttpRequest, name: str) -> HttpResponse:
    form = MemberForm(request.POST)
    if form.is_valid():
        try:
            if too_often("invite", request.user.pk, most=INVITES_AN_HOUR, seconds=3600):
                raise services.TeamError(
                    f"you have invited {INVITES_AN_HOUR} people in an hour. Wait an hour"
                )
            made = services.invite(
                request.subject, form.cleaned_data["username"], by=request.user
            )
            messages.success(request, f"{made.user} is invited, and sees it on the page Teams.")
            return redirect("team", name)
        except services.TeamError as error:
            form.add_error("username", sentence(error))
    return _team_page(request, form)


@require_POST
def withdraw_invitation(request: HttpRequest, name: str, username: str) -> HttpResponse:
    user = User.objects.filter(username=username).first()
    if user is None:
        raise Http404(f"There is nobody called {username!r}.")
    return _done(
        request, lambda: services.withdraw(request.subject, user),
        f"The invitation of {user} is withdrawn.", "team", name,
    )


@require_POST
def leave(request: HttpRequest, name: str) -> HttpResponse:
    return _done(
        request, lambda: services.leave(request.subject, by=request.user),
        f"You are no longer a member of {name}.", "teams",
    )


@require_POST
def accept(request: HttpRequest, name: str) -> HttpResponse:
    return _done(
        request, lambda: services.accept(request.subject, by=request.user),
        f"You are a member of {name} now.", "team", name,
    )


@require_POST
def decline(request: HttpRequest, name: str) -> HttpResponse:
    return _done(
        request, lambda: services.decline(request.subject, by=request.user),
        "The invitation is declined.", "teams",
    )


def _done(
    request: HttpRequest, act: Callable[[], None], said: str, *where: str
) -> HttpResponse:
    try:
        act()
        messages.success(request, said)
    except services.TeamError as error:
        messages.error(request, sentence(error))
    return redirect(*where)


# --- tokens ---


@never_cache
def tokens(request: HttpRequest) -> HttpResponse:
    """A new token is shown once, in the answer that makes it."""
    form, shown = TokenForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        if asked["scope"] == Token.Scope.WORKER and not request.user.hosts_any:
            form.add_error("scope", "Workers are registered by hosts and administrators.")
        elif request.user.tokens.count() >= MOST_TOKENS:
            form.add_error(None, f"You have {MOST_TOKENS} tokens, which is the limit. Revoke one.")
        else:
            _, shown = Token.issue(request.user, asked["name"], asked["scope"], asked["days"])
            form = TokenForm()
    workers = Worker.objects.filter(token__user=request.user)
    return render(request, "pages/tokens.html", {
        "tokens": request.user.tokens.order_by("-pk"), "form": form, "shown": shown,
        "workers": workers,
    })


@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    gone, _ = request.user.tokens.filter(pk=pk).delete()
    if not gone:
        raise Http404("There is no such token.")
    messages.success(request, "The token is no longer good.")
    return redirect("tokens")
