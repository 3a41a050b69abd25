"""Who may call what: one row for each name of the URL configuration, and no other place.

A view whose name has no row here is not served at all: it fails, and so does the test that walks
the URL configuration. A row says which roles may call it, by which methods, and whether it is about
something of somebody's, which is then looked up once and handed to the view as `request.subject`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect

from mlgolf_site.answers import forbidden, other_method, too_often_here, unreadable
from mlgolf_site.contests.models import Board, Contest, Version
from mlgolf_site.entries.models import Entry, Event, Run
from mlgolf_site.hosting.models import Draft
from mlgolf_site.jury.models import Challenge
from mlgolf_site.people.models import Team, Token, User
from mlgolf_site.people.often import too_often
from mlgolf_site.protocol import API, TOKEN_ADVICE


class Role(Enum):
    ANYONE = "anyone"
    MEMBER = "a person who has signed in"
    OWNER = "who it belongs to, alone or in a team"
    INVITED = "who is invited to the team"
    HOST = "a host of the competition"
    JURY = "a member of its jury"
    MAY_HOST = "a person who may make competitions"
    WORKER = "a worker"
    ADMIN = "an administrator"


Subject = Contest | Version | Board | Entry | Run | Team | Challenge | Draft | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Who may call a view, and what it is about."""

    may: frozenset[Role]
    about: Callable[..., Subject] | None = None  # from what the URL names; may raise Http404
    # Of tokens that suffice; empty: any, but one that may only read changes nothing.
    scopes: frozenset[str] = frozenset()
    hidden: bool = False  # whoever may not is told that there is nothing
    results: bool = False  # nothing but results: not there while a competition hides them
    methods: frozenset[str] | None = None  # None: its package or the API decides
    is_heavy: bool = False  # much to make or to send, so it is counted by the minute
    second_factor: bool = False  # asked for where the site is reached by https


def contest(slug: str, **_: Any) -> Contest:
    found = Contest.objects.filter(slug=slug).first()
    if found is None:
        raise _nothing("contest", slug)
    return found


def entry(slug: str, name: str, **_: Any) -> Entry:
    found = Entry.objects.select_related(
        "board__version__contest", "contest", "owner", "team", "based_on__contest"
    ).filter(contest__slug=slug, name=name).first()
    if found is None:
        raise _nothing("entry", slug, name)
    return found


def run(key: Any, **_: Any) -> Run:
    found = Run.objects.select_related(
        "entry__board__version__contest", "entry__contest", "entry__owner", "entry__team", "job"
    ).defer(*Run.LARGE).filter(key=key).first()
    if found is None:
        raise _nothing("run")
    return found


def challenge(slug: str, challenge: Any, **_: Any) -> Challenge:
    found = Challenge.objects.select_related(
        "by", "entry__board__version__contest", "entry__contest", "entry__owner", "entry__team"
    ).filter(key=challenge, entry__contest__slug=slug).first()
    if found is None:
        raise Http404("There is no such challenge.")
    return found


def _nothing(what: str, *named: str) -> Http404:
    """The same words for what is not there, and for what is not public."""
    return Http404({
        "contest": "There is no competition {!r}.", "entry": "There is no entry {1!r} in {0}.",
        "run": "There is no such run.",
    }[what].format(*named))  # fmt: skip


def _hidden(subject: "Subject") -> Http404:
    match subject:
        case Contest():
            return _nothing("contest", subject.slug)
        case Entry():
            return _nothing("entry", subject.contest.slug, subject.name)
        case Run():
            return _nothing("run")
    return Http404()


def team(name: str, **_: Any) -> Team:
    found = Team.objects.filter(name=name).first()
    if found is None:
        raise Http404(f"There is no team {name!r}.")
    return found


def draft(draft: Any, **_: Any) -> Draft:
    found = Draft.objects.select_related("contest", "owner").filter(key=draft).first()
    if found is None:
        raise Http404("There is no such draft (any more).")
    return found


def own_token(pk: int, **_: Any) -> None:
    """Looked up by the view among those of who asks."""


