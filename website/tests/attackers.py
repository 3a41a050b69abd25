"""What the tests of attacks share: secrets that are planted, a private contest, workers."""

import hashlib
import shutil

import pytest
from django.test import Client
from django.utils import timezone
from mlgolf_site.contests.services import add_contest, starter_folder
from mlgolf_site.jobs.models import Worker
from mlgolf_site.jury.beside import write_challenge
from mlgolf_site.jury.models import Challenge
from mlgolf_site.people.models import Token
from mlgolf_site.submitting import submit
from uploads import folder_zip

LABEL, TITLE, PROSE = "0.73182640519", "canary-title-5b1f", "canary-prose-77ac"
DOUBT = "canary-doubt-2e8d"
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
    made.challenge = Challenge.objects.create(
        entry=run.entry, by=person("doubter"), doubt=DOUBT, deadline=timezone.now()
    )
    write_challenge(made.challenge)
    made.run = run
    return made


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


def sign_in(name, password, **headers):
    return Client().post("/accounts/login/", {"login": name, "password": password}, **headers)
