"""How much data could hold: estimates from above, not what it means."""

import zlib

import numpy as np


def entropy(data: bytes) -> float:
    """Bits a byte, from 0 to 8, by how often each byte occurs; 0 for nothing."""
    if not data:
        return 0.0
    counts = np.bincount(np.frombuffer(data, dtype=np.uint8), minlength=256)
    shares = counts[counts > 0] / len(data)
    return max(0.0, float(-(shares * np.log2(shares)).sum()))  # not -0.0


def compressed_bytes(data: bytes) -> int:
    """By zlib; as many as there are where that is fewer."""
    return min(len(data), len(zlib.compress(data, 6)))


def held_bits(data: bytes) -> int:
    """About how many bits the bytes hold: by their frequencies or compressed, whichever is less."""
    return round(min(entropy(data) * len(data), 8.0 * compressed_bytes(data)))