ANYONE = frozenset({Role.ANYONE})
MEMBER = frozenset({Role.MEMBER})
OWN = frozenset({Role.OWNER, Role.HOST, Role.ADMIN})
TEAM = frozenset({Role.OWNER})
INVITED = frozenset({Role.INVITED})
HOSTS = frozenset({Role.HOST, Role.ADMIN})
JUDGES = frozenset({Role.JURY, Role.HOST, Role.ADMIN})
WORKERS = frozenset({Role.WORKER})
ADMINS = frozenset({Role.ADMIN})
MAKERS = frozenset({Role.MAY_HOST, Role.ADMIN})
SUBMIT, READ, WORK = Token.Scope.SUBMIT, Token.Scope.READ, Token.Scope.WORKER
SAFE = frozenset({"GET", "HEAD"})
HEAVY_A_MINUTE = 60  # downloads of one person, or of one address of strangers
POST = frozenset({"POST"})
FORM = SAFE | POST

RULES: dict[str, Rule] = {
    # pages
    "home": Rule(may=ANYONE, methods=SAFE),
    "style": Rule(may=ANYONE, methods=SAFE),
    "status": Rule(may=ANYONE, methods=SAFE),
    "about": Rule(may=ANYONE, methods=SAFE),
    "contest": Rule(may=ANYONE, about=contest, methods=SAFE),
    "contest_data": Rule(may=ANYONE, about=contest, methods=SAFE, is_heavy=True),
    "starter": Rule(may=ANYONE, about=contest, methods=SAFE),
    "figure": Rule(may=ANYONE, about=contest, results=True, methods=SAFE),
    "submit": Rule(may=MEMBER, about=contest, methods=FORM),
    "entry": Rule(may=ANYONE, about=entry, methods=SAFE),
    # Of code, bundles and logs the views ask whether they are public.
    "entry_code": Rule(may=ANYONE, about=entry, methods=SAFE),
    "entry_archive": Rule(may=ANYONE, about=entry, methods=SAFE, is_heavy=True),
    "publish_code": Rule(may=OWN, about=entry, methods=POST),
    "rerun": Rule(may=OWN, about=entry, methods=POST),
    "cancel": Rule(may=OWN, about=run, methods=POST),
    "bundle": Rule(may=ANYONE, about=run, results=True, methods=SAFE, is_heavy=True),
    "run_live": Rule(may=ANYONE, about=run, methods=SAFE),
    "run_figure": Rule(may=ANYONE, about=run, results=True, methods=SAFE),
    "run_events": Rule(may=ANYONE, about=run, results=True, methods=SAFE),
    # challenges and rulings; nobody decides on their own, which jury/services.py asks
    "challenges": Rule(may=ANYONE, about=contest, methods=SAFE),
    "challenge": Rule(may=ANYONE, about=challenge, methods=SAFE),
    "challenge_file": Rule(may=ANYONE, about=challenge, methods=SAFE),
    "challenge_entry": Rule(may=MEMBER, about=entry, methods=FORM),
    "withdraw_challenge": Rule(may=MEMBER, about=challenge, methods=POST),  # whoever made it
    "say": Rule(may=JUDGES | {Role.OWNER}, about=challenge, methods=POST),
    "challenge_deadline": Rule(may=JUDGES, about=challenge, methods=POST),
    "decide": Rule(may=JUDGES, about=challenge, methods=FORM),
    "rule_on": Rule(may=JUDGES, about=entry, methods=FORM),
    "ruling": Rule(may=ANYONE, about=contest, methods=SAFE),
    "repeat": Rule(may=JUDGES, about=run, methods=POST),
    "person": Rule(may=ANYONE, methods=SAFE),
    "mine": Rule(may=MEMBER, methods=SAFE),
    "teams": Rule(may=MEMBER, methods=FORM),
    "team": Rule(may=ANYONE, about=team, methods=SAFE),
    "team_invite": Rule(may=TEAM, about=team, methods=POST),
    "team_withdraw": Rule(may=TEAM, about=team, methods=POST),
    "team_leave": Rule(may=TEAM, about=team, methods=POST),
    "team_accept": Rule(may=INVITED, about=team, methods=POST),
    "team_decline": Rule(may=INVITED, about=team, methods=POST),
    "tokens": Rule(may=MEMBER, methods=FORM),
    "revoke_token": Rule(may=MEMBER, about=own_token, methods=POST),
    # what hosts do
    "hosting": Rule(may=MAKERS, methods=SAFE),
    "new_from_folder": Rule(may=MAKERS, methods=FORM),
    "new_from_table": Rule(may=MAKERS, methods=FORM),
    "draft": Rule(may=HOSTS, about=draft, methods=FORM),
    "draft_discard": Rule(may=HOSTS, about=draft, methods=POST),
    "host": Rule(may=HOSTS, about=contest, methods=FORM),
    "new_version": Rule(may=HOSTS, about=contest, methods=FORM),
    "announce": Rule(may=HOSTS, about=contest, methods=POST),
    "take_back": Rule(may=HOSTS, about=contest, methods=POST),
    "dry_run": Rule(may=HOSTS, about=contest, methods=POST),
    "judge_anew": Rule(may=HOSTS, about=contest, methods=POST),
    "commit_draws": Rule(may=HOSTS, about=contest, methods=POST),
    "costs": Rule(may=HOSTS, about=run, methods=SAFE),
    "board_json": Rule(may=ANYONE, about=contest, results=True, methods=SAFE, is_heavy=True),
    "board_csv": Rule(may=ANYONE, about=contest, results=True, methods=SAFE, is_heavy=True),
    "board_bundles": Rule(may=HOSTS, about=contest, results=True, methods=SAFE, is_heavy=True),
    # what workers call
    "api:worker_hello": Rule(may=WORKERS, scopes=frozenset({WORK})),
    "api:worker_lease": Rule(may=WORKERS, scopes=frozenset({WORK})),
    "api:worker_heartbeat": Rule(may=WORKERS, scopes=frozenset({WORK})),
    "api:worker_give_up": Rule(may=WORKERS, scopes=frozenset({WORK})),
    "api:worker_bundle": Rule(may=WORKERS, scopes=frozenset({WORK})),
    "api:worker_stored": Rule(may=WORKERS, scopes=frozenset({WORK})),
    "api:worker_repeated": Rule(may=WORKERS, scopes=frozenset({WORK})),
    "api:worker_evaluation": Rule(may=WORKERS, scopes=frozenset({WORK})),
    "api:worker_code": Rule(may=WORKERS, scopes=frozenset({WORK})),
    "api:worker_competition": Rule(may=WORKERS, scopes=frozenset({WORK})),
    # what programs of people call
    "api:me": Rule(may=MEMBER, scopes=frozenset({SUBMIT, READ})),
    "api:competitions": Rule(may=ANYONE),
    "api:competition": Rule(may=ANYONE, about=contest),
    "api:leaderboard": Rule(may=ANYONE, about=contest, results=True),
    "api:competition_folder": Rule(may=ANYONE, about=contest),
    "api:starter": Rule(may=ANYONE, about=contest),
    "api:check": Rule(may=MEMBER, about=contest, scopes=frozenset({SUBMIT})),
    "api:submit": Rule(may=MEMBER, about=contest, scopes=frozenset({SUBMIT})),
    "api:own_entries": Rule(may=MEMBER, scopes=frozenset({SUBMIT, READ})),
    "api:entry": Rule(may=ANYONE, about=entry),
    "api:entry_code": Rule(may=ANYONE, about=entry),  # the view asks whether the code is public
    "api:run_events": Rule(may=ANYONE, about=run, results=True),
    "api:run_bundle": Rule(may=ANYONE, about=run, results=True),
    "api:cancel": Rule(may=OWN, about=run, scopes=frozenset({SUBMIT})),
    "api:openapi-json": Rule(may=ANYONE),
    "api:api-root": Rule(may=ANYONE),
}
# Packages that guard their own views, by how the names of these begin.
OF_PACKAGES: dict[str, Rule] = {
    "account_": Rule(may=ANYONE), "mfa_": Rule(may=ANYONE),
    "admin:": Rule(may=ADMINS, second_factor=True),
    # Signing in by an account elsewhere, where site.toml has [oauth.…].
    "socialaccount_": Rule(may=ANYONE), "github_": Rule(may=ANYONE), "google_": Rule(may=ANYONE),
}


