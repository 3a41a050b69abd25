"""Which members of what it was handed a contestant looked up, and how often.

Counted in the contestant's own process, which can change the counts: they are told with each model
and at the end, and are no evidence wherever they are shown. A member that a contestant keeps, such
as a function in a variable, is counted once.
"""

from collections import defaultdict
from typing import Any, TypeVar

Handed = TypeVar("Handed")
Counts = defaultdict[str, int]


def counted(handed: Handed) -> tuple[Handed, Counts]:
    """A view of an object that counts what is looked up in it by its public names, and its counts.

    The view has the same state, is of a class below the object's own, and costs one call of a small
    function for each look-up. What the object looks up in itself is not counted.
    """
    counts: Counts = defaultdict(int)
    kind = type(handed)
    names = [name for name in dir(handed) if not name.startswith("_")]
    members = {name: _member(handed, name, counts) for name in names}
    described = {"__module__": kind.__module__, "__doc__": kind.__doc__, **members}
    view: Any = object.__new__(type(kind.__name__, (kind,), described))
    view.__dict__ = handed.__dict__
    return view, counts


def _member(handed: object, name: str, counts: Counts) -> property:
    def get(_: object) -> Any:
        counts[name] += 1
        return getattr(handed, name)

    def set_(_: object, value: Any) -> None:
        counts[f"set {name}"] += 1
        setattr(handed, name, value)

    return property(get, set_)
