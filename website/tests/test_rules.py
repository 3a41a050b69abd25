"""Who may call what: every address, by everybody, asked by real requests."""

import uuid

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from mlgolf_site.contests.services import starter_folder
from mlgolf_site.jobs.models import Worker
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


def test_every_address_has_a_rule():
    assert [name for name, _ in ADDRESSES if rule_of(name) is None] == []


def test_every_rule_is_of_an_address():
    assert sorted(RULES) == sorted({name for name, _ in OURS})


def test_rules_by_how_a_name_begins_are_of_packages_alone():
    assert set(OF_PACKAGES) == {
        "account_", "mfa_", "admin:", "socialaccount_", "github_", "google_",
    }


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
              "pk": "999", "figure": "none"}
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
        if name == "run_events":
            continue  # answers as long as a run lasts: it has the rule of run_live
        at = address(route, filled, team)
        is_api = at.startswith(API)
        answer = clients[who].get(at, headers=headers[who] if is_api else {})
        if was_refused(answer, is_api) == is_allowed(name, who):
            wrong.append(f"{who} at {name}: {answer.status_code}")
    assert wrong == []


def wrongly_answered(people, who: str, method: str) -> list[str]:
    """Addresses that answer a request that changes something otherwise than the table says."""
    clients, headers, filled, team = people
    wrong = []
    for name, route in OURS:
        at, rule = address(route, filled, team), RULES[name]
        is_api = at.startswith(API)
        answer = clients[who].generic(method, at, headers=headers[who] if is_api else {})
        if not is_allowed(name, who):
            right = was_refused(answer, is_api)
        elif rule.methods is not None and method not in rule.methods:
            right = answer.status_code == 405
        else:
            right = answer.status_code < 500 and (is_api or not was_refused(answer, is_api))
        if not right:
            wrong.append(f"{method} of {who} at {name}: {answer.status_code}")
    return wrong


@pytest.mark.django_db
@pytest.mark.parametrize("who", WHO)
def test_whoever_may_not_changes_nothing_and_pages_to_read_take_nothing(people, who):
    methods = ("POST", "PUT", "PATCH", "DELETE")
    assert [told for method in methods for told in wrongly_answered(people, who, method)] == []


def test_the_rule_of_every_page_says_its_methods():
    assert [
        name for name, rule in RULES.items() if rule.methods is None and not name.startswith("api:")
    ] == []


@pytest.mark.django_db
@pytest.mark.parametrize("who", WHO)
def test_administration_is_walked_by_administrators_alone(people, who):
    clients = people[0]
    for name, route in ADDRESSES:
        if name in ("admin:autocomplete", "admin:mfa_authenticator_add"):
            continue  # refuse administrators, too
        if name.startswith("admin:") and "<" not in route and "(?P" not in route:
            answer = clients[who].get(f"/{route}")
            refused = was_refused(answer, False)
            assert refused == (who != "administrator"), (name, answer.status_code)


def test_live_events_have_the_rule_of_the_page_they_are_for():
    assert RULES["run_events"] == RULES["run_live"]


@pytest.mark.django_db
@pytest.mark.parametrize("who", [w for w in WHO if w != "worker"])
def test_a_contest_that_is_not_public_is_there_for_its_own_people_alone(people, who, contest):
    clients, _, filled, team = people
    contest.is_public = False
    contest.save()
    for name, route in OURS:
        if RULES[name].about is None or name in ("team", "revoke_token", "run_events"):
            continue
        answer = clients[who].get(address(route, filled, team))
        hidden = answer.status_code == 404
        inside = IS[who] & {Role.HOST, Role.JURY, Role.ADMIN, Role.OWNER}
        about_the_entry = "<slug:name>" in route or "<uuid:key>" in route
        if not inside or (inside == {Role.OWNER} and not about_the_entry):
            assert hidden, (who, name, answer.status_code)


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
