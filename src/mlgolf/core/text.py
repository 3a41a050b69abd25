"""Text from outside as it may stand in a terminal, and as it must be typed in a shell."""

import errno
import math
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

# Escape sequences begin with a control character; surrogates stand for bytes that are no text;
# the others turn the direction of writing and make a line read as another.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_PERMISSIONS = "permission denied. Choose another folder, or change its permissions"
_REFUSALS = {
    errno.ENOSPC: "no space left on its disk. Make room",
    errno.EDQUOT: "the quota on its disk is used up. Make room",
    errno.EFBIG: "the file is larger than is allowed. Raise the limit (ulimit -f)",
    errno.EROFS: "its disk is read-only. Choose another folder, or make it writable",
    errno.EACCES: _PERMISSIONS,
    errno.EPERM: _PERMISSIONS,
    errno.EIO: "the disk reports an error. Check it",
}


def printable(text: object) -> str:
    """The text with characters that command a terminal written as \\x1b or \\udc80."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text))


def quoted(*words: object) -> str:
    """Words as they are typed in a shell; one that begins with a dash is a path, no option."""
    texts = (f"./{word}" if str(word).startswith("-") else str(word) for word in words)
    return shlex.join(texts)


def in_words(error: OSError) -> str | None:
    """Which file or folder, and what is wrong with it; None for an error that names none."""
    if refused := from_the_disk(error):
        return f"{refused}."
    return None if error.filename is None else f"{error.filename}: {error.strerror}"


def from_the_disk(error: OSError) -> str | None:
    """What a disk refused, and what to do, without a full stop; None for any other error."""
    if error.errno not in _REFUSALS:
        return None
    place = error.filename2 or error.filename or "writing failed"
    return f"{place}: {_REFUSALS[error.errno]}"


def number_of(number: int, noun: str) -> str:
    """For sentences: 1 trial, 2 trials, 3 studies, 4 days."""
    ies = noun.endswith("y") and not noun.endswith(("ay", "ey", "oy"))
    plural = noun.removesuffix("y") + "ies" if ies else noun + "s"
    return f"{number} {noun if number == 1 else plural}"


def bytes_in_words(count: int) -> str:
    """Decimal units, as disks are sold: 830 MB, 1.1 TB."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{significant(count / size, 2 if count < 10 * size else 3)} {unit}"
    return f"{count} bytes"


def significant(value: float, digits: int, *, whole: bool = False) -> str:
    """So many significant digits, without an exponent where that is not needed.

    Args: whole: a count is written in full, as 181,712; 115 is not 115.0.
    """
    if whole and value.is_integer():
        return f"{value:,.0f}"
    largest = math.inf if whole else 1e7
    if not math.isfinite(value) or (value and not 1e-3 <= abs(value) < largest):
        return f"{value:.{digits}g}"
    rounded = abs(float(f"{value:.{digits}g}"))  # 9.999 counts as 10.0
    decimals = max(0, digits - 1 - math.floor(math.log10(rounded))) if rounded else 0
    return f"{value:{',' if whole else ''}.{decimals}f}"


def enumerated(parts: Iterable[object], last: str = "and") -> str:
    """For sentences: "a", "a and b", "a, b and c"; empty for nothing. last: "and" or "or"."""
    *others, final = [*map(str, parts)] or [""]
    return f"{', '.join(others)} {last} {final}" if others else final


def several(parts: Iterable[object], most: int = 3) -> str:
    """As `enumerated`, of many the first few: "a, b, c and 9 others"."""
    listed = [*parts]
    rest = len(listed) - most
    if rest <= 1:
        return enumerated(listed)
    return f"{', '.join(map(str, listed[:most]))} and {rest} others"


def key_in_words(keys: Iterable[str | int]) -> str:
    """Keys that lead to a value, places in a list counted from 1: rules.constraints.#2.bound."""
    return ".".join(f"#{key + 1}" if isinstance(key, int) else key for key in keys)


def invalid(error: Mapping[str, Any]) -> str:
    """Key, message and what was found, of one of the errors of a pydantic ValidationError.

    A record as a whole has no key, and is too long to show.
    """
    key = key_in_words(error["loc"])
    message, found = error["msg"].removeprefix("Value error, "), error["input"]
    told = error["type"] == "missing" or isinstance(found, Mapping) or repr(found) in message
    shown = "" if told else f" (found {found!r})"
    return f"{key}: {message}{shown}" if key else f"{message}{shown}"
