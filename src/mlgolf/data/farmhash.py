"""FarmHash's Fingerprint64 for short byte strings, in vectorised numpy.

The published click-log pipeline maps a category to a row of the embedding table with it. Strings
of up to 16 bytes are covered: a hexadecimal category (8) and its column number (1 or 2) have 10.

Source: FarmHash by Geoff Pike, https://github.com/google/farmhash (the hash named farmhashna).
"""

import numpy as np
from numpy.typing import NDArray

U64 = np.uint64
HashArray = NDArray[np.uint64]

K0 = 0xC3A5C85C97CB3127
K2 = 0x9AE16A3B2F90404F
MAX_BYTES = 16


def fingerprint64(strings: NDArray[np.bytes_]) -> HashArray:
    """Fingerprint of each string.

    Args:
      strings: (n,), dtype S; none may hold a NUL byte at its end, which numpy does not keep.
    Returns: (n,), uint64.
    Raises: ValueError if a string is longer than 16 bytes.
    """
    lengths = np.strings.str_len(strings)
    if lengths.max(initial=0) > MAX_BYTES:
        raise ValueError(f"strings of at most {MAX_BYTES} bytes, got one of {lengths.max()}")
    hashes = np.full(strings.shape, U64(K2))  # what the empty string maps to
    for length in np.unique(lengths[lengths > 0]):
        chosen = lengths == length
        letters = strings[chosen].astype(f"S{length}").view(np.uint8).reshape(-1, length)
        hashes[chosen] = _hash_letters(letters)
    return hashes


def fingerprint64_of_words(first: HashArray, last: HashArray, length: int) -> HashArray:
    """Fingerprint of strings of 8 to 16 bytes, all of one length.

    Args:
      first, last: (n,), the first and the last 8 bytes of each string as little-endian integers.
    Returns: (n,), uint64.
    """
    multiplier = _u64(K2 + 2 * length)
    first = first + _u64(K2)
    u = _rotate(last, 37) * multiplier + first
    v = (_rotate(first, 25) + last) * multiplier
    return _combine(u, v, multiplier)


def _hash_letters(letters: NDArray[np.uint8]) -> HashArray:
    """Of strings of one length: (n, length) bytes in, (n,) hashes out."""
    length = letters.shape[1]
    if length >= 8:
        return fingerprint64_of_words(_fetch(letters[:, :8]), _fetch(letters[:, -8:]), length)
    multiplier = _u64(K2 + 2 * length)
    if length >= 4:
        u = (_fetch(letters[:, :4]) << U64(3)) + U64(length)
        return _combine(u, _fetch(letters[:, -4:]), multiplier)
    first, middle, last = (letters[:, i].astype(U64) for i in (0, length // 2, length - 1))
    y = first + (middle << U64(8))
    z = U64(length) + (last << U64(2))
    return _shift_mix(y * _u64(K2) ^ z * _u64(K0)) * _u64(K2)


def _u64(value: int) -> np.uint64:
    return U64(value % 2**64)


def _fetch(letters: NDArray[np.uint8]) -> HashArray:
    """Little-endian integers: (n, 4 or 8) bytes in, (n,) out."""
    width = letters.shape[1]
    return np.ascontiguousarray(letters).view(f"<u{width}")[:, 0].astype(U64)


def _rotate(value: HashArray, bits: int) -> HashArray:
    return (value >> U64(bits)) | (value << U64(64 - bits))


def _shift_mix(value: HashArray) -> HashArray:
    return value ^ (value >> U64(47))


def _combine(u: HashArray, v: HashArray, multiplier: np.uint64) -> HashArray:
    mixed = _shift_mix((u ^ v) * multiplier)
    return _shift_mix((v ^ mixed) * multiplier) * multiplier
