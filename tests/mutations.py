"""Changes of a bundle that nobody may overlook: of its bytes, its entries, its directory, its seal.

Shared by the tests of bundles and by benchmarks/bundle_mutations.py.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random

from mlgolf.core.errors import BundleError
from mlgolf.results.bundles.canonical import canonical
from mlgolf.results.bundles.reading import check_bundle
from mlgolf.results.bundles.zip_layout import LOCAL_MARK, comment_of

Mutation = Callable[[bytes, Random], bytes]


def _place(content: bytes, random: Random) -> int:
    """Anywhere, and half the time near the end, where the directory and the seal are."""
    last = random.choice([len(content), min(len(content), 2500)])
    return len(content) - 1 - random.randrange(last)


def flip_a_bit(content: bytes, random: Random) -> bytes:
    at = _place(content, random)
    return content[:at] + bytes([content[at] ^ 1 << random.randrange(8)]) + content[at + 1 :]


def replace_a_byte(content: bytes, random: Random) -> bytes:
    at = _place(content, random)
    return content[:at] + random.randbytes(1) + content[at + 1 :]


def remove_bytes(content: bytes, random: Random) -> bytes:
    at = _place(content, random)
    return content[:at] + content[at + random.choice([1, 1, 2, 100, 5000]) :]


def insert_bytes(content: bytes, random: Random) -> bytes:
    at = _place(content, random)
    return content[:at] + random.randbytes(random.choice([1, 1, 2, 100, 5000])) + content[at:]


def repeat_bytes(content: bytes, random: Random) -> bytes:
    at, count = _place(content, random), random.randrange(1, 1000)
    return content[:at] + content[at : at + count] + content[at:]


def cut_short(content: bytes, random: Random) -> bytes:
    return content[: _place(content, random)]


def append(content: bytes, random: Random) -> bytes:
    return content + random.choice([b"\0", b"\n", b"PK\x05\x06" + bytes(18), random.randbytes(50)])


def swap_ranges(content: bytes, random: Random) -> bytes:
    a, b, c, d = sorted(_place(content, random) for _ in range(4))
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def swap_entries(content: bytes, random: Random) -> bytes:
    """Two files of the archive change their places."""
    starts = [found.start() for found in re.finditer(re.escape(LOCAL_MARK), content)]
    one, other = sorted(random.sample(range(len(starts) - 1), 2))
    a, b, c, d = (starts[n] for n in (one, one + 1, other, other + 1))
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def another_digit_in_the_seal(content: bytes, random: Random) -> bytes:
    comment = comment_of(content[-1000:]) or b""
    fields = json.loads(comment)
    name = random.choice([name for name in fields if name != "bundle"])
    at = random.randrange(len(fields[name]))
    text = fields[name][:at] + random.choice("0123456789abcdef") + fields[name][at + 1 :]
    return content.removesuffix(comment) + canonical({**fields, name: text})


def other_writing_of_the_seal(content: bytes, random: Random) -> bytes:
    """The same JSON value, written otherwise, with the length of the comment set right."""
    comment = comment_of(content[-1000:]) or b""
    fields = json.loads(comment)
    other = random.choice([
        json.dumps(fields).encode(), canonical(fields) + b"\n", b" " + comment,
        canonical({**fields, "more": 1}), comment.replace(b'"bundle"', b'"bundl\\u0065"'),
        canonical({n: v.upper() if isinstance(v, str) else v for n, v in fields.items()}),
        b'{"bundle":1,' + comment[1:], canonical({**fields, "bundle": 1.0}),
        canonical({**fields, "bundle": True}),
    ])  # fmt: skip
    return content[: -len(comment) - 2] + len(other).to_bytes(2, "little") + other


MUTATIONS: tuple[Mutation, ...] = (
    flip_a_bit, replace_a_byte, remove_bytes, insert_bytes, repeat_bytes, cut_short, append,
    swap_ranges, swap_entries, another_digit_in_the_seal, other_writing_of_the_seal,
)  # fmt: skip


def mutated(content: bytes, random: Random) -> tuple[str, bytes]:
    """The name of a change, and what it makes of the content: always something else."""
    while True:
        mutation = random.choice(MUTATIONS)
        if (changed := mutation(content, random)) != content:
            return mutation.__name__, changed


def is_found(path: Path) -> bool:
    """Whether the reader finds that a bundle was changed, in words; anything else it raises."""
    try:
        return bool(check_bundle(path).problem)
    except BundleError as error:
        return bool(str(error))
