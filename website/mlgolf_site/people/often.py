"""How often somebody may do what costs the site something, counted for all of its processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import time

from django.core.cache import cache
from django.db import connection, transaction


def too_often(what: str, who: int | str, *, most: int, seconds: int = 60) -> bool:
    """Counts this time, too. Windows begin with the clock, so around their ends twice as many."""
    key = f"often:{what}:{who}:{int(time() // seconds)}"
    with _one_at_a_time(key):
        cache.add(key, 0, 2 * seconds)
        try:
            return cache.incr(key) > most
        except ValueError:  # it was forgotten just now
            return False


@contextmanager
def _one_at_a_time(key: str) -> Iterator[None]:
    """The cache reads a number and writes the next in two statements: requests that come at once
    would be counted as one. SQLite has one transaction that writes at a time anyway."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        yield
