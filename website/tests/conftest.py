"""A site in a folder of its own, for all tests: on SQLite, or on the PostgreSQL that is named."""

import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _static_files(django_db_setup: None) -> None:
    from django.core.management import call_command

    call_command("collectstatic", verbosity=0, interactive=False)


@pytest.fixture(scope="session")
def game_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A game of a second: the folder that a host would give."""
    from mlgolf_site.contests.services import shipped_folder

    folder = tmp_path_factory.mktemp("games") / "quick"
    shutil.copytree(shipped_folder("cancer-nuclear", tmp_path_factory.mktemp("none")), folder)
    rules = folder / "competition.toml"
    text = rules.read_text()
    for old, new in (
        ('name = "cancer-nuclear"', 'name = "quick"'),
        ("budget_seconds = 10", "budget_seconds = 1"),
        ("eval_every_seconds = 0.2", "eval_every_seconds = 0.02"),
        ("studies = 5 ", "studies = 2 "),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    rules.write_text(text)
    return folder


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
    return contest.current.boards.get(cell="")


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
