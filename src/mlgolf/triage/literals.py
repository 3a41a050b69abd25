"""Large literals, and about how much they hold: strings, bytes, numbers, lists of them.

A literal that was learned before is a way to bring a model along. What is told is a bound on what
it holds, with the means that would turn text into data where it reads as such.
"""

import ast
import base64
import binascii
from collections.abc import Iterator, Sequence
from typing import Any

from mlgolf.triage.entropy import entropy, held_bits
from mlgolf.triage.findings import Kind, Seen
from mlgolf.triage.syntax import Code, comments, line_of

LARGE_BITS = 2_000  # 250 bytes that nothing compresses; a long error message is below
LARGE_PROSE_BITS = 40_000  # of docstrings and comments, which code reads in roundabout ways only
_SHORTEST_ENCODED = 64  # characters
_HOLDERS = (ast.List, ast.Tuple, ast.Set, ast.Dict)
_COMPRESSED = {
    b"\x78\x01": "zlib", b"\x78\x5e": "zlib", b"\x78\x9c": "zlib", b"\x78\xda": "zlib",
    b"\x1f\x8b": "gzip", b"\xfd7zXZ": "xz", b"BZh": "bzip2", b"PK\x03\x04": "zip",
    b"\x80\x04": "pickle", b"\x80\x05": "pickle", b"\x93NUMPY": "numpy array",
}


def large_literals(code: Code) -> Iterator[Seen]:
    """Each of at least LARGE_BITS, a list as one; and prose of at least LARGE_PROSE_BITS."""
    within_other: set[int] = set()
    for node, within in code.nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            within_other.add(id(node.value))
            yield from _prose(node.value.value, "a string that is no value", line_of(node), within)
        if id(node) in within_other:
            continue
        if isinstance(node, _HOLDERS):
            values = _values(node, within_other)
            if bits := _if_large(values, LARGE_BITS):
                yield Seen(
                    Kind.LITERAL, _list_in_words(node, values), line_of(node), within, bits
                )
        elif isinstance(node, ast.Constant) and (bits := _if_large([node.value], LARGE_BITS)):
            yield Seen(Kind.LITERAL, _in_words(node.value), line_of(node), within, bits)
    if _if_large([code.text], LARGE_PROSE_BITS):  # or its comments hold less, too
        yield from _prose(comments(code.text), "the comments of the file", 0, "")


def literal_bits(code: Code) -> int:
    """Of all constants that are values: a table may be spread over many small ones."""
    prose = {
        id(node.value) for node, _ in code.nodes
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    values = [
        node.value for node, _ in code.nodes
        if isinstance(node, ast.Constant) and id(node) not in prose
    ]
    return held_bits(_as_bytes(values))


def _prose(text: Any, what: str, line: int, within: str) -> Iterator[Seen]:
    if bits := _if_large([text], LARGE_PROSE_BITS):
        size = len(_as_bytes([text]))
        yield Seen(Kind.LITERAL, f"{what}: {size:,} bytes", line, within, bits)


def _if_large(values: Sequence[Any], least: int) -> int:
    """What values hold, where that is at least so many bits; else 0. Most are too short at once."""
    data = _as_bytes(values)
    bits = held_bits(data) if 8 * len(data) >= least else 0
    return bits if bits >= least else 0


def _values(holder: ast.AST, seen: set[int]) -> list[Any]:
    """All constants in a list of lists; the rest, such as calls, is looked at for itself.

    Args: seen: gets the nodes that need not be looked at again.
    """
    found, stack = [], [holder]
    while stack:
        node = stack.pop()
        match node:
            case ast.Constant(value=value):
                found.append(value)
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                stack += reversed(parts)
            case ast.Dict(keys=keys, values=values):
                pairs = [p for pair in zip(keys, values, strict=True) for p in pair if p]
                stack += reversed(pairs)
            case ast.UnaryOp(operand=ast.Constant() as operand):
                stack.append(operand)
            case _:
                continue
        seen.add(id(node))
    return found


def _as_bytes(values: Sequence[Any]) -> bytes:
    """The values as written, each once, so that their information can be estimated."""
    return b",".join(map(_one_as_bytes, values))


def _one_as_bytes(value: Any) -> bytes:
    match value:
        case bytes():
            return value
        case str():
            return value.encode("utf-8", "surrogatepass")
        case int() if not isinstance(value, bool):
            size = value.bit_length() // 8 + 1
            return value.to_bytes(size, "big") if size > 16 else str(value).encode()
    return repr(value).encode()


def _in_words(value: Any) -> str:
    match value:
        case str() | bytes():
            noun = "bytes" if isinstance(value, bytes) else "characters"
            kind = "a byte string" if isinstance(value, bytes) else "a string"
            return f"{kind} of {len(value):,} {noun}{_encoded(value)}"
        case int():
            return f"a whole number of {value.bit_length():,} bits"
    return f"a constant of type {type(value).__name__}"


def _list_in_words(holder: ast.AST, values: Sequence[Any]) -> str:
    kind = type(holder).__name__.lower()
    numbers = sum(isinstance(value, int | float | complex) for value in values)
    texts = [value for value in values if isinstance(value, str | bytes)]
    parts = [f"{numbers:,} numbers"] * bool(numbers) + [f"{len(texts):,} strings"] * bool(texts)
    longest = max(texts, key=len, default="")
    return f"a {kind} with {' and '.join(parts) or 'constants'}{_encoded(longest)}"


def _encoded(text: str | bytes) -> str:
    """", which reads as base64 of …", where the whole of it does."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if magic := _magic(data):
        return f", which begin as {magic} data"
    compact = b"".join(data.split())
    if len(compact) < max(_SHORTEST_ENCODED, 0.95 * len(data)):  # prose has more blanks
        return ""
    for name, decode in (
        ("hexadecimal", binascii.unhexlify),
        ("base64", lambda encoded: base64.b64decode(encoded, validate=True)),
        ("base85", base64.b85decode), ("Ascii85", base64.a85decode),
    ):
        try:
            decoded = decode(compact)
        except ValueError:  # binascii.Error is one
            continue
        begins = f", which begin as {magic} data" if (magic := _magic(decoded)) else ""
        return (
            f", which reads as {name} of {len(decoded):,} bytes with "
            f"{entropy(decoded):.1f} bits of entropy each{begins}"
        )
    return ""


def _magic(data: bytes) -> str:
    return next((name for start, name in _COMPRESSED.items() if data.startswith(start)), "")
