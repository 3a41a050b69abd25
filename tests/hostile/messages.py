"""Lines that a hostile player may send: messages, nearly messages, and bytes of any kind.

Every choice comes from one `Random`: of a seed, of hypothesis, or of a fuzzer's bytes.
"""

import json
import math
from random import Random
from typing import Any

from mlgolf.player.channel import LONGEST_MESSAGE

NUMBERS = (
    0, -1, 1, 7, 100, 2**31, 2**53 - 1, 2**53, 2**63 - 1, 2**63, -(2**63), 10**300, 10**400, True,
    0.5, 1.0, -0.0, 1e308, math.nan, math.inf, -math.inf,
)
TEXTS = (
    "", "x", "SubmissionError", "MemoryError", "out of memory", "\ud800", "\x00\x1b[2J", "a\nb",
    "step 3: loss=0", "é" * 50, "\U0001f600" * 30, "x" * 300, "x" * 70_000, "loss_fn",
    "set loss_fn",
)


def nested(random: Random) -> Any:
    value: Any = random.choice([1, "x", [], {}])
    for _ in range(random.choice([1, 3, 100, 250])):
        value = random.choice([[value], {"a": value}])
    return value


def anything(random: Random) -> Any:
    return random.choice([
        lambda: random.choice(NUMBERS), lambda: random.choice(TEXTS), lambda: None, list,
        dict, lambda: [1], lambda: {"a": 1}, lambda: nested(random),
        lambda: {random.choice(TEXTS): random.choice(NUMBERS) for _ in range(3)},
        lambda: {f"n{n}": n for n in range(120)},
    ])()


def some_step(random: Random) -> int:
    return random.choice([0, 1, 5, 99, 100, 200, 300, 3999, 5, 7, 30, 4000, 2**53 - 1])


def counts(random: Random) -> dict[str, int]:
    return {} if random.random() < 0.7 else {"loss_fn": 3, "set loss_fn": random.randrange(9)}


def envelope(random: Random, length: int) -> dict[str, Any]:
    """A message as a player may send it. Args: length: of the model that lies there."""
    step = some_step(random)
    kinds = [*12 * ["Submitted"], *4 * ["Logged"], "Finished", "Failed"]
    if random.random() < 0.05:
        kinds = ["Ready", "Evaluated", "Begin", "Stop", "Exited"]  # not its to send, or not then
    kind = random.choice(kinds)
    fields: dict[str, Any] = {
        "Ready": lambda: {"versions": {"torch": "2"}},
        "Submitted": lambda: {
            "step": step, "length": length, "is_query": random.random() < 0.3,
            "touched": counts(random),
        },
        "Logged": lambda: {"step": step, "values": {"loss": random.choice([0.5, 1, math.nan])}},
        "Finished": lambda: {"step": step, "reason": "done", "touched": counts(random)},
        "Failed": lambda: {
            "step": step, "kind": random.choice(TEXTS[:5]), "message": random.choice(TEXTS),
            "traceback": "Traceback", "peak_bytes": 5,
        },
        "Evaluated": lambda: {"step": step, "metrics": {}, "train_state": {}},
        "Exited": lambda: {"code": -9},
    }.get(kind, dict)()
    return {"message": kind, "fields": fields}


def other_value(random: Random, message: dict[str, Any]) -> dict[str, Any]:
    """A value somewhere in it becomes another, or goes, or gets company."""
    node = message
    while True:
        key = random.choice([*node, "more"])
        deeper = node.get(key)
        if isinstance(deeper, dict) and deeper and random.random() < 0.8:
            node = deeper
            continue
        if random.random() < 0.2:
            node.pop(key, None)
        elif random.random() < 0.1:
            node[random.choice(["message", "step", "\ud800", "self", ""])] = node.pop(key, 1)
        else:
            node[key] = anything(random)
        return message


def other_bytes(random: Random, line: bytes) -> bytes:
    at = random.randrange(len(line) + 1)
    return random.choice([
        lambda: line[:at], lambda: line[at:], lambda: line[:at] + b"\n" + line[at:],
        lambda: line[:at] + bytes([random.randrange(256)]) + line[at + 1 :],
        lambda: line[:at] + bytes([random.randrange(256)]) + line[at:],
        lambda: line[:at] + b"1" * random.choice([30, 5000]) + line[at:],
        lambda: b"[" * random.choice([10, 900, 5000]), lambda: b'{"a":' * 2000, lambda: b"",
        lambda: b" " + line + b"\r", lambda: b"\xef\xbb\xbf" + line, lambda: line + line,
        lambda: line.decode("utf-8", "replace").encode("utf-16"),
        lambda: line.replace(b'"fields"', b'"message": "Finished", "fields"'),
        lambda: line.replace(b'"step":', b'"step": 5, "step":'),
        lambda: b"null", lambda: b"[1]", lambda: b'"Ready"', lambda: random.randbytes(20),
        lambda: line[:-1] + b" " * (LONGEST_MESSAGE - len(line) + random.choice([0, 1])) + b"}",
    ])()  # fmt: skip


def some_line(random: Random, length: int, harm: float = 1.0) -> bytes:
    """Without its end. Args: harm: how often it is no message, against a script's."""
    message = envelope(random, length)
    if message["message"] == "Submitted" and random.random() < 0.04:
        message["fields"]["length"] = random.choice(
            [length - 1, length + 1, 0, -1, 8, 4096, 4097, 2**63, 2**64, 10**30]
        )
    if random.random() < 0.08 * harm:
        message = other_value(random, message)
    try:
        line = json.dumps(message, ensure_ascii=random.random() < 0.7).encode(
            "utf-8", "surrogatepass"
        )
    except (ValueError, RecursionError):
        line = b"{}"
    return other_bytes(random, line) if random.random() < 0.04 * harm else line
