"""Where two records differ, key by key."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

MOST = 6  # keys that are named; the rest is counted
LONGEST = 60  # characters of a value
_ABSENT = object()


def differences(one: Any, other: Any, key: str = "") -> Iterator[tuple[str, str, str]]:
    """(key, one value, other value) of every leaf that differs, as text.

    Keys are joined by dots: "workloads.criteo1tb.target". A part that one record lacks is one leaf.
    """
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in {**one, **other}:
            yield from differences(
                one.get(name, _ABSENT), other.get(name, _ABSENT), f"{key}.{name}".lstrip(".")
            )
    elif isinstance(one, list) and isinstance(other, list):
        for number, (a, b) in enumerate(zip_longest(one, other, fillvalue=_ABSENT)):
            yield from differences(a, b, f"{key}.{number}".lstrip("."))
    elif one != other:
        yield key, _text(one), _text(other)


def leaves(record: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """(key, value) of every leaf, as text; keys are joined by dots."""
    if isinstance(record, Mapping) and record:
        parts = record.items()
    elif isinstance(record, list) and record:
        parts = enumerate(record)
    else:
        yield key, record[:LONGEST] if isinstance(record, str) else _text(record)
        return
    for name, part in parts:
        yield from leaves(part, f"{key}.{name}".lstrip("."))


def named(one: Any, other: Any, form: str, between: str = "; ", key: str = "") -> str:
    """The first differences, and how many more there are. `key` is where both stand.

    Args: form: of one difference, such as "{key}: {one} here, {other} there".
    """
    found = list(differences(one, other, key))
    lines = [form.format(key=key or "value", one=a, other=b) for key, a, b in found[:MOST]]
    more = len(found) - MOST
    return between.join([*lines, *([f"and {more} more"] * (more > 0))])


def _text(value: Any) -> str:
    if value is _ABSENT:
        return "nothing"
    if isinstance(value, Mapping) and value:
        value = {name: "…" if isinstance(v, Mapping | list) else v for name, v in value.items()}
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
