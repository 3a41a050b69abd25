"""The configuration that `mlgolf site init` writes, and what `mlgolf site check` says."""

import itertools
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import httpx
import mlgolf_site
import pytest
from mlgolf_site.config import FILE, FILL_IN, Site, write_private
from mlgolf_site.importing.first_start import shipped_bundles
from mlgolf_site.production import init
from mlgolf_site.serving import _alone, _check_that_it_is_free, _Process
from mlgolf_site.shipped import CONTESTS
from served import Served

from mlgolf.core.errors import RulesError

URL = "https://golf.example.org"


def filled(folder, *, database=True):
    """As a person would complete it."""
    file = folder / FILE
    password = folder / "mail-password"
    password.write_text("x\n")
    lines = []
    for line in file.read_text().splitlines():
        if FILL_IN in line:
            key = line.partition(" ")[0]
            value = {"host": "127.0.0.1", "user": "u", "sender": "golf@example.org"}.get(
                key, str(password)
            )
            line = f'{key} = "{value}"'
        lines.append(line)
    text = "\n".join(lines)
    if not database:
        before, _, rest = text.partition("[postgresql]")
        text = before + "[mail]" + rest.partition("[mail]")[2]
    file.write_text(text)
    return folder


def site(*arguments, folder):
    return subprocess.run(
        [sys.executable, "-m", "mlgolf.cli.main", "site", *arguments, "--folder", str(folder)],
        capture_output=True, text=True,
    )


def test_a_new_configuration_is_refused_until_what_is_to_be_filled_in_is(tmp_path):
    init(tmp_path, url=URL)
    with pytest.raises(RulesError) as refused:
        Site(tmp_path)
    said = str(refused.value)
    assert all(f"[mail] {key}: found" in said for key in ("host", "user", "sender"))
    config = Site(filled(tmp_path)).config
    assert config.https
    assert config.hosts == ["golf.example.org"]
    assert config.postgresql is not None


def test_secrets_are_for_their_owner_alone(tmp_path):
    init(tmp_path, url=URL)
    for name in (FILE, "postgresql-password"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_every_site_has_secrets_of_its_own(tmp_path):
    for name in ("a", "b"):
        init(tmp_path / name, url=URL)
    keys = [Site(filled(tmp_path / name)).config.secret_key for name in ("a", "b")]
    assert keys[0] != keys[1]


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "compose.yaml").write_text("mine")
    with pytest.raises(RulesError, match=r"found compose\.yaml, and nothing is overwritten"):
        init(tmp_path, url=URL)
    assert [file.name for file in tmp_path.iterdir()] == ["compose.yaml"]


@pytest.mark.parametrize("url", ["http://golf.example.org", "golf.example.org", "https://a.org/x"])
def test_an_address_without_tls_is_refused(tmp_path, url):
    with pytest.raises(RulesError, match="allowed is https://"):
        init(tmp_path, url=url)


def test_an_s3_bucket_is_where_files_go(tmp_path):
    init(tmp_path, url=URL, bucket="golf", endpoint="https://s3.example.org")
    config = Site(filled(tmp_path)).config
    assert config.files == "s3"
    assert config.s3.bucket == "golf"
    assert config.s3.endpoint == "https://s3.example.org"


def test_systemd_accepts_the_unit(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd here")
    init(tmp_path, url=URL)
    said = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "mlgolf-site.service")],
        capture_output=True, text=True,
    )
    assert "mlgolf-site" not in said.stderr, said.stderr


def test_the_compose_file_names_what_is_there(tmp_path):
    yaml = pytest.importorskip("yaml")
    init(tmp_path, url=URL)
    read = yaml.safe_load((tmp_path / "compose.yaml").read_text())
    assert set(read["services"]) == {"postgresql", "site", "worker", "caddy"}
    assert (tmp_path / read["secrets"]["postgresql-password"]["file"]).is_file()


def test_a_site_in_production_is_checked_without_a_warning_of_django(tmp_path):
    init(tmp_path, url=URL)
    said = site("manage", "check", "--deploy", "--fail-level", "WARNING",
                folder=filled(tmp_path, database=False))  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert "no issues" in said.stdout


def test_check_says_what_is_wrong_with_a_site_and_what_is_not(tmp_path):
    init(tmp_path, url=URL)
    said = site("check", folder=filled(tmp_path))
    assert said.returncode == 1
    found = {line.split(":")[0].split(None, 1)[1]: line.split()[0]
             for line in said.stdout.splitlines()}
    assert found["settings"] == "fine", said.stdout
    assert found["database"] == found["mail"] == "WRONG", said.stdout
    assert found["files"] == found["run folders"] == "fine", said.stdout


def test_no_traceback_for_a_site_whose_database_is_away(tmp_path):
    init(tmp_path, url=URL)
    said = site("check", folder=filled(tmp_path))
    assert "Traceback" not in said.stderr + said.stdout


def test_a_database_that_is_away_says_why_in_its_own_words(tmp_path):
    init(tmp_path, url=URL)
    began = time.monotonic()
    said = site("check", folder=filled(tmp_path))
    assert "WRONG    database: connection is bad: connection to server" in said.stdout
    assert "psycopg.pool" not in said.stderr
    assert time.monotonic() - began < 25  # and does not wait for the pool