def rule_of(name: str) -> Rule | None:
    """By the name of a view, with its namespace."""
    if name in RULES:
        return RULES[name]
    return next((rule for start, rule in OF_PACKAGES.items() if name.startswith(start)), None)


def roles_of(user: Any, token: Token | None, subject: Subject) -> set[Role]:
    """What somebody is to something."""
    roles = {Role.ANYONE}
    if not isinstance(user, User) or not user.is_active:
        return roles
    if token is not None and token.scope == WORK:
        return {Role.ANYONE, Role.WORKER}  # and nothing of who registered it
    roles.add(Role.MEMBER)
    if user.is_superuser:
        roles |= {Role.ADMIN, Role.MAY_HOST}
    if user.may_host:
        roles.add(Role.MAY_HOST)
    owned = subject.entry if isinstance(subject, Run | Challenge) else subject
    if isinstance(owned, Entry) and owned.is_of(user):
        roles.add(Role.OWNER)
    if isinstance(owned, Team) and owned.members.filter(pk=user.pk).exists():
        roles.add(Role.OWNER)
    if isinstance(owned, Team) and owned.invitations.filter(user=user).exists():
        roles.add(Role.INVITED)
    if isinstance(subject, Draft) and subject.contest is None and subject.owner == user:
        roles |= {Role.HOST} if user.hosts_any else set()
    of_contest = _contest_of(subject)
    if of_contest is not None:
        roles |= {Role.HOST} if of_contest.hosts.filter(pk=user.pk).exists() else set()
        roles |= {Role.JURY} if of_contest.jury.filter(pk=user.pk).exists() else set()
    return roles


