"""Secrets that are planted, and what belongs to somebody: who sees and changes it."""

import io
import logging
import re
import zipfile

import pytest
from attackers import CODE, DOUBT, LABEL, LOG, PROSE, TITLE
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from mlgolf_site.entries.models import Entry, Event, Run
from mlgolf_site.jobs.models import Job
from mlgolf_site.people.models import Team, Token
from mlgolf_site.protocol import API
from mlgolf_site.submitting import submit
from test_rules import ADDRESSES, WHO, address, people
from uploads import ENTRY

__all__ = ["people"]  # a fixture

pytestmark = pytest.mark.django_db

@pytest.fixture
def planted(people, contest, board, hidden, person):
    """Canaries in code and log of the entrant, and the texts that only some may read."""
    _, headers, filled, team = people
    entrant = Team.objects.get(name="team").founder
    run = submit(
        board, owner=entrant, team=team, name="planted", file="entry.py",
        content=ENTRY + f"# {CODE}\n".encode(),
    )
    job = Job.objects.get(run=run)
    Event.objects.create(run=run, number=1_000_001, kind="log", data={"trial": "", "line": LOG})
    insiders = {"entrant", "team-mate", "host", "jury", "administrator"}
    secrets = {entrant.password.rpartition("$")[2]: set(), settings_key(): set()}
    secrets |= {header["Authorization"].split()[1]: set() for header in headers.values() if header}
    secrets |= {LABEL: set(), CODE: insiders, LOG: insiders}
    secrets |= {text: {"administrator"} for text in (TITLE, PROSE, DOUBT)}
    return secrets, [
        {**filled, "name": "planted", "key": str(run.key), "pk": str(job.pk)},
        {**filled, "slug": hidden.slug, "name": "theirs", "key": str(hidden.run.key),
         "username": "insider", "pk": str(hidden.current.pk),
         "challenge": str(hidden.challenge.key)},
        {**filled, "slug": "nothing", "name": "nothing", "username": "nobody"},
    ]  # fmt: skip


def settings_key() -> str:
    return settings.SECRET_KEY


def texts_of(answer) -> str:
    """Of an answer, with what its archives hold, and its headers."""
    body = answer.getvalue() if answer.streaming and not answer.is_async else (
        b"" if answer.streaming else answer.content
    )
    texts = [str(answer.headers), body.decode(errors="replace")]
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            texts += [archive.read(name).decode(errors="replace") for name in archive.namelist()]
    return "\n".join(texts)


@pytest.mark.parametrize("who", WHO)
def test_no_answer_tells_a_secret_to_somebody_whom_it_is_not_for(planted, people, who, caplog):
    secrets, fillings = planted
    clients, headers, _, team = people
    told = []
    with caplog.at_level(logging.INFO):
        for name, route in ADDRESSES:
            if "<path:" in route or "(?P" in route or name == "account_logout":
                continue
            for filled in fillings:
                try:
                    at = address(route, filled, team)
                except KeyError:
                    continue  # of a package, with a secret of its own in the address
                own = headers[who] if at.startswith(API) else {}
                for method in ("GET", "PUT") if at.startswith(API) else ("GET",):
                    said = texts_of(clients[who].generic(method, at, headers=own))
                    told += [
                        f"{secret} to {who} at {at}" for secret, insiders in secrets.items()
                        if secret in said and who not in insiders
                    ]
    told += [f"{secret} in the log" for secret in secrets if secret in caplog.text]
    assert told == []


def test_the_canaries_are_there_to_be_found(planted, people, hidden):
    clients, _, _, _ = people
    assert CODE in clients["entrant"].get("/c/quick/e/planted/code/").content.decode()
    assert LOG in clients["entrant"].get("/c/quick/e/planted/").content.decode()
    page = clients["administrator"].get(hidden.get_absolute_url()).content.decode()
    assert DOUBT in clients["administrator"].get(
        hidden.challenge.get_absolute_url()
    ).content.decode()
    assert TITLE in page
    assert PROSE in page
    assert LABEL in (hidden.current.folder / "pool.csv").read_text()


async def read_until(answer, end: bytes) -> str:
    found = b""
    async for part in answer.streaming_content:
        found += part
        if end in found:
            break
    return found.decode()


@pytest.mark.parametrize("who", ["rival", "entrant"])
def test_the_live_log_is_for_who_may_see_the_code(planted, people, who):
    from asgiref.sync import async_to_sync
    from mlgolf_site.jobs.services import cancel

    clients, _, _, _ = people
    run = Run.objects.get(entry__name="planted")
    cancel(run)
    answer = clients[who].get(f"/runs/{run.key}/events/")
    said = async_to_sync(read_until)(answer, b"event: end")
    assert (LOG in said) == (who == "entrant")
    assert "cancelled before it was played" in said


