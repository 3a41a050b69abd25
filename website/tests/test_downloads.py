"""What is handed out, how often, and what a request may carry."""

import asyncio
import io
import json
import logging
import subprocess
import sys
import threading
import zipfile

import pytest
from attackers import PASSWORD, sign_in
from django.conf import settings
from django.db import connection
from django.test import Client
from mlgolf_site.archives import zip_answer
from mlgolf_site.asgi import largest_body
from mlgolf_site.config import embedded
from mlgolf_site.entries.models import Event, Run
from mlgolf_site.headers import OneLine
from mlgolf_site.people.models import Token
from mlgolf_site.people.often import too_often
from mlgolf_site.protocol import API
from test_rules import people

__all__ = ["people"]  # a fixture

pytestmark = pytest.mark.django_db

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
    path: str, length: bytes | None, body: list[bytes], *, token: str = "", method: str = "POST",
    cookie: str = "",
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
    headers += [(b"cookie", cookie.encode())] if cookie else []
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


@pytest.mark.django_db(transaction=True)  # it gives its connection back
@pytest.mark.parametrize(("who", "status"), [
    ("a stranger", 413), ("an entrant", 413), ("who was a host", 413),
    ("a host", 403),  # it has no CSRF token, so its body was read
])
def test_a_large_body_is_taken_from_hosts_alone(person, client, who, status):
    hosting = person("ada", may_host=who != "an entrant")
    if who != "a stranger":
        client.force_login(hosting)
    if who == "who was a host":
        hosting.is_active = False
        hosting.save()
    name = settings.SESSION_COOKIE_NAME
    cookie = f"{name}={client.cookies[name].value}" if name in client.cookies else ""
    length = largest_body("/about/") + 1
    start, *rest = ask("/host/folder/", str(length).encode(), [b"0" * length], cookie=cookie)
    assert start["status"] == status
    assert (b"A host who is signed in may send more" in rest[0]["body"]) == (status == 413)


@pytest.mark.django_db(transaction=True)
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
