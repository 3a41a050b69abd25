"""What bytes of a player mean, worked out once more, by other code than the referee's."""

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlgolf.player.channel import LONGEST_MESSAGE
from mlgolf.player.handover import places

TEMPLATE = {"weight": np.zeros((2, 3), np.float32), "steps": np.zeros((), np.int64)}


def is_count(value: Any, end: int) -> bool:
    return type(value) is int and 0 <= value < end


def is_number(value: Any) -> bool:
    return type(value) is float or (type(value) is int and abs(value) < 10**308)


def is_step(value: Any) -> bool:
    return is_count(value, 2**53)


def is_touched(value: Any) -> bool:
    return isinstance(value, dict) and len(value) <= 100 and all(
        len(name) <= 80 and re.fullmatch("(set )?[A-Za-z_][A-Za-z0-9_]*", name)
        and is_count(number, 2**53) for name, number in value.items()
    )


def is_word(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(
        "[^\x00-\x1f\x7f\ud800-\udfff]{0,200}", value
    ) is not None


def is_text(value: Any) -> bool:
    return isinstance(value, str)


SPECIFIED = {  # kind -> field -> (what it must be, whether it must be there)
    "Ready": {"versions": (
        lambda value: isinstance(value, dict) and len(value) <= 100
        and all(map(is_word, [*value, *value.values()])), False,
    )},
    "Submitted": {
        "step": (is_step, True), "length": (lambda value: type(value) is int, True),
        "is_query": (lambda value: type(value) is bool, False), "touched": (is_touched, False),
    },
    "Logged": {"step": (is_step, True), "values": (
        lambda value: isinstance(value, dict) and all(map(is_number, value.values())), True,
    )},
    "Finished": {
        "step": (is_step, True), "reason": (is_text, True), "touched": (is_touched, False),
    },
    "Failed": {
        "step": (is_step, True), "kind": (is_text, True), "message": (is_text, True),
        "traceback": (is_text, True), "peak_bytes": (lambda value: is_count(value, 2**63), False),
    },
    "Begin": {}, "Stop": {},
    "Evaluated": {
        "step": (is_step, True),
        "metrics": (lambda v: isinstance(v, dict) and all(map(is_number, v.values())), True),
        "train_state": (lambda value: isinstance(value, dict), True),
    },
}  # fmt: skip


def message_in(line: bytes) -> tuple[str, dict[str, Any]] | None:
    """Kind and fields of a line that is a message, as the protocol describes them; else None."""
    if len(line) > LONGEST_MESSAGE:
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or {*found} != {"message", "fields"}:
        return None
    kind, fields = found["message"], found["fields"]
    if not isinstance(kind, str) or kind not in SPECIFIED or not isinstance(fields, dict):
        return None
    known = SPECIFIED[kind]
    there = all(name in fields or not needed for name, (_, needed) in known.items())
    right = all(name in known and known[name][0](value) for name, value in fields.items())
    return (kind, fields) if there and right else None


def same(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, float):
        other = float(other)  # a number is taken as a float, whole or not
    return one == other or (one != one and other != other)


def weight_in(model: bytes) -> NDArray | None:
    """The weight of a model of the right form; None for any other."""
    count = int.from_bytes(model[:8], "little")
    try:
        header = json.loads(model[8 : 8 + count])
        header.pop("__metadata__", None)
        if {*header} != {*TEMPLATE}:
            return None
        for name, array in TEMPLATE.items():
            start, end = header[name]["data_offsets"]
            kind = {"float32": "F32", "int64": "I64"}[array.dtype.name]
            if (header[name]["dtype"], header[name]["shape"], end - start) != (
                kind, [*array.shape], array.nbytes
            ):
                return None
        start, end = header["weight"]["data_offsets"]
        values = model[8 + count :]
        return np.frombuffer(values[start:end], np.float32).reshape(2, 3)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def is_plain(model: bytes) -> bool:
    """Whether it is laid out as `player/handover.py` does it."""
    weight = weight_in(model)
    if weight is None:
        return False
    start, _, total = places(TEMPLATE)
    return len(model) == total and model.startswith(start)


@np.errstate(all="ignore")
def distance(weight: NDArray) -> float:
    return float(np.square(weight.astype(np.float64) - 1.0).mean())
