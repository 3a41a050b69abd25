"""How often somebody may do what costs the site something, counted for all of its processes."""

from time import time

from django.core.cache import cache


def too_often(what: str, user_pk: int, *, most: int, seconds: int = 60) -> bool:
    """Counts this time, too. Windows begin with the clock, so around their ends twice as many."""
    key = f"often:{what}:{user_pk}:{int(time() // seconds)}"
    cache.add(key, 0, 2 * seconds)
    try:
        return cache.incr(key) > most
    except ValueError:  # it was forgotten just now
        return False