def _contest_of(subject: Subject) -> Contest | None:
    match subject:
        case Contest():
            return subject
        case Version() | Entry() | Draft():
            return subject.contest
        case Board():
            return subject.version.contest
        case Run() | Challenge():
            return subject.entry.contest
    return None


def sees(roles: set[Role], subject: Subject) -> bool:
    """Whether a competition that is not public, and all that is of it, is there for somebody."""
    of_contest = _contest_of(subject)
    insiders = {Role.HOST, Role.JURY, Role.ADMIN, Role.OWNER}
    return of_contest is None or of_contest.is_public or bool(roles & insiders)


def sees_code(roles: set[Role], entry: Entry) -> bool:
    """Its owners, hosts, jury and administrators; everybody once it is public."""
    insiders = {Role.OWNER, Role.HOST, Role.JURY, Role.ADMIN}
    return bool(roles & insiders) or entry.shows_code


def kinds_told(roles: set[Role], entry: Entry) -> list[str]:
    """Events of a run that somebody is told of. A program may print its own code and data, so its
    log is for who may see the code."""
    public = [Event.Kind.EVALUATION, Event.Kind.STATE]
    return [*public, Event.Kind.LOG] if sees_code(roles, entry) else public


def sees_results(roles: set[Role], subject: Subject) -> bool:
    """Whether results of a competition, of an entry or of a run are there for somebody now."""
    of_contest = _contest_of(subject)
    insiders = {Role.HOST, Role.JURY, Role.ADMIN, Role.OWNER}
    return of_contest is None or not of_contest.hides_results or bool(roles & insiders)


def sees_ranks(roles: set[Role], subject: Subject) -> bool:
    """Whether it may be told where an entry stands now: its owners see its results before others
    do, and not how others did."""
    of_contest = _contest_of(subject)
    insiders = {Role.HOST, Role.JURY, Role.ADMIN}
    return of_contest is None or not of_contest.hides_results or bool(roles & insiders)


