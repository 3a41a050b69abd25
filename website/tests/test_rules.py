"""Who may call what: every address, by everybody, asked by real requests."""

import json
import uuid
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from mlgolf_site import rules
from mlgolf_site.boards.models import Snapshot, Standing
from mlgolf_site.contests.models import Board
from mlgolf_site.contests.services import starter_folder
from mlgolf_site.entries.models import Event, Run
from mlgolf_site.hosting.models import Draft
from mlgolf_site.jobs.models import Job, State, Worker
from mlgolf_site.jury.models import Challenge
from mlgolf_site.people.models import Invitation, Team, Token, User
from mlgolf_site.protocol import API
from mlgolf_site.rules import OF_PACKAGES, RULES, Role, rule_of
from mlgolf_site.submitting import submit
from uploads import folder_zip

WHO = ("stranger", "entrant", "team-mate", "invited", "rival", "host", "jury", "administrator",
       "worker")
# What each is to the entry, the run, the team and the contest that the addresses are filled with.
IS = {
    "stranger": set(), "rival": {Role.MEMBER}, "entrant": {Role.MEMBER, Role.OWNER},
    "team-mate": {Role.MEMBER, Role.OWNER}, "invited": {Role.MEMBER, Role.INVITED},
    "host": {Role.MEMBER, Role.HOST},
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
    assert set(OF_PACKAGES) == {
        "account_", "mfa_", "admin:", "socialaccount_", "github_", "google_",
    }


@pytest.fixture
def people(person, contest, board):
    """Clients of everybody, and what the addresses are filled with."""
    entrant, mate, rival = person("entrant"), person("mate"), person("rival")
    host, jury, invited = person("host"), person("jury"), person("invited")
    admin = person("boss", is_superuser=True, is_staff=True)
    contest.hosts.add(host)
    contest.jury.add(jury)
    team = Team.objects.create(name="team", founder=entrant)
    as_at_first(team)
    run = submit(
        board, owner=entrant, name="mine", file="a.zip", team=team,
        content=folder_zip(starter_folder(board.version)),
    )
    challenge = Challenge.objects.create(
        entry=run.entry, by=rival, doubt="why?", deadline=timezone.now() + timedelta(days=14)
    )
    token, secret = Token.issue(host, "w", Token.Scope.WORKER)
    Worker.objects.create(token=token, name="w", hardware="one-thread-cpu")
    by_name = {"entrant": entrant, "team-mate": mate, "invited": invited, "rival": rival,
               "host": host, "jury": jury, "administrator": admin}
    clients, headers = {"stranger": Client(), "worker": Client()}, {"stranger": {}}
    headers["worker"] = {"Authorization": f"Bearer {secret}"}
    for name, user in by_name.items():
        clients[name] = Client()
        clients[name].force_login(user)
        _, text = Token.issue(user, "t", Token.Scope.SUBMIT)
        headers[name] = {"Authorization": f"Bearer {text}"}
    draft = Draft.objects.create(
        owner=host, contest=contest, kind=Draft.Kind.FOLDER, file_name="new.zip"
    )
    filled = {"slug": contest.slug, "name": "mine", "key": str(run.key), "username": "entrant",
              "pk": "999", "figure": "none", "challenge": str(challenge.key), "ruling": "none",
              "draft": str(draft.key)}
    return clients, headers, filled, team


def as_at_first(team: Team) -> None:
    """Its members, and who is invited: what is asked for at some addresses changes them."""
    team.members.set(User.objects.filter(username__in=["entrant", "mate"]))
    invited = User.objects.get(username="invited")
    Invitation.objects.get_or_create(team=team, user=invited, defaults={"by": team.founder})


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


def wrongly_answered(people, who: str, method: str) -> list[str]:
    """Addresses that answer a request that changes something otherwise than the table says."""
    clients, headers, filled, team = people
    wrong = []
    for name, route in OURS:
        at, rule = address(route, filled, team), RULES[name]
        is_api = at.startswith(API)
        as_at_first(team)
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
    methods = ("PUT", "PATCH", "DELETE", "POST")  # the last may take away what is asked for
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
        if name == "admin:autocomplete" or (name.endswith("_add") and who == "administrator"):
            continue  # refuses whoever says not of what; and of some things nobody adds any here
        if name.startswith("admin:") and "<" not in route and "(?P" not in route:
            answer = clients[who].get(f"/{route}")
            refused = was_refused(answer, False)
            assert refused == (who != "administrator"), (name, answer.status_code)


def test_live_events_have_the_rule_of_the_page_they_are_for():
    pages = {name: (RULES[name].may, RULES[name].about) for name in LIVE}
    assert pages == dict.fromkeys(LIVE, (RULES["run_live"].may, RULES["run_live"].about))


@pytest.mark.django_db
@pytest.mark.parametrize("who", [w for w in WHO if w != "worker"])
def test_a_contest_that_is_not_public_is_there_for_its_own_people_alone(people, who, contest):
    clients, _, filled, team = people
    contest.is_public = False
    contest.save()
    for name, route in OURS:
        if RULES[name].about in (None, rules.team, rules.own_token) or name in LIVE:
            continue
        answer = clients[who].get(address(route, filled, team))
        hidden = answer.status_code == 404
        inside = IS[who] & {Role.HOST, Role.JURY, Role.ADMIN, Role.OWNER}
        about_the_entry = any(
            part in route for part in ("<slug:name>", "<uuid:key>", "<uuid:challenge>")
        )
        if not inside or (inside == {Role.OWNER} and not about_the_entry):
            assert hidden, (who, name, answer.status_code)


CANARY, NUMBER = "canary-of-a-result", 271.8
SHOWN_WITH_RESULTS = {"contest", "entry", "figure", "run_figure", "run_events", "bundle",
                      "board_json", "board_csv", "board_bundles"}


def with_results(contest, key: str) -> None:
    """Everything that a result leaves in the database and the files, with a canary in each."""
    figure = {"none": {"title": "t", "caption": CANARY, "svg": f"<svg>{CANARY}</svg>"}}
    Run.objects.filter(key=key).update(
        ended=timezone.now(), counts=True, bundle_sha256="1" * 64, figures=figure,
        results=json.dumps({"facts": [], "trials": [], "canary": CANARY}),
        view={"runs": {"runs": [{"value": CANARY, "reason": CANARY}]}},
    )
    run = Run.objects.get(key=key)
    Job.objects.filter(run=run).update(state=State.DONE, reason=CANARY)
    default_storage.save(run.bundle, ContentFile(CANARY.encode()))
    Event.objects.create(run=run, number=9, kind=Event.Kind.LOG, data={"line": CANARY})
    board = run.entry.board
    step = {"submission": "mine", "value": NUMBER, "gain": None, "p": None,
            "received": "2026-01-01T00:00:00+00:00"}
    snapshot = Snapshot.objects.create(
        board=board, of_change=0, seconds=0, runs=1, rows=1, record=[step],
        view={"value_is": "value", "fact_heads": ["fact"], "notes": [CANARY]},
        figures={**figure, "record": {"title": "t", "caption": CANARY, "svg": "<svg/>"}},
    )
    row = {"rank": "1", "score": "", "bounds": "", "facts": [CANARY], "seeds": [], "cells": [
        {"workload": "w", "value": CANARY, "ratio": "", "details": [], "failed": False,
         "best": True},
    ]}
    Standing.objects.create(
        snapshot=snapshot, place=1, rank="1", entry=run.entry, view=row, value=NUMBER
    )
    Board.objects.filter(pk=board.pk).update(snapshot=snapshot)


def where_results_are_seen(people, who: str) -> set[str]:
    """Names of addresses whose answers have a canary."""
    clients, headers, filled, team = people
    seen = set()
    for name, route in OURS:
        at = address(route, filled, team)
        answer = clients[who].get(at, headers=headers[who] if at.startswith(API) else {})
        content = b"".join(answer) if answer.streaming else answer.content
        if CANARY.encode() in content or str(NUMBER).encode() in content:
            seen.add(name)
    return seen


@pytest.mark.django_db
@pytest.mark.parametrize("who", WHO)
def test_hidden_results_are_for_insiders_and_of_ones_own_entry_alone(people, who, contest):
    with_results(contest, people[2]["key"])
    contest.results_hidden_until = timezone.now() + timedelta(hours=1)
    contest.save()
    seen = where_results_are_seen(people, who)
    if IS[who] & {Role.HOST, Role.JURY, Role.ADMIN}:
        own_bundles = set() if Role.JURY in IS[who] else {"board_bundles"}
        assert seen >= SHOWN_WITH_RESULTS - {"board_bundles"} | own_bundles
    elif Role.OWNER in IS[who]:
        own = {"entry", "run_figure", "run_events", "bundle", "api:entry", "api:run_events",
               "api:run_bundle", "api:own_entries"}
        assert seen == own
    else:
        assert seen == set()


@pytest.mark.django_db
def test_results_are_there_for_everybody_from_the_date_on(people, contest):
    with_results(contest, people[2]["key"])
    contest.results_hidden_until = timezone.now() - timedelta(seconds=1)
    contest.save()
    seen = where_results_are_seen(people, "stranger")
    for_insiders = {"bundle", "board_bundles", "run_events"}  # the log of what is not public, too
    assert seen >= SHOWN_WITH_RESULTS - for_insiders | {"home"}


@pytest.mark.django_db
def test_that_entries_exist_is_shown_while_results_are_hidden(people, contest):
    with_results(contest, people[2]["key"])
    contest.results_hidden_until = timezone.now() + timedelta(hours=1)
    contest.save()
    text = Client().get(contest.get_absolute_url()).content.decode()
    assert "Results are shown from" in text
    assert "/e/mine/" in text
    answer = Client().get(f"/c/{contest.slug}/board.csv")
    assert answer.status_code == 404
    assert "Results are shown from" in answer.content.decode()


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
