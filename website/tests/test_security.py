"""What an attacker tries who has an account, a token, a team, an entry, or a registered worker."""

import asyncio
import hashlib
import io
import json
import logging
import re
import shutil
import stat
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from mlgolf_site.archives import zip_answer
from mlgolf_site.asgi import largest_body
from mlgolf_site.config import VARIABLE, Mail, embedded
from mlgolf_site.contests.services import add_contest, starter_folder
from mlgolf_site.entries.models import Entry, Event, Run
from mlgolf_site.headers import OneLine
from mlgolf_site.jobs.models import Job, Worker
from mlgolf_site.jobs.services import heartbeat, lease
from mlgolf_site.people.models import Team, Token
from mlgolf_site.people.often import too_often
from mlgolf_site.protocol import API, MOST_EVENTS
from mlgolf_site.submitting import submit
from test_rules import ADDRESSES, WHO, address, people
from uploads import ENTRY, folder_zip, zipped

from mlgolf.core.errors import RulesError

__all__ = ["people"]  # a fixture

pytestmark = pytest.mark.django_db

LABEL, TITLE, PROSE = "0.73182640519", "canary-title-5b1f", "canary-prose-77ac"
CODE, LOG = "canary-code-91d2", "canary-log-e04c"
PASSWORD = "long enough 1"


@pytest.fixture
def private_folder(game_folder, tmp_path):
    """A blind game on a pool of the host's own."""
    folder = tmp_path / "hidden"
    shutil.copytree(game_folder, folder)
    rules = folder / "competition.toml"
    text = rules.read_text().replace('name = "quick"', 'name = "hidden"')
    rules.write_text(text.replace('title = "', f'title = "{TITLE} '))
    names = ",".join(f"x{n}" for n in range(30))
    row = ",".join(["0.5"] * 29)
    (folder / "pool.csv").write_text(f"{names},kind\n" + f"{LABEL},{row},1\n" * 600)
    digest = hashlib.sha256((folder / "pool.csv").read_bytes()).hexdigest()
    (folder / "data.toml").write_text(
        f'file = "pool.csv"\nsha256 = "{digest}"\ntargets = "kind"\nblind = true\n'
        'train = 455\ntwin = 114\nlicence = "CC0-1.0"\norigin = "nowhere"\n'
    )
    return folder


