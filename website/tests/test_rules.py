"""Who may call what: every address, by everybody, asked by real requests."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from mlgolf_site.contests.services import starter_folder
from mlgolf_site.jobs.models import Worker
from mlgolf_site.jury.models import Challenge
from mlgolf_site.people.models import Team, Token
from mlgolf_site.protocol import API
from mlgolf_site.rules import OF_PACKAGES, RULES, Role, rule_of
from mlgolf_site.submitting import submit
from uploads import folder_zip

WHO = ("stranger", "entrant", "team-mate", "rival", "host", "jury", "administrator", "worker")
# What each is to the entry, the run, the team and the contest that the addresses are filled with.
IS = {
    "stranger": set(), "rival": {Role.MEMBER}, "entrant": {Role.MEMBER, Role.OWNER},
    "team-mate": {Role.MEMBER, Role.OWNER}, "host": {Role.MEMBER, Role.HOST},
    "jury": {Role.MEMBER, Role.JURY}, "worker": {Role.WORKER},
    "administrator": {Role.MEMBER, Role.ADMIN, Role.MAY_HOST},
}  # fmt: skip


def walk(resolver: URLResolver, route: str = "", namespace: str = ""):
    """(name with its namespace, route) of every address."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            name = f"{namespace}{pattern.name}"
            yield name, route + str(pattern.pattern)
        else:
            own = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from walk(pattern, route + str(pattern.pattern), namespace + own)


ADDRESSES = sorted(set(walk(get_resolver())))
OURS = [(name, route) for name, route in ADDRESSES if name in RULES]


# They answer as long as a run lasts, and have the rule of a page that does not.
LIVE = ("run_events", "api:run_events")


def test_every_address_has_a_rule():
    assert [name for name, _ in ADDRESSES if rule_of(name) is None] == []


def test_every_rule_is_of_an_address():
    assert sorted(RULES) == sorted({name for name, _ in OURS})


def test_rules_by_how_a_name_begins_are_of_packages_alone():
    assert set(OF_PACKAGES) == {"account_", "mfa_", "admin:"}


@pytest.fixture
def people(person, contest, board):
    """Clients of everybody, and what the addresses are filled with."""
    entrant, mate, rival = person("entrant"), person("mate"), person("rival")
    host, jury = person("host"), person("jury")
    admin = person("boss", is_superuser=True, is_staff=True)
    contest.hosts.add(host)
    contest.jury.add(jury)
    team = Team.objects.create(name="team", founder=entrant)
    team.members.add(entrant, mate)
    run = submit(
        board, owner=entrant, name="mine", file="a.zip", team=team,
        content=folder_zip(starter_folder(board.version)),
    )
    challenge = Challenge.objects.create(
        entry=run.entry, by=rival, doubt="why?", deadline=timezone.now() + timedelta(days=14)
    )
    token, secret = Token.issue(host, "w", Token.Scope.WORKER)
    Worker.objects.create(token=token, name="w", hardware="one-thread-cpu")
    by_name = {"entrant": entrant, "team-mate": mate, "rival": rival, "host": host, "jury": jury,
               "administrator": admin}
    clients, headers = {"stranger": Client(), "worker": Client()}, {"stranger": {}}
    headers["worker"] = {"Authorization": f"Bearer {secret}"}
    for name, user in by_name.items():
        clients[name] = Client()
        clients[name].force_login(user)
        _, text = Token.issue(user, "t", Token.Scope.SUBMIT)
        headers[name] = {"Authorization": f"Bearer {text}"}
    filled = {"slug": contest.slug, "name": "mine", "key": str(run.key), "username": "entrant",
              "pk": "999", "figure": "none", "challenge": str(challenge.key), "ruling": "none"}
    return clients, headers, filled, team


def address(route: str, filled: dict[str, str], team: Team) -> str:
    import re

    def put(match: "re.Match[str]") -> str:
        name = match[1].rpartition(":")[2]
        return team.name if route.startswith("teams/") and name == "name" else filled[name]

    return "/" + re.sub(r"<([^>]+)>", put, route)


def is_allowed(name: str, who: str) -> bool:
    return bool((IS[who] | {Role.ANYONE}) & RULES[name].may)


