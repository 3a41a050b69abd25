"""Pages of people: what is public of somebody, and what is theirs alone."""

from django.contrib import messages
from django.db import transaction
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from mlgolf_site.entries.models import Entry, Run, of_person
from mlgolf_site.jobs.models import Worker
from mlgolf_site.pages import jury_views
from mlgolf_site.pages.forms import MemberForm, TeamForm, TokenForm
from mlgolf_site.pages.paging import page_of
from mlgolf_site.people.models import Team, Token, User
from mlgolf_site.rules import Role
from mlgolf_site.submitting import left_today

MOST_TEAMS, MOST_TOKENS = 20, 50  # of one person


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
        "left": left_today(request.user), "teams": request.user.teams.all(),
        "jury": jury_views.of_person(request.user),
    })


def teams(request: HttpRequest) -> HttpResponse:
    form = TeamForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if request.user.founded.count() >= MOST_TEAMS:
            form.add_error(None, f"You have founded {MOST_TEAMS} teams, which is the limit.")
            return render(request, "pages/teams.html", {
                "teams": request.user.teams.all(), "form": form,
            })  # fmt: skip
        with transaction.atomic():
            made = Team.objects.create(name=form.cleaned_data["name"], founder=request.user)
            made.members.add(request.user)
        return redirect("team", made.name)
    return render(request, "pages/teams.html", {"teams": request.user.teams.all(), "form": form})


def team(request: HttpRequest, name: str) -> HttpResponse:
    found: Team = request.subject
    form = MemberForm(request.POST or None)
    if request.method == "POST":
        if Role.OWNER not in request.roles:
            raise Http404
        if form.is_valid():
            added = User.objects.filter(
                username__iexact=form.cleaned_data["username"], is_active=True
            ).first()
            if added is None:
                form.add_error("username", "There is nobody of this name.")
            else:
                found.members.add(added)
                messages.success(request, f"{added} is a member now.")
                return redirect("team", found.name)
    entries = found.entries.select_related("contest", "owner")
    if not request.roles & {Role.OWNER, Role.ADMIN}:
        entries = entries.filter(contest__is_public=True)
    return render(request, "pages/team.html", {
        "team": found, "members": found.members.all(), "form": form,
        "is_member": Role.OWNER in request.roles,
        "entries": page_of(request, entries),
    })


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