class RulesMiddleware:
    """Asks the table before any view is called."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable, args: tuple, kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        assert request.resolver_match is not None
        name = request.resolver_match.view_name
        rule = rule_of(name)
        if rule is None:
            raise ImproperlyConfigured(f"the view {name!r} has no rule in mlgolf_site/rules.py")
        if _has_nul(request, kwargs):
            return unreadable(request)
        token = getattr(request, "token", None)
        if getattr(request, "token_problem", ""):
            return _refused(request, rule, {Role.ANYONE}, None)
        subject = rule.about(**kwargs) if rule.about else None
        roles = roles_of(request.user, token, subject)
        if not sees(roles, subject):
            raise _hidden(subject)
        if not roles & rule.may or not _in_scope(token, rule, request.method or ""):
            return _refused(request, rule, roles, token)
        if rule.methods is not None and request.method not in rule.methods:
            return other_method(request, rule.methods)
        if rule.second_factor and settings.CONFIG.https and not is_mfa_enabled(request.user):
            messages.warning(request, "Administration asks for a second factor. Set one up here.")
            return redirect("mfa_index")
        if rule.is_heavy and too_often("download", _who(request), most=HEAVY_A_MINUTE):
            return too_often_here(
                request, f"More than {HEAVY_A_MINUTE} downloads in a minute. Wait a minute."
            )
        request.subject, request.roles = subject, roles  # type: ignore[attr-defined]
        request.sees_results = sees_results(roles, subject)  # type: ignore[attr-defined]
        if rule.results and not request.sees_results:  # type: ignore[attr-defined]
            raise Http404(when_results_are_shown(subject))
        return None


def _who(request: HttpRequest) -> str:
    """Whose downloads are counted together."""
    if request.user.is_authenticated:
        return f"person-{request.user.pk}"
    return f"address-{request.META.get('REMOTE_ADDR', '')}"


def when_results_are_shown(subject: Subject) -> str:
    until = getattr(_contest_of(subject), "results_hidden_until", None)
    return f"Results are shown from {until:%d %b %Y, %H:%M} UTC." if until else ""


def _has_nul(request: HttpRequest, kwargs: dict[str, Any]) -> bool:
    """Whether the address has a character that no text of a database may have."""
    texts = [*map(str, kwargs.values()), *request.GET.keys()]
    return any("\0" in text for text in texts) or any(
        "\0" in text for values in request.GET.lists() for text in values[1]
    )


def _in_scope(token: Token | None, rule: Rule, method: str) -> bool:
    if token is None:
        return True
    if token.scope == READ and method not in SAFE:
        return False
    return not rule.scopes or token.scope in rule.scopes


def _refused(
    request: HttpRequest, rule: Rule, roles: set[Role], token: Token | None
) -> HttpResponseBase:
    if request.path.startswith(API):
        return _refused_program(request, rule, roles, token)
    if Role.MEMBER not in roles:
        return redirect_to_login(request.get_full_path())
    if rule.hidden:
        raise Http404
    return forbidden(request, f"This is for {_in_words(rule)}.")


def _refused_program(
    request: HttpRequest, rule: Rule, roles: set[Role], token: Token | None
) -> JsonResponse:
    if Role.MEMBER not in roles and Role.WORKER not in roles:
        problem = getattr(request, "token_problem", "") or "There is no token."
        return JsonResponse(
            {"detail": f"{problem} {TOKEN_ADVICE}"}, status=401,
            headers={"WWW-Authenticate": "Bearer"},
        )
    if token is not None and roles & rule.may:
        scopes = rule.scopes or {SUBMIT}
        needed = " or ".join(sorted(str(scope.value) for scope in map(Token.Scope, scopes)))
        told = (
            f"The token has the scope {token.scope}; this needs {needed}. "
            "Make another on the page Tokens of your account."
        )
    else:
        told = f"This is for {_in_words(rule)}."
    return JsonResponse({"detail": told}, status=403)


def _in_words(rule: Rule) -> str:
    return " or ".join(role.value for role in Role if role in rule.may)
