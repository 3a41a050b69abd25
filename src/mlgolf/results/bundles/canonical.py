"""JSON in one way only, so that what is signed has one sequence of bytes."""

import json
import re
from typing import Any

from mlgolf.core.errors import BundleError


def canonical(value: Any) -> bytes:
    """Keys in order, no spaces, ASCII. Whole numbers, text, lists and objects only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def parsed(content: bytes) -> Any:
    """The JSON value; None for what is no JSON, or nested too deeply to be read."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def is_hex(text: object, digits: int) -> bool:
    """Whether these are so many hexadecimal digits, in small letters."""
    return isinstance(text, str) and re.fullmatch(f"[0-9a-f]{{{digits}}}", text) is not None


def check_version(name: str, found: Any, known: int, what: str) -> None:
    """Raises: BundleError for a newer version than is known."""
    if isinstance(found, int) and not isinstance(found, bool) and found > known:
        raise BundleError(
            f"{name}: a {what} of version {found}, made by a newer mlgolf; this one reads "
            f"version {known}. Update mlgolf, then check it again"
        )
