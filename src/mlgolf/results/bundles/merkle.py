"""One hash for a list of files, which changes with any of them, their names and their order.

Of a Merkle tree a part can be shown and checked without the rest: one trial, for instance.
Source: RFC 9162 (2021), section 2.1.1, formerly RFC 6962, with SHA-256.
"""

from collections.abc import Sequence
from hashlib import sha256

_LEAF, _NODE = b"\x00", b"\x01"


def file_leaf(path: str, size: int, digest: str) -> bytes:
    """The hash of the leaf of one file.

    Args: digest: SHA-256 of its bytes, in hexadecimal digits.
    """
    record = bytes.fromhex(digest) + size.to_bytes(8, "big") + path.encode()
    return sha256(_LEAF + record).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Args: leaves: their hashes, in order, at least one."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1  # the largest power of two below their number
    left, right = merkle_root(leaves[:split]), merkle_root(leaves[split:])
    return sha256(_NODE + left + right).digest()
