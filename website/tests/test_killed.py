"""Killed at any moment, a site loses nothing: its first start, and submissions under way."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest
from faulty_site import FaultySite, play, problems
from served import Served
from uploads import folder_zip

ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("MLGOLF_SITE", "DJANGO"))}
FIRST_STARTS = 4  # that are killed


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_first_start_that_is_killed_is_finished_by_the_next(tmp_path):
    chance = random.Random(5)
    for _ in range(FIRST_STARTS):
        with open(tmp_path / "said.txt", "ab") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "mlgolf.cli.main", "site", "serve", "--folder",
                 str(tmp_path / "site"), "--port", str(_free_port()), "--workers", "0"],
                stdout=said, stderr=said, env=ENVIRONMENT, start_new_session=True,
            )  # fmt: skip
        try:
            process.wait(chance.uniform(0.4, 3.0))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    shown = (tmp_path / "said.txt").read_text()
    served = Served(tmp_path / "site", "--workers", "0")
    try:
        served.wait_for("is at http")
        told = re.search(r"administrator: (\S+), password: (\S+)", f"{shown}\n{served.said}")
        assert told is not None, served.said
        with httpx.Client(base_url=served.url, follow_redirects=True) as client:
            assert client.get("/c/mini/").status_code == 200
            page = client.get("/accounts/login/").text
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page).group(1)
            client.post("/accounts/login/", data={
                "login": told.group(1), "password": told.group(2), "csrfmiddlewaretoken": token,
            })  # fmt: skip
            assert client.get("/mine/").url.path == "/mine/"
            style = re.search(r'href="(/static/site/[^"]+\.css)"', client.get("/").text)
            assert style is None or client.get(style.group(1)).status_code == 200
        assert not (tmp_path / "site" / "administrator-password.txt").exists()
    finally:
        served.end()


@pytest.mark.slow
def test_submissions_survive_kills_of_worker_and_web(tmp_path, game_folder):
    names = [f"entry-{number}" for number in range(4)]
    site = FaultySite(tmp_path / "site", game_folder, limit=10)
    try:
        began = time.monotonic()
        found = play(
            site, names, folder_zip(game_folder / "baseline"), kinds=["worker", "web"], kills=4,
            seconds=(1.0, 4.0), seed=1,
        )
        print(f"{time.monotonic() - began:.0f} s, killed: {dict(site.kills)}")
        assert problems(site, names, found) == []
    finally:
        site.end()