@pytest.fixture
def hidden(private_folder, contest, person):
    """The contest of it, which is not public, with an entry of somebody."""
    made = add_contest(private_folder, prose=f"**{PROSE}**").contest
    made.is_public = False
    made.save()
    owner = person("insider")
    board = made.current.boards.get(name="")
    run = submit(
        board, owner=owner, name="theirs", file="a.zip",
        content=folder_zip(starter_folder(board.version)),
    )
    made.run = run
    return made


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
    secrets |= {TITLE: {"administrator"}, PROSE: {"administrator"}}
    return secrets, [
        {**filled, "name": "planted", "key": str(run.key), "pk": str(job.pk)},
        {**filled, "slug": hidden.slug, "name": "theirs", "key": str(hidden.run.key),
         "username": "insider", "pk": str(hidden.current.pk)},
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


@pytest.mark.parametrize("said", ["pool/secret.csv", "./pool/secret.csv", "pool//secret.csv"])
def test_what_is_kept_from_players_is_left_out_however_its_path_is_written(tmp_path, said):
    (tmp_path / "pool").mkdir()
    for name in ("pool/secret.csv", "pool/open.csv", "competition.toml"):
        (tmp_path / name).write_text(name)
    answer = zip_answer(tmp_path, "mine", leave_out={said})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["mine/competition.toml", "mine/pool/open.csv"]


def test_a_zip_is_made_again_only_when_its_files_have_changed(tmp_path, monkeypatch):
    def asked(**left):
        with zipfile.ZipFile(io.BytesIO(zip_answer(folder, "mine", **left).content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a").write_text("one")
    (folder / "b").write_text("b")
    first = asked()
    with monkeypatch.context() as patched:
        patched.setattr(zipfile.ZipFile, "write", lambda *_: pytest.fail("it was made again"))
        assert asked() == first
    assert asked(leave_out={"b"}) == {"mine/a": b"one"}
    (folder / "a").write_text("another")
    assert asked()["mine/a"] == b"another"
    assert {file.suffix for file in settings.SITE.zips.iterdir()} == {".zip"}


def test_zips_that_were_asked_for_last_are_kept(tmp_path, monkeypatch):
    for number in range(6):
        (tmp_path / "a").write_text(str(number))
        made = zip_answer(tmp_path, "n").content
        monkeypatch.setattr("mlgolf_site.archives.MOST_KEPT", int(2.5 * len(made)))
    kept = [file.read_bytes() for file in settings.SITE.zips.iterdir()]
    assert len(kept) == 2
    assert made in kept


def test_downloads_of_strangers_are_counted_by_address(contest, monkeypatch):
    monkeypatch.setattr("mlgolf_site.people.often.time", lambda: 1_000_000.0)
    monkeypatch.setattr("mlgolf_site.rules.HEAVY_A_MINUTE", 3)

    def ask(what, address):
        return Client().get(f"/c/quick/{what}", REMOTE_ADDR=address)

    for what in ("competition.zip", "board.json", "board.csv"):
        assert ask(what, "10.0.0.1").status_code == 200
    refused = ask("board.csv", "10.0.0.1")
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    assert "More than 3 downloads in a minute" in refused.content.decode()
    assert ask("board.csv", "10.0.0.2").status_code == 200
    assert ask("", "10.0.0.1").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_what_comes_at_the_same_time_is_counted_each_time():
    if connection.vendor != "postgresql":
        pytest.skip("threads of a test share the one connection of SQLite in memory")
    said, together = [], threading.Barrier(8)

    def ask():
        together.wait()
        for _ in range(5):
            said.append(too_often("x", "y", most=10, seconds=3600))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (said.count(False), said.count(True)) == (10, 30)


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


def test_a_rival_adds_nobody_to_a_team(people):
    clients, _, _, team = people
    assert clients["rival"].post("/teams/team/", {"username": "rival"}).status_code == 404
    assert team.members.count() == 2


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


# --- accounts ---


def sign_in(name, password, **headers):
    return Client().post("/accounts/login/", {"login": name, "password": password}, **headers)


def test_signing_in_is_refused_for_a_while_after_some_wrong_passwords(person):
    person("ada")
    for _ in range(5):
        assert "too many" not in sign_in("ada", "wrong").content.decode().lower()
    answer = sign_in("ada", PASSWORD)
    assert answer.status_code in (200, 429)
    assert "too many" in answer.content.decode().lower()


def test_wrong_passwords_are_counted_for_all_processes_of_a_site():
    from django.core.cache import caches
    from django.core.cache.backends.db import DatabaseCache

    assert isinstance(caches["default"], DatabaseCache)


def test_administration_is_signed_in_to_as_everything_else():
    answer = Client().get("/admin/login/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_administration_asks_for_a_second_factor_where_the_site_has_https(people, settings):
    clients, _, _, _ = people
    assert clients["administrator"].get("/admin/").status_code == 200
    settings.CONFIG = settings.CONFIG.model_copy(update={"https": True})
    answer = clients["administrator"].get("/admin/")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/2fa/")


@pytest.mark.parametrize("who", [w for w in WHO if w not in ("administrator", "worker")])
def test_administration_is_for_administrators_alone(people, who):
    clients, _, _, _ = people
    for at in ("/admin/", "/admin/mfa/authenticator/", "/admin/auth/group/add/"):
        assert clients[who].get(at).status_code == (302 if who == "stranger" else 403)


def test_the_secret_of_a_second_factor_is_shown_to_nobody(people):
    from allauth.mfa.models import Authenticator

    clients, _, _, _ = people
    one = Authenticator.objects.create(
        user=Team.objects.get(name="team").founder, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"}
    )
    page = clients["administrator"].get(f"/admin/mfa/authenticator/{one.pk}/change/")
    assert page.status_code == 200
    assert "JBSWY3DPEHPK3PXP" not in page.content.decode()


def test_a_name_and_an_address_with_a_wrong_password_are_told_the_same_as_unknown_ones(person):
    person("ada")
    texts = [
        sign_in(name, "wrong", REMOTE_ADDR=f"10.0.0.{n}").content.decode().replace(name, "NAME")
        for n, name in enumerate(["ada", "qux", "ada@example.org", "qux@example.org"])
    ]
    texts = [re.sub(r'value="[^"]{64}"', "", text) for text in texts]
    assert texts[0] == texts[1]
    assert texts[2] == texts[3]


def test_only_administrators_sign_in_without_a_confirmed_address(person, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    person("ada")
    person("boss", is_superuser=True)
    assert sign_in("ada", PASSWORD)["Location"] == "/accounts/confirm-email/"
    assert sign_in("boss", PASSWORD)["Location"] == "/"


def test_signing_up_with_somebodys_address_looks_as_with_ones_own(person):
    from allauth.account.models import EmailAddress

    ada = person("ada")
    EmailAddress.objects.create(user=ada, email=ada.email, verified=True, primary=True)
    answers = []
    for name, email in (("eve", "ada@example.org"), ("bob", "bob@example.org")):
        answers.append(Client().post("/accounts/signup/", {
            "username": name, "email": email, "password1": "correct horse battery",
        }))  # fmt: skip
    assert [(a.status_code, a.get("Location")) for a in answers] == 2 * [
        (answers[0].status_code, answers[0].get("Location"))
    ]


@pytest.mark.parametrize("sends", [False, True])
def test_nobody_is_told_that_a_mail_was_sent_by_a_site_without_mail(db, settings, sends):
    if sends:
        mail = Mail(host="localhost", sender="golf@example.org")
        settings.CONFIG = settings.CONFIG.model_copy(update={"mail": mail})
    client = Client()
    reset = client.get("/accounts/password/reset/").content.decode()
    assert ("sends no mail. Ask its administrator" in reset) != sends
    assert ('name="email"' in reset) == sends
    pages = [
        client.post("/accounts/password/reset/", {"email": "a@example.org"}, follow=True),
        client.post("/accounts/signup/", {
            "username": "bob", "email": "bob@example.org", "password1": "correct horse battery",
        }, follow=True),
        client.get("/accounts/confirm-email/"),
    ]  # fmt: skip
    for page in pages:
        assert (" was sent to " in page.content.decode()) == sends
        assert ("This site sends no mail" in page.content.decode()) != sends


@pytest.mark.parametrize("name", ["mlgolf", "Admin", "team", "<b>x</b>", "a b", "é", "x" * 31])
def test_nobody_takes_a_name_that_looks_as_the_sites_or_as_a_teams(person, name):
    Team.objects.create(name="team", founder=person("ada"))
    answer = Client().post("/accounts/signup/", {
        "username": name, "email": "eve@example.org", "password1": "correct horse battery",
    })  # fmt: skip
    assert answer.status_code == 200
    assert 'name="username"' in answer.content.decode()


@pytest.mark.parametrize("where", [
    "https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)",
    "https:evil.example", "http://testserver@evil.example",
])  # fmt: skip
def test_nobody_is_led_elsewhere_by_signing_in(person, where):
    person("ada")
    answer = Client().post(
        "/accounts/login/", {"login": "ada", "password": PASSWORD, "next": where}
    )
    assert answer.status_code == 302
    assert answer["Location"] == "/"


def test_a_form_without_the_secret_of_its_browser_is_refused(person):
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("ada"))
    answer = client.post("/teams/", {"name": "mine"})
    assert answer.status_code == 403
    assert "The form did not come from a page of this site" in answer.content.decode()
    assert not Team.objects.exists()


def test_a_session_ends_with_the_password_that_it_was_begun_with(person):
    ada = person("ada")
    client = Client()
    client.force_login(ada)
    ada.set_password("another long one")
    ada.save()
    assert client.get("/mine/").status_code == 302


# --- what browsers are told ---


def test_cookies_are_for_no_script_and_no_other_site(person):
    person("ada")
    answer = sign_in("ada", PASSWORD)
    found = answer.cookies["sessionid"]
    assert found["httponly"]
    assert found["samesite"] == "Lax"


def test_every_answer_forbids_sniffing_frames_and_code_from_elsewhere(contest):
    for at in ("/", contest.get_absolute_url(), "/nothing/", "/api/openapi.json", "/style.css"):
        headers = Client().get(at).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]


def test_a_drawing_runs_no_script_though_it_is_opened_alone(contest, board):
    from mlgolf_site.boards.services import refresh

    refresh(board)
    board.refresh_from_db()
    board.snapshot.figures = {"x": {"title": "", "caption": "", "svg": "<svg/>"}}
    board.snapshot.save()
    policy = Client().get("/c/quick/figures/x.svg")["Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def test_an_address_with_a_nul_is_not_understood():
    for at in ("/people/a%00b/", "/?page=%00", "/?%00=1"):
        assert Client().get(at).status_code == 400


def test_a_https_site_has_secure_cookies_and_passes_djangos_deploy_check(tmp_path):
    (tmp_path / "site.toml").write_text(
        embedded() + 'https = true\nhosts = ["golf.example.org"]\n'
    )
    asked = (
        "from django.conf import settings as s; print(s.SESSION_COOKIE_SECURE, "
        "s.CSRF_COOKIE_SECURE, s.SECURE_HSTS_SECONDS, s.SESSION_COOKIE_NAME)"
    )
    said = subprocess.run(
        [sys.executable, "-m", "mlgolf.cli.main", "site", "manage", "--folder", str(tmp_path),
         "shell", "--no-imports", "-c", asked],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert said.split() == ["True", "True", "31536000", "__Host-session"]
    checked = subprocess.run(
        [sys.executable, "-m", "mlgolf.cli.main", "site", "manage", "--folder", str(tmp_path),
         "check", "--deploy", "--fail-level", "WARNING"], capture_output=True, text=True,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr


def test_people_sign_in_by_an_account_elsewhere_only_where_the_site_says_so(tmp_path):
    from django.urls import NoReverseMatch, reverse

    with pytest.raises(NoReverseMatch):
        reverse("github_login")
    (tmp_path / "secret").write_text("of github\n")
    (tmp_path / "site.toml").write_text(
        f'{embedded()}[oauth.github]\nclient_id = "ours"\nsecret_file = "{tmp_path}/secret"\n'
    )
    asked = (
        "from django.conf import settings as s; from django.urls import reverse;"
        "from mlgolf_site.headers import policy; print(reverse('github_login'),"
        "s.SOCIALACCOUNT_PROVIDERS['github']['APP']['secret'].split()[-1],"
        "'https://github.com' in policy(s.CONFIG.oauth))"
    )
    said = subprocess.run(
        [sys.executable, "-m", "mlgolf.cli.main", "site", "manage", "--folder", str(tmp_path),
         "shell", "--no-imports", "-c", asked],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert said.split() == ["/accounts/github/login/", "github", "True"]


def test_lines_of_the_log_command_no_terminal_and_forge_no_line():
    record = logging.LogRecord("x", 20, "f", 1, "Not Found: %s", ("\x1b[2J\nroot: ok",), None)
    assert OneLine("{message}", style="{").format(record) == "Not Found: \\x1b[2J\\nroot: ok"


def test_what_a_program_prints_is_shown_as_text(people):
    clients, _, _, _ = people
    run = Run.objects.get(entry__name="mine")
    data = {"trial": "", "line": "<script>alert(1)</script>"}
    Event.objects.create(run=run, number=1_000_001, kind="log", data=data)
    page = clients["entrant"].get("/c/quick/e/mine/").content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def ask(
    path: str, length: bytes | None, body: list[bytes], *, token: str = "", method: str = "POST"
) -> list[dict]:
    """An answer of the ASGI application."""
    from asgiref.sync import async_to_sync
    from mlgolf_site.asgi import application

    sent: list[dict] = []
    ended = False

    async def receive():
        nonlocal ended
        if ended:
            await asyncio.Event().wait()  # nobody hangs up
        part = body.pop(0) if body else b""
        ended = not body
        return {"type": "http.request", "body": part, "more_body": not ended}

    async def send(message):
        sent.append(message)

    headers = [(b"host", b"testserver"), *([(b"content-length", length)] if length else [])]
    headers += [(b"authorization", f"Bearer {token}".encode())] if token else []
    scope = {"type": "http", "method": method, "path": path, "headers": headers,
             "query_string": b"", "http_version": "1.1", "scheme": "http"}
    async_to_sync(application)(scope, receive, send)
    return sent


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_kept():
    assert ask("/about/", b"999999999999", [])[0]["status"] == 413
    assert ask("/about/", b"many", [])[0]["status"] == 413


@pytest.mark.parametrize("path", ["/host/folder/", "/host/drafts/1/", "/c/quick/host/version/"])
def test_a_host_may_send_a_whole_competition(path):
    assert largest_body(path) > settings.CONFIG.limits.competition_bytes > largest_body("/about/")


def test_a_person_is_told_in_words_that_a_body_is_too_large():
    start, body = ask("/host/folder/", b"999999999999", [])
    assert dict(start["headers"])[b"content-type"] == b"text/plain"
    assert b"Go back" in body["body"]


def test_a_body_that_turns_out_too_large_is_cut_off():
    assert ask("/about/", None, 30 * [b"0" * 1_000_000]) == []


@pytest.mark.django_db(transaction=True)  # it gives its connection back
@pytest.mark.parametrize("length", [b"300000000", None])
@pytest.mark.parametrize("who", ["nobody", "unknown", "entrant"])
def test_no_part_of_a_bundle_is_taken_in_before_the_token_of_a_worker_is_seen(
    person, length, who
):  # fmt: skip
    known = Token.issue(person("ada"), "t", Token.Scope.SUBMIT)[1]
    token = {"nobody": "", "unknown": "mlgolf_x", "entrant": known}[who]
    body = [b"0" * 1000]
    start, told = ask(f"{API}worker/jobs/1/bundle", length, body, token=token, method="PUT")
    assert start["status"] == (403 if who == "entrant" else 401)
    assert body  # nobody has asked for it
    assert {
        "nobody": "has to be: Bearer TOKEN", "unknown": "does not know the token",
        "entrant": "come from workers alone",
    }[who] in json.loads(told["body"])["detail"]


@pytest.mark.django_db(transaction=True)
def test_the_body_of_a_worker_is_taken_in(own):
    _, headers = own
    token = headers["Authorization"].split()[1]
    sent = ask(f"{API}worker/jobs/1/bundle", None, [b"0" * 1000], token=token, method="PUT")
    assert b"sha256" in sent[1]["body"]  # asked by the API itself, which has the body now


# --- uploads ---


def many(count: int) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for number in range(count):
            archive.writestr(f"f{number}.py", b"")
    return written.getvalue()


ATTACKS = {
    "a zip bomb": ("a.zip", lambda: zipped({"entry.py": b"0" * 30_000_000}), "unpacked the zip"),
    "an absolute path": ("a.zip", lambda: zipped({"/etc/passwd": ENTRY}), "absolute path"),
    "a path with dots": ("a.zip", lambda: zipped({"../entry.py": ENTRY}), "leads out"),
    "a link": (
        "a.zip", lambda: zipped({"entry.py": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777),
        "is a link",
    ),
    "30,000 files": ("a.zip", lambda: many(30_000), "30,000 entries; allowed are 200"),
    "a polyglot": ("a.zip", lambda: b"GIF89a" + zipped({"entry.py": ENTRY}), "this is no zip"),
    "a name with script": (
        "a.zip", lambda: zipped({"<script>alert(1)</script>.py": ENTRY}), "allowed are letters",
    ),
    "an upload whose name has script": ("<script>alert(1)</script>.py", lambda: ENTRY, "allowed"),
    "an upload that is called as a path": ("../../x.exe", lambda: ENTRY, "allowed are a module"),
    "deep brackets": ("entry.py", lambda: b"x = " + b"(" * 100_000, "entry.py"),
    "deep operators": ("entry.py", lambda: b"x = " + b"-" * 200_000 + b"1", "entry.py"),
    "a NUL": ("entry.py", lambda: ENTRY + b"\0", "entry.py"),
    "what is no text": ("entry.py", lambda: b"\xff\xfe\xfa", "entry.py"),
    "a module that is too large": ("entry.py", lambda: b"#" * 5_000_001, "allowed are 5"),
}  # fmt: skip


def kept(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if "code" in file.parts and file.is_file()]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_with_a_word_on_why_and_nothing_is_kept(
    contest, person, settings, attack, tmp_path, monkeypatch
):  # fmt: skip
    name, content, word = ATTACKS[attack]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    client = Client()
    client.force_login(person("eve"))
    answer = client.post("/c/quick/submit/", {
        "name": "attack", "board": "", "framework": "torch",
        "file": SimpleUploadedFile(name, content()),
    })  # fmt: skip
    page = answer.content.decode()
    assert answer.status_code == 422
    assert word in page
    assert "<script>alert" not in page
    assert str(tmp_path) not in page
    assert 'value="attack"' in page
    assert not contest.entries.exists()
    assert kept(settings.SITE.files) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [
    "../up", "a/b", "-x", "x" * 41, "<b>", "a b", "UPPER", "a\0b", "ünder", "x.py", "",
])  # fmt: skip
def test_a_name_of_an_entry_is_plain(contest, person, name):
    client = Client()
    client.force_login(person("eve"))
    answer = client.post("/c/quick/submit/", {
        "name": name, "board": "", "framework": "torch",
        "file": SimpleUploadedFile("entry.py", ENTRY),
    })  # fmt: skip
    assert answer.status_code == 422
    assert not contest.entries.exists()


def test_a_competition_with_a_link_or_a_name_that_is_a_path_is_refused(
    db, game_folder, tmp_path
):  # fmt: skip
    folder = tmp_path / "linked"
    shutil.copytree(game_folder, folder)
    with pytest.raises(RulesError, match=r"name: found '\.\./\.\./up'"):
        add_contest(folder, slug="../../up")
    (folder / "secret.txt").symlink_to("/etc/passwd")
    with pytest.raises(RulesError, match=r"secret.txt is a link"):
        add_contest(folder)


def test_a_program_of_a_host_takes_an_administrator(db, private_folder, person):
    data = private_folder / "data.toml"
    data.write_text(data.read_text().replace('"pool.csv"', '"pool.py"'))
    with pytest.raises(RulesError, match=r"pool.py would be run outside of the sandbox"):
        add_contest(private_folder, by=person("host", may_host=True))
    assert add_contest(private_folder, by=person("boss", is_superuser=True)).number == 1


def test_uploads_are_counted_by_the_minute(contest, person, monkeypatch):
    monkeypatch.setattr("mlgolf_site.people.often.time", lambda: 1_000_000.0)
    client = Client()
    client.force_login(person("eve"))

    def check():
        return client.post("/c/quick/submit/", {
            "name": "attack", "board": "", "framework": "torch", "check": "1",
            "file": SimpleUploadedFile("entry.py", b"("),
        }).content.decode()  # fmt: skip

    said = [check() for _ in range(31)]
    assert ["uploads or checks in a minute" in page for page in said] == 30 * [False] + [True]


def test_nobody_makes_tokens_or_teams_without_end(person):
    from mlgolf_site.pages.people_views import MOST_TEAMS, MOST_TOKENS

    eve = person("eve")
    client = Client()
    client.force_login(eve)
    for number in range(MOST_TEAMS):
        Team.objects.create(name=f"t{number}", founder=eve)
    for number in range(MOST_TOKENS):
        Token.issue(eve, f"t{number}", Token.Scope.READ)
    token = {"name": "more", "scope": "read", "days": 3}
    assert "which is the limit" in client.post("/tokens/", token).content.decode()
    assert "which is the limit" in client.post("/teams/", {"name": "more"}).content.decode()


# --- workers ---


@pytest.fixture
def own(person):
    """A worker of an administrator, as it has said hello."""
    token, text = Token.issue(person("boss", is_superuser=True), "w", Token.Scope.WORKER)
    worker = Worker.objects.create(
        token=token, name="w", hardware="one-thread-cpu", public_key="a" * 64, sandbox="bubblewrap"
    )
    return worker, {"Authorization": f"Bearer {text}"}


@pytest.fixture
def other(person):
    token, text = Token.issue(person("boss2", is_superuser=True), "w", Token.Scope.WORKER)
    worker = Worker.objects.create(
        token=token, name="v", hardware="one-thread-cpu", public_key="b" * 64
    )
    return worker, {"Authorization": f"Bearer {text}"}


@pytest.fixture
def handed_in(board, person):
    return submit(
        board, owner=person("ada"), name="adas", file="a.zip",
        content=folder_zip(starter_folder(board.version)),
    )


def deliver(headers, pk, content=b"nothing", sha256="c" * 64):
    return Client().generic(
        "PUT", f"/api/worker/jobs/{pk}/bundle?sha256={sha256}", content,
        content_type="application/octet-stream", headers=headers,
    )


def test_a_worker_delivers_nothing_for_a_job_that_it_never_had(handed_in, own, other):
    job = Job.objects.get(run=handed_in)
    assert deliver(other[1], job.pk).status_code == 409
    lease(own[0])
    assert deliver(other[1], job.pk).status_code == 409
    job.refresh_from_db()
    assert job.state == "playing"


def test_while_one_bundle_is_checked_another_is_not_taken_in(handed_in, own):
    from mlgolf_site.jobs.services import JobLost, begin_judging

    job = lease(own[0])
    begin_judging(own[0], job.pk, "1" * 64)
    with pytest.raises(JobLost):
        begin_judging(own[0], job.pk, "2" * 64)


def test_a_worker_reads_neither_code_nor_rules_of_jobs_that_it_does_not_play(
    handed_in, own, other
):  # fmt: skip
    job = lease(own[0])
    version = handed_in.entry.board.version_id
    for headers, code in ((own[1], 200), (other[1], 404)):
        for at in (f"jobs/{job.pk}/code", f"competitions/{version}"):
            assert Client().get(f"/api/worker/{at}", headers=headers).status_code == code


def test_a_worker_of_a_host_plays_that_hosts_competitions_alone(
    handed_in, contest, person
):  # fmt: skip
    host = person("host", may_host=True)
    token, _ = Token.issue(host, "w", Token.Scope.WORKER)
    worker = Worker.objects.create(token=token, name="h", hardware="one-thread-cpu")
    assert lease(worker) is None
    contest.hosts.add(host)
    assert lease(worker).run == handed_in


def hello(headers, **changes):
    import time

    body = {
        "protocol": 2, "hardware": "one-thread-cpu", "version": "1", "sandbox": "bubblewrap",
        "public_key": "a" * 64, "time": time.time(), **changes,
    }
    return Client().post(
        "/api/worker/hello", json.dumps(body), content_type="application/json", headers=headers
    )


def test_a_worker_keeps_the_key_of_its_first_hello(person):
    _, text = Token.issue(person("host"), "w", Token.Scope.WORKER)
    headers = {"Authorization": f"Bearer {text}"}
    assert hello(headers).status_code == 200
    answer = hello(headers, public_key="b" * 64)
    assert answer.status_code == 422
    assert "A new key takes a new token" in answer.json()["detail"]


def test_no_worker_is_the_sites_own_by_its_name_alone(person):
    from mlgolf_site.protocol import LOCAL_WORKER

    boss = person("boss", is_superuser=True)
    _, text = Token.issue(boss, f"{LOCAL_WORKER}, laptop", Token.Scope.WORKER)
    assert hello({"Authorization": f"Bearer {text}"}).json()["tier"] == "remote"


def test_a_worker_that_the_site_starts_signs_with_the_key_of_its_ledger(person, settings):
    from mlgolf_site.protocol import LOCAL_WORKER

    from mlgolf.api.bundles import make_ledger, open_ledger

    make_ledger(settings.SITE.ledger)
    try:
        boss = person("boss", is_superuser=True)
        _, text = Token.issue(boss, f"{LOCAL_WORKER}, laptop", Token.Scope.WORKER)
        own = open_ledger(settings.SITE.ledger).key
        said = hello({"Authorization": f"Bearer {text}"}, public_key=own).json()
        assert said["tier"] == "platform"
    finally:
        shutil.rmtree(settings.SITE.ledger)


@pytest.mark.parametrize("change", [
    {"version": "x" * 101}, {"sandbox": "strong"}, {"public_key": "short"}, {"hardware": "abacus"},
    {"protocol": 1}, {"time": 0}, {"machine": [1]}, {"problem": "x" * 3000},
])  # fmt: skip
def test_a_hello_that_is_malformed_is_refused_in_words(person, change):
    _, text = Token.issue(person("host"), "w", Token.Scope.WORKER)
    assert hello({"Authorization": f"Bearer {text}"}, **change).status_code == 422


def test_two_tokens_of_one_name_are_two_workers(person):
    host = person("host")
    names = set()
    for _ in range(2):
        _, text = Token.issue(host, "same", Token.Scope.WORKER)
        names.add(hello({"Authorization": f"Bearer {text}"}).json()["name"])
    assert len(names) == 2


def beat(headers, pk, *events):
    return Client().post(
        f"/api/worker/jobs/{pk}/heartbeat", json.dumps({"events": events}),
        content_type="application/json", headers=headers,
    )


@pytest.mark.parametrize("event", [
    {"number": MOST_EVENTS + 1, "kind": "log", "data": {}},
    {"number": 0, "kind": "log", "data": {}},
    {"number": 1, "kind": "state", "data": {"state": "done"}}, {"number": 1, "kind": "log"},
    {"number": 2**70, "kind": "log", "data": {}}, {"number": 1, "kind": "log", "data": "x"},
])  # fmt: skip
def test_an_event_that_is_malformed_is_refused(handed_in, own, event):
    job = lease(own[0])
    assert beat(own[1], job.pk, event).status_code == 422
    assert not handed_in.events.exclude(kind="state").exists()


def test_no_more_events_come_at_once_than_are_allowed(handed_in, own):
    job = lease(own[0])
    events = [{"number": n, "kind": "log", "data": {"line": "x"}} for n in range(1, 502)]
    assert beat(own[1], job.pk, *events).status_code == 422
    assert beat(own[1], job.pk, *events[:500]).status_code == 200


def test_what_an_event_says_is_cut_to_what_a_page_shows(handed_in, own):
    job = lease(own[0])
    heartbeat(own[0], job.pk, [
        {"number": 1, "kind": "log", "data": {
            "trial": "t" * 999, "line": "\x1b[31m\0" + "x" * 9999, "more": "y" * 9999}},
        {"number": 2, "kind": "evaluation", "data": {
            "trial": "t", "step": "many", "seconds": float("nan"),
            "metrics": {"train/loss": float("inf"), "model/l2": 2.5}}},
    ])  # fmt: skip
    log, evaluation = handed_in.events.exclude(kind="state").order_by("number")
    assert len(log.data["line"]) == 2000
    assert log.data["line"].startswith("\\x1b[31m\\x00")
    assert log.data.keys() == {"trial", "line"}
    assert evaluation.data == {
        "trial": "t", "step": None, "seconds": None,
        "metrics": {"train/loss": None, "model/l2": 2.5},
    }


def test_what_is_held_out_is_not_told_while_a_run_goes_on(handed_in, own):
    job = lease(own[0])
    metrics = {"train/loss": 1.0, "test/loss": 2.0, "validation/loss": 3.0, "model/l2": 4.0}
    heartbeat(own[0], job.pk, [
        {"number": 1, "kind": "evaluation", "data": {"trial": "t", "metrics": metrics}}
    ])
    found = handed_in.events.get(kind="evaluation").data["metrics"]
    assert found.keys() == {"train/loss", "model/l2"}  # the feedback of these rules


def test_numbers_that_no_row_has_are_refused(own):
    for pk in ("0", "-1", str(2**63), str(10**30), "x"):
        assert beat(own[1], pk).status_code in (404, 422)
        assert deliver(own[1], pk).status_code in (404, 422)


# --- a real entry, played by a real worker ---

SPY = """
import os, pathlib
import numpy as np

PLACES = PLACES_HERE

def play(game):
    for name, value in sorted(os.environ.items()):
        print("ENVIRONMENT", name, value)
    places = [pathlib.Path(place) for place in PLACES]
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        places += [process / "environ", process / "cmdline"]
    for place in places:
        try:
            found = os.listdir(place) if place.is_dir() else place.read_bytes()[:2000]
            print("READ", place, found)
        except OSError as error:
            print("REFUSED", place, type(error).__name__)
    print("LOOKED EVERYWHERE")
    game.submit({name: np.zeros(shape) for name, shape in game.graph.tensors.items()})
"""
WORKERS_TOKEN = "mlgolf_canary-of-the-workers-token"


class FakeSite:
    """Has one job, and keeps what it is told."""

    def __init__(self, code: bytes, competition: bytes, sha256: str) -> None:
        self.code, self.competition = code, competition
        self.events: list[dict] = []
        self.said: list[dict] = []
        self.bundle = b""
        self.left = [{
            "job": 1, "kind": "play", "run": "spy-12345678", "entry": "spy", "contest": "quick",
            "cell": "",
            "framework": "torch", "ruleset": "self", "version": 1, "folder_sha256": "f" * 64,
            "code_sha256": sha256,
        }]  # fmt: skip

    def __call__(self, request):
        import httpx

        at = request.url.path.removeprefix("/api/worker/")
        if at == "hello":
            self.said.append(json.loads(request.content))
            told = {"name": "w", "tier": "remote", "site": "s", "seconds_between_heartbeats": 1}
            return httpx.Response(200, json=told)
        if at == "lease":
            return httpx.Response(200, json=self.left.pop()) if self.left else httpx.Response(204)
        if at.endswith("/code"):
            return httpx.Response(200, content=self.code)
        if at.startswith("competitions/"):
            return httpx.Response(200, content=self.competition)
        if at.endswith("/heartbeat"):
            self.events += json.loads(request.content)["events"]
            return httpx.Response(200, json={"stop": False})
        if at.endswith("/bundle"):
            self.bundle = request.read()
        else:
            self.said.append(json.loads(request.content))
        return httpx.Response(200, json={"state": "done"})


@pytest.fixture(scope="session")
def spied(game_folder, tmp_path_factory):
    """What comes of an entry that looks for secrets, played at the level bubblewrap."""
    import httpx
    from django.conf import settings
    from mlgolf_site.jobs.worker import Worker as Playing

    from mlgolf.results.frozen_code import folder_digest

    site, own = settings.SITE.folder, tmp_path_factory.mktemp("worker")
    places = [
        site, site / "site.toml", site / "site.sqlite3", site / "ledger" / "key.pem",
        own / "ledger" / "key.pem", own / "jobs" / "spy-12345678-play" / "job.json", Path.home(),
        Path.home() / ".ssh", "/etc/shadow",
    ]
    entry = tmp_path_factory.mktemp("spying") / "spy"
    entry.mkdir()
    (entry / "entry.py").write_text(SPY.replace("PLACES_HERE", repr([str(p) for p in places])))
    fake = FakeSite(
        folder_zip(entry, "spy"), folder_zip(game_folder, "quick"), folder_digest(entry)
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLGOLF_TOKEN", WORKERS_TOKEN)
        worker = Playing(
            url="http://site", token=WORKERS_TOKEN, hardware="one-thread-cpu", folder=own,
            tell=lambda _: None, probe=lambda _: None,
        )
        worker.call._http = httpx.Client(
            base_url="http://site/api/worker/", transport=httpx.MockTransport(fake)
        )
        worker.work(once=True)
    fake.file = tmp_path_factory.mktemp("delivered") / "spy-12345678.mlgolf.zip"
    fake.file.write_bytes(fake.bundle)
    fake.key = fake.said[0]["public_key"]
    return fake


def log_of(spied) -> str:
    return "\n".join(
        event["data"]["line"] for event in spied.events if event["kind"] == "log"
    )


def test_the_spy_was_played(spied):
    assert "LOOKED EVERYWHERE" in log_of(spied), spied.said


def test_a_job_has_no_secret_in_its_environment_and_reads_no_file_of_site_or_worker(spied):
    from django.conf import settings

    log = log_of(spied)
    secrets = (WORKERS_TOKEN, settings.SECRET_KEY, "PRIVATE KEY", VARIABLE, "DJANGO_", "secret_key")
    assert [secret for secret in secrets if secret in log] == []
    read = [line for line in log.splitlines() if line.startswith("READ")]
    assert [line for line in read if "/proc/" not in line and str(Path.home()) not in line] == []
    assert [line for line in read if WORKERS_TOKEN in line or "uvicorn" in line] == []


def test_the_bundle_of_a_job_has_no_secret_of_its_worker(spied):
    from django.conf import settings

    for secret in (WORKERS_TOKEN, settings.SECRET_KEY):
        assert secret.encode() not in spied.bundle


def test_a_worker_tells_nothing_of_held_out_data(spied):
    metrics = [
        name for event in spied.events if event["kind"] == "evaluation"
        for name in event["data"]["metrics"]
    ]
    assert metrics
    assert {name.partition("/")[0] for name in metrics} == {"train", "model"}


@pytest.fixture
def delivering(spied, board, person, own):
    """A job of that entry, whose bundle is about to be checked; its worker; the bundle's hash."""
    from mlgolf_site.jobs.services import begin_judging

    from mlgolf.results.bundles.reading import check_bundle

    run = submit(
        board, owner=person("ada"), name="spy", file="spy.zip", content=spied.code
    )
    worker, headers = own
    worker.public_key = spied.key
    worker.save()
    job = lease(worker)
    sha256 = check_bundle(spied.file).seal.sha256

    def take(**changes):
        from mlgolf_site.boards.services import take_in

        for name, value in changes.items():
            setattr(worker, name, value)
        begin_judging(worker, job.pk, sha256)
        take_in(run, spied.file, delivered_by=worker, sha256=sha256)

    return take, run, headers, sha256, job


def test_a_bundle_is_taken_in_once(delivering, spied):
    _, run, headers, sha256, job = delivering
    assert deliver(headers, job.pk, spied.bundle, sha256).json() == {"state": "done"}
    assert deliver(headers, job.pk, spied.bundle, sha256).json() == {"state": "done"}
    run.refresh_from_db()
    assert (run.counts, run.bundle_sha256, run.tier) == (True, sha256, "remote")
    assert run.sandbox == "bubblewrap"


def test_a_run_at_a_weaker_level_says_so_on_the_board_and_on_its_entry(delivering, spied, board):
    from mlgolf_site.boards.services import refresh

    _, run, headers, sha256, job = delivering
    deliver(headers, job.pk, spied.bundle, sha256)
    Run.objects.filter(pk=run.pk).update(sandbox="process")
    refresh(board)
    for at in ("/c/quick/", "/c/quick/e/spy/"):
        assert "at the sandbox level process" in Client().get(at).content.decode()


def test_a_bundle_that_counts_is_not_replaced(delivering, spied):
    _, run, headers, sha256, job = delivering
    deliver(headers, job.pk, spied.bundle, sha256)
    assert deliver(headers, job.pk, b"another", "d" * 64).status_code == 409
    run.refresh_from_db()
    assert run.bundle_sha256 == sha256


def test_a_bundle_that_is_not_the_announced_one_is_refused(delivering, spied):
    _, _, headers, _, job = delivering
    answer = deliver(headers, job.pk, spied.bundle, "d" * 64)
    assert answer.status_code == 422
    assert "announced was dddddddddddd" in answer.json()["detail"]
    assert not Run.objects.filter(counts=True).exists()


@pytest.mark.parametrize(("changes", "words"), [
    ({"public_key": "a" * 64}, "it is signed by"),
    ({"sandbox": "process"}, "it was played at the level bubblewrap"),
])  # fmt: skip
def test_a_bundle_that_is_not_as_its_worker_said_is_refused(delivering, changes, words):
    from mlgolf.core.errors import BundleError

    take, _, _, _, _ = delivering
    with pytest.raises(BundleError, match=words):
        take(**changes)
    assert not Run.objects.filter(counts=True).exists()


def test_a_run_of_fewer_trials_than_the_rules_ask_for_is_refused(delivering, spied):
    from mlgolf_site.boards.services import _check_how_it_was_played

    from mlgolf.core.errors import BundleError
    from mlgolf.results.bundles.reading import sound_bundle, unpacked
    from mlgolf.results.run_folder import RunFolder

    _, run, _, _, job = delivering
    with unpacked(sound_bundle(spied.file)) as folder:
        played = RunFolder(folder)
        played.record = played.record.model_copy(update={"studies": 1})
        with pytest.raises(BundleError, match="it has 1 studies"):
            _check_how_it_was_played(run, played, job.worker)


def test_a_bundle_that_comes_after_its_job_went_to_another_does_not_count(delivering, other):
    from mlgolf_site.jobs.services import JobLost

    take, run, _, _, job = delivering
    from mlgolf_site.boards import services

    real = services._results_of

    def meanwhile(folder):
        Job.objects.filter(pk=job.pk).update(state="playing", worker=other[0])
        return real(folder)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(services, "_results_of", meanwhile)
        with pytest.raises(JobLost):
            take()
    run.refresh_from_db()
    assert not run.counts
