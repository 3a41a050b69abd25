"""What installed packages offer, by entry points: loaded, or an error that names the package."""

from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import TypeVar

from mlgolf.core.errors import BrokenPackage

Offered = TypeVar("Offered")


def load_entry(entry: EntryPoint, kind: type[Offered]) -> Offered:
    """Raises: BrokenPackage if it cannot be imported, or is something else."""
    found = of_package(entry, entry.load)
    if not isinstance(found, kind):
        raise _broken(entry, f"it is a {type(found).__name__}, expected a {kind.__name__}")
    return found


def of_package(entry: EntryPoint, load: Callable[[], Offered]) -> Offered:
    """What `load` makes of an entry point. Raises: BrokenPackage, whatever its code raises."""
    try:
        return load()
    except Exception as error:
        raise _broken(entry, f"{type(error).__name__}: {error}") from error


def named(entry: EntryPoint) -> str:
    """For messages: the object, and the distribution that offers it."""
    return f"{entry.value} of {entry.dist.name if entry.dist else 'an unnamed distribution'}"


def _broken(entry: EntryPoint, why: str) -> BrokenPackage:
    return BrokenPackage(
        f"entry point {entry.name!r} of {entry.group}: {named(entry)} cannot be loaded: "
        f"{why.rstrip('.')}. Fix that package, or uninstall it."
    )