def test_a_private_competition_looks_as_one_that_is_not_there(people, hidden):
    clients, _, _, _ = people
    for there, nowhere in (
        ("/c/hidden/", "/c/absent/"), ("/c/hidden/submit/", "/c/absent/submit/"),
        ("/c/hidden/e/theirs/", "/c/absent/e/theirs/"), ("/c/hidden/e/x/", "/c/absent/e/x/"),
        (f"/runs/{hidden.run.key}/live/", "/runs/2a3c0c9e-3b3c-4b3c-8b3c-2a3c0c9e3b3c/live/"),
    ):  # fmt: skip
        one, other = (clients["rival"].get(at) for at in (there, nowhere))
        assert one.status_code == other.status_code == 404
        texts = [re.sub('value="[^"]{64}"', "", answer.content.decode()) for answer in (one, other)]
        assert texts[0].replace("hidden", "absent") == texts[1].replace("hidden", "absent")


def test_a_page_of_a_team_names_no_private_competition(people, hidden):
    clients, _, _, team = people
    Entry.objects.filter(pk=hidden.run.entry.pk).update(team=team)
    page = f"/teams/{team.name}/"
    assert TITLE not in clients["rival"].get(page).content.decode()
    assert TITLE in clients["entrant"].get(page).content.decode()


# --- what belongs to somebody ---


def test_a_host_of_one_competition_has_no_power_in_another(people, hidden, person):
    filled = people[2]
    other = person("other-host", may_host=True)
    hidden.hosts.add(other)
    client = Client()
    client.force_login(other)
    for at in ("e/mine/run-again/", "e/mine/publish/"):
        assert client.post(f"/c/{filled['slug']}/{at}").status_code == 403
    assert client.post(f"/runs/{filled['key']}/cancel/").status_code == 403


def test_an_entry_is_not_found_in_another_competition(people, hidden, person):
    hidden.hosts.add(person("other-host"))
    client = Client()
    client.force_login(hidden.hosts.get())
    assert client.post("/c/hidden/e/mine/run-again/").status_code == 404
    assert client.get("/c/hidden/e/mine/code.zip").status_code == 404


def test_a_rival_can_neither_cancel_nor_publish(people):
    clients, _, filled, _ = people
    assert clients["rival"].post(f"/runs/{filled['key']}/cancel/").status_code == 403
    assert clients["rival"].post("/c/quick/e/mine/publish/").status_code == 403
    assert not Entry.objects.get(name="mine").is_code_public


def test_nobody_submits_for_a_team_that_they_are_not_of(people):
    clients, _, _, team = people
    answer = clients["rival"].post("/c/quick/submit/", {
        "name": "sly", "board": "", "framework": "torch", "team": team.pk,
        "file": SimpleUploadedFile("entry.py", ENTRY),
    })  # fmt: skip
    assert answer.status_code == 422
    assert not Entry.objects.filter(name="sly").exists()


def test_a_token_is_revoked_by_its_owner_alone(people):
    clients, _, _, _ = people
    token = Token.objects.get(user__username="entrant")
    assert clients["rival"].post(f"/tokens/{token.pk}/revoke/").status_code == 404
    assert Token.objects.filter(pk=token.pk).exists()


def test_a_rival_invites_nobody_to_a_team(people):
    clients, _, _, team = people
    answer = clients["rival"].post("/teams/team/invite/", {"username": "rival"})
    assert answer.status_code == 403
    assert team.members.count() == 2
    assert not team.invitations.filter(user__username="rival").exists()


def test_a_token_that_may_read_changes_nothing(people):
    from django.test import RequestFactory
    from django.urls import resolve
    from mlgolf_site.rules import RulesMiddleware

    user = Team.objects.get(name="team").founder
    token, text = Token.issue(user, "r", Token.Scope.READ)
    client = Client()
    for name, route in ADDRESSES:
        if not route.startswith("api/") or "<" in route:
            continue
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = client.generic(
                method, f"/{route}", headers={"Authorization": f"Bearer {text}"}
            )
            assert answer.status_code in (401, 403, 405), (name, method, answer.status_code)
    request = RequestFactory().post(f"{API}openapi.json")
    request.user, request.token = user, token
    request.resolver_match = resolve("/api/openapi.json")
    refusal = RulesMiddleware(lambda r: None).process_view(request, lambda r: None, (), {})
    assert refusal.status_code == 403
    assert "read" in refusal.content.decode()