def was_refused(answer, is_api: bool) -> bool:
    """By the table: a view itself may still find nothing, or want a POST."""
    if is_api:
        return answer.status_code in (401, 403)
    return answer.status_code == 403 or (
        answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")
    )


@pytest.mark.django_db
@pytest.mark.parametrize("who", WHO)
def test_whoever_may_is_let_in_and_nobody_else(people, who):
    clients, headers, filled, team = people
    wrong = []
    for name, route in OURS:
        if name in LIVE:
            continue
        at = address(route, filled, team)
        is_api = at.startswith(API)
        answer = clients[who].get(at, headers=headers[who] if is_api else {})
        if was_refused(answer, is_api) == is_allowed(name, who):
            wrong.append(f"{who} at {name}: {answer.status_code}")
    assert wrong == []


def test_live_events_have_the_rule_of_the_page_they_are_for():
    assert {name: RULES[name] for name in LIVE} == dict.fromkeys(LIVE, RULES["run_live"])


@pytest.mark.django_db
@pytest.mark.parametrize("who", [w for w in WHO if w != "worker"])
def test_a_contest_that_is_not_public_is_there_for_its_own_people_alone(people, who, contest):
    clients, _, filled, team = people
    contest.is_public = False
    contest.save()
    for name, route in OURS:
        if RULES[name].about is None or name in ("team", "revoke_token", *LIVE):
            continue
        answer = clients[who].get(address(route, filled, team))
        hidden = answer.status_code == 404
        inside = IS[who] & {Role.HOST, Role.JURY, Role.ADMIN, Role.OWNER}
        about_the_entry = any(
            part in route for part in ("<slug:name>", "<uuid:key>", "<uuid:challenge>")
        )
        if not inside or (inside == {Role.OWNER} and not about_the_entry):
            assert hidden, (who, name, answer.status_code)


@pytest.mark.django_db
@pytest.mark.parametrize("scope", Token.Scope)
def test_a_token_is_let_in_where_its_scope_suffices_and_nowhere_else(people, scope):
    clients, _, filled, team = people
    entrant = team.founder
    _, text = Token.issue(entrant, "another", scope)
    wrong = []
    for name, route in OURS:
        rule = RULES[name]
        if not rule.scopes or Role.WORKER in rule.may:
            continue
        answer = clients["stranger"].get(
            address(route, filled, team), headers={"Authorization": f"Bearer {text}"}
        )
        if was_refused(answer, is_api=True) == (scope in rule.scopes):
            wrong.append(f"{scope} at {name}: {answer.status_code}")
    assert wrong == []


@pytest.mark.django_db
def test_what_may_not_be_seen_is_told_in_the_words_of_what_is_not_there(contest):
    contest.is_public = False
    contest.save()
    for found, absent in (
        (f"/api/competitions/{contest.slug}", "/api/competitions/none"),
        (f"/api/entries/{contest.slug}/x", "/api/entries/none/x"),
    ):
        told = [Client().get(at).json()["detail"] for at in (found, absent)]
        assert told[0].replace(contest.slug, "none") == told[1]


@pytest.mark.django_db
def test_a_session_counts_for_nothing_in_the_api(people):
    clients, _, _, _ = people
    assert clients["administrator"].post("/api/worker/lease").status_code == 401


@pytest.mark.django_db
def test_a_token_of_a_worker_is_not_its_owner(people):
    clients, headers, _, _ = people
    answer = clients["worker"].get("/mine/", headers=headers["worker"])
    assert answer.status_code == 302


@pytest.mark.django_db
def test_code_that_is_not_public_is_shown_to_insiders_alone(people):
    clients, _, filled, _ = people
    at = f"/c/{filled['slug']}/e/mine/code/"
    found = {who: clients[who].get(at).status_code for who in WHO if who != "worker"}
    assert {who for who, code in found.items() if code == 200} == {
        "entrant", "team-mate", "host", "jury", "administrator",
    }
    assert set(found.values()) == {200, 404}


@pytest.mark.django_db
def test_what_is_not_there_is_told_in_words():
    answer = Client().get(f"/runs/{uuid.uuid4()}/live/")
    assert answer.status_code == 404
    assert "There is no such run." in answer.content.decode()
