"""A site in a folder of its own, for all tests: on SQLite, or on the PostgreSQL that is named."""

import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from quick_game import make

pytest_plugins = ["browsing", "attackers"]


@pytest.fixture(scope="session", autouse=True)
def _static_files(django_db_setup: None) -> None:
    from django.core.management import call_command

    call_command("collectstatic", verbosity=0, interactive=False)


@pytest.fixture(scope="session")
def game_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A game of a second: the folder that a host would give."""
    return make(tmp_path_factory.mktemp("games") / "quick")


@pytest.fixture
def contest(db: None, game_folder: Path) -> Iterator:
    """A contest with this game, new for each test."""
    from django.conf import settings
    from mlgolf_site.contests.services import add_contest

    yield add_contest(game_folder).contest
    for name in ("files", "runs"):
        shutil.rmtree(settings.SITE.folder / name, ignore_errors=True)


@pytest.fixture
def board(contest):
    return contest.current.boards.get(name="")


@lru_cache(maxsize=1)
def _hash_of_everybodys_password() -> str:
    """Made once: it is slow on purpose."""
    from django.contrib.auth.hashers import make_password

    return make_password("long enough 1")


@pytest.fixture
def person(db: None):
    """Makes people by name."""
    from mlgolf_site.people.models import User

    def make(name: str, **fields: object) -> User:
        return User.objects.create(
            username=name, email=f"{name}@example.org", password=_hash_of_everybodys_password(),
            **fields,
        )

    return make


@pytest.fixture
def lee(person):
    """Who may make competitions."""
    return person("lee", may_host=True)


@pytest.fixture
def host(lee, contest):
    """The browser of a host of the contest."""
    from django.test import Client

    contest.hosts.add(lee)
    client = Client()
    client.force_login(lee)
    return client


@pytest.fixture
def limits(settings, monkeypatch):
    """Sets limits of the site for a test."""

    def set_to(**changes):
        config = settings.SITE.config
        changed = config.model_copy(update={"limits": config.limits.model_copy(update=changes)})
        monkeypatch.setattr(settings.SITE, "config", changed)

    return set_to
