"""OptLists: a search space that is already a list of points, to be played in the order written.

The list form of AlgoPerf's tuning_search_space.json. Nothing is sampled, so every study plays the
same points and only its seeds differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlgolf.core.errors import SearchSpaceError
from mlgolf.core.text import number_of

LONGEST_WORD, LONGEST_LIST = 100, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class OptList:
    """Points with equal keys, best guess first."""

    entries: tuple[Mapping[str, Any], ...]

    def __len__(self) -> int:
        return len(self.entries)

    def first(self, count: int) -> list[dict[str, Any]]:
        """The first `count` points in file order, or all of them where there are fewer.

        A short list is no error: fewer trials can only cost its author, and published submissions
        come with such lists. `shortfall` has the sentence that whoever plays them should print.
        """
        return [dict(entry) for entry in self.entries[:count]]

    def shortfall(self, count: int) -> str | None:
        """What to tell the contestant when `count` trials are asked of a shorter list, or None."""
        if count <= len(self):
            return None
        points, untuned = number_of(len(self), "point"), ", not tuned" if len(self) == 1 else ""
        return (
            f"the search space lists {points} and the rules allow {count} trials a "
            f"study: each study plays {len(self)}{untuned}. Add points to the list to use the rest."
        )


def check_value(value: Any, where: str) -> None:
    """A hyperparameter is a number, a word or a short list of them: weights are none.

    Raises: SearchSpaceError.
    """
    for part in value if isinstance(value, list) else [value]:
        is_word = isinstance(part, str) and len(part) <= LONGEST_WORD
        if not (part is None or is_word or isinstance(part, bool | int | float)):
            raise SearchSpaceError(
                f"{where}: found {str(part)[:60]!r}, expected a number, true, false, null or a "
                f"word of at most {LONGEST_WORD} characters."
            )
    if isinstance(value, list) and len(value) > LONGEST_LIST:
        raise SearchSpaceError(
            f"{where}: found a list of {len(value)} values, allowed are {LONGEST_LIST}."
        )


def parse_optlist(entries: Sequence[Any], source: str) -> OptList:
    """Raises: SearchSpaceError for no entries, one that is not an object, or unequal keys."""
    if not entries:
        raise SearchSpaceError(f"{source}: an empty list. Give at least one point.")
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise SearchSpaceError(
                f"{source}: entry {index}: found {entry!r}, expected an object with one value for "
                "each hyperparameter."
            )
        for key, value in entry.items():
            check_value(value, f"{source}: entry {index}: {key}")
        if entry.keys() != entries[0].keys():
            differing = sorted(entry.keys() ^ entries[0].keys())
            raise SearchSpaceError(
                f"{source}: entry {index}: its keys differ from those of entry 0 in "
                f"{', '.join(differing)}. Every entry must give the same hyperparameters."
            )
    return OptList(entries=tuple(entries))
