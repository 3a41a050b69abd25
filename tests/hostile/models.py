"""Models that a hostile player may hand over: right ones, and headers that lie."""

import json
import math
from random import Random
from typing import Any

import numpy as np
from hostile.messages import anything

from mlgolf.player.handover import places

TYPES = (
    "F32", "F64", "F16", "BF16", "F8_E4M3", "F8_E5M2", "F4", "C64", "I64", "I8", "U8", "BOOL",
    "f32", "", "\x00", "V", 5, None,
)
BITS = {"F64": 64, "F16": 16, "BF16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "F4": 4, "C64": 64, "I64": 64,
        "I8": 8, "U8": 8, "BOOL": 8}  # fmt: skip
SHAPES = (
    [], [0], [6], [3, 2], [2, 3], [1, 2, 3], [2, 3, 1], [1] * 64, [1] * 65, [0, 2**62], [0, 2**63],
    [2**64], [-1, 6], [2.0, 3], "23", None, [2**32, 2**32],
)  # fmt: skip
Header = dict[str, Any]


def laid_out(header: Header | bytes, values: bytes) -> bytes:
    """A file in the layout of safetensors. Raises: ValueError, RecursionError for no JSON."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + values


def some_model(random: Random) -> bytes:
    """Mostly of the right form; its loss is how far its weights are from 1."""
    far = random.choice([0.0, 0.14, 0.15, *10 * [0.5], 0.9, 1.0, 1e30, math.nan, math.inf])
    arrays = {
        "weight": np.full((2, 3), 1.0 - far, np.float32),
        "steps": np.array(random.randrange(5), np.int64),
    }
    values = b"".join(array.tobytes() for array in arrays.values())
    if random.random() < 0.85:
        return places(arrays)[0] + values
    header: Header = {
        "weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "steps": {"dtype": "I64", "shape": [], "data_offsets": [24, 32]},
    }
    if random.random() < 0.8:
        change = random.choice([other_type, other_shape, other_offsets, other_names, other_key])
        header, values = change(random, header, values)
    try:
        model = laid_out(header, values)
    except (ValueError, RecursionError):
        return b""
    return other_bytes_of_a_model(random, model) if random.random() < 0.3 else model


def other_type(random: Random, header: Header, values: bytes) -> tuple[Header, bytes]:
    kind = random.choice(TYPES)
    size = BITS.get(kind, 32) * 24 // 8
    return {"weight": {"dtype": kind, "shape": [24], "data_offsets": [0, size]}}, bytes(size)


def other_shape(random: Random, header: Header, values: bytes) -> tuple[Header, bytes]:
    shape = random.choice(SHAPES)
    size = 4 * math.prod(shape) if is_small(shape) else 24
    return {"weight": {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}, bytes(size)


def is_small(shape: Any) -> bool:
    return (
        isinstance(shape, list) and all(type(side) is int for side in shape)
        and 0 <= math.prod(shape) < 100
    )


def other_offsets(random: Random, header: Header, values: bytes) -> tuple[Header, bytes]:
    header[random.choice([*header])]["data_offsets"] = random.choice(
        [[0, 0], [24, 0], [0, 24], [24, 2**63], [-1, 24], [0], None, [8, 32], [0, 1e3]]
    )
    return header, values


def other_names(random: Random, header: Header, values: bytes) -> tuple[Header, bytes]:
    name = random.choice(["more", "", "\x00", "__metadata__"])
    return {**header, name: header[random.choice([*header])]}, values


def other_key(random: Random, header: Header, values: bytes) -> tuple[Header, bytes]:
    header[random.choice([*header])][random.choice(["more", "dtype"])] = anything(random)
    return header, values


def other_bytes_of_a_model(random: Random, model: bytes) -> bytes:
    at = random.randrange(len(model))
    return random.choice([
        model[:at], model[:at] + bytes([random.randrange(256)]) + model[at + 1 :],
        random.choice([0, 1, 2**31, 2**63, 2**64 - 1]).to_bytes(8, "little") + model[8:],
        model + b"\0", laid_out(b"[" * 500, b""), laid_out(b'{"a":' * 200, b""),
    ])
