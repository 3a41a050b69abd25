"""Time classes of games: how long a budget is, as one of a few words."""

from collections.abc import Mapping
from functools import lru_cache

from mlgolf.core.toml_files import SHIPPED, read_table

UNBOUNDED = "unbounded"


@lru_cache(maxsize=1)
def time_classes() -> Mapping[str, float]:
    """Seconds that a budget of each class is below, the shortest first."""
    return read_table(SHIPPED / "classes" / "time.toml")


def time_class(seconds: float) -> str:
    """The class of a budget in seconds of the reference machine: "SS", or "unbounded"."""
    return next((name for name, limit in time_classes().items() if seconds < limit), UNBOUNDED)