def test_the_scheme_that_a_proxy_names_is_believed_only_if_told_so(tmp_path):
    init(tmp_path, url=URL)
    ask = "from django.conf import settings; print(settings.SECURE_PROXY_SSL_HEADER)"
    folder = filled(tmp_path, database=False)
    said = site("manage", "shell", "-c", ask, folder=folder)
    assert said.stdout.strip().endswith("None"), said.stderr
    file = folder / FILE
    file.write_text(file.read_text().replace("trust_forwarded_proto = false",
                                             "trust_forwarded_proto = true"))
    said = site("manage", "shell", "-c", ask, folder=folder)
    assert "HTTP_X_FORWARDED_PROTO" in said.stdout, said.stderr


def test_a_local_worker_reaches_a_site_that_answers_by_https_alone(tmp_path):
    init(tmp_path, url=URL)
    served = Served(filled(tmp_path, database=False))
    try:
        served.wait_for("is known to")
        assert f"is at {URL} " in served.said
        with httpx.Client(base_url=served.url, headers={"Host": "golf.example.org"}) as stranger:
            assert stranger.get("/status/").headers["location"] == f"{URL}/status/"
    finally:
        served.end()


def test_the_administrator_of_a_site_in_production_signs_in_with_the_password_shown(tmp_path):
    init(tmp_path, url=URL)
    assert Site(filled(tmp_path, database=False)).config.mail_must_be_confirmed
    served = Served(tmp_path, "--workers", "0")
    try:
        name, password = served.wait_for(r"administrator: (\w+), password: (\S+)").groups()
        with httpx.Client(base_url=served.url, timeout=30, headers={
            "Host": "golf.example.org", "X-Forwarded-Proto": "https", "Referer": f"{URL}/",
        }) as browser:  # fmt: skip
            def ask(at, form=None):
                """Cookies are for HTTPS alone, so they are given by hand."""
                answer = browser.request(
                    "POST" if form else "GET", at, data=form,
                    headers={"Cookie": "; ".join(f"{k}={v}" for k, v in kept.items())},
                )
                kept.update(answer.cookies.items())
                return answer

            kept: dict[str, str] = {}
            page = ask("/accounts/login/").text
            secret = re.search('name="csrfmiddlewaretoken" value="([^"]+)"', page)
            assert secret
            answer = ask("/accounts/login/", {
                "csrfmiddlewaretoken": secret[1], "login": name, "password": password,
            })  # fmt: skip
            assert (answer.status_code, answer.headers["location"]) == (302, "/")
            assert ask("/tokens/").status_code == 200
    finally:
        served.end()


def test_a_private_file_is_never_overwritten_and_never_cut_short(tmp_path):
    write_private(tmp_path / "a", "one")
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "a", "two")
    assert (tmp_path / "a").read_text() == "one"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_a_site_that_is_served_already_is_not_served_twice(tmp_path):
    with _alone(tmp_path), pytest.raises(RulesError, match="is served already"), _alone(tmp_path):
        pass
    with _alone(tmp_path):
        pass


def test_a_process_that_ends_at_once_is_started_again_less_and_less_often(caplog):
    now = 0.0
    process = _Process("worker", ["false"], clock=lambda: now)
    started = []
    while now < 200:
        before = process.running
        process.keep()
        if process.running is not None and process.running is not before:
            started.append(now)
            process.running.wait()
        now += 0.5
    waits = [after - before for before, after in itertools.pairwise(started)]
    assert [round(wait) for wait in waits] == [2, 4, 8, 16, 32, 60, 60]
    assert len(caplog.records) == 6  # the last wait is told once


def test_a_process_that_was_killed_is_started_again_soon():
    now = 0.0
    process = _Process("worker", ["sleep", "60"], clock=lambda: now)
    for _ in range(4):
        process.keep()
        running = process.running
        assert running is not None
        running.kill()
        running.wait()
        process.keep()  # sees it
        assert process.running is None
        now += 2
    process.end()


def test_a_site_listens_at_an_address_of_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as probe:
            port = probe.getsockname()[1]
            with pytest.raises(RulesError, match=f"--port {port}: Address already in use"):
                _check_that_it_is_free("::1", port, limit=0)
    except OSError:
        pytest.skip("no IPv6 here")
    _check_that_it_is_free("::1", port)


def test_every_file_of_the_site_is_in_its_package():
    package = Path(mlgolf_site.__file__).parent
    told = tomllib.loads((package.parent / "pyproject.toml").read_text())
    globs = told["tool"]["setuptools"]["package-data"]["mlgolf_site"]
    left_out = [
        str(inside) for file in package.rglob("*") if file.is_file()
        and file.suffix not in (".py", ".pyc")
        and not any((inside := file.relative_to(package)).match(glob) for glob in globs)
    ]
    assert left_out == []


def test_an_address_that_this_machine_has_not_is_said_to_be_the_hosts_fault():
    with pytest.raises(RulesError, match=r"--host 192\.0\.2\.1: Cannot assign requested address"):
        _check_that_it_is_free("192.0.2.1", 8000, limit=0)


def test_every_competition_of_a_new_site_comes_with_a_run():
    of = {bundle.name.partition("--")[0].partition("@")[0] for bundle in shipped_bundles()}
    assert of == set(CONTESTS)
