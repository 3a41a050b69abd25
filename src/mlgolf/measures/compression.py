"""Numbers as few bytes: layouts, planes and the compressor that all codes of models share.

- The numbers of all arrays of a type stand together, array after array, as planes: the high bytes
  of all, then their next bytes, and so on. Signs and exponents compress, digits do not.
- An array of at most 256 different numbers is written as these and a byte for each place; else one
  with many zeros as its other numbers and a byte for each place, where that is shorter. So weights
  of few bits, and sparse ones, cost the same by whatever scale they are multiplied.
- `compress` gives the shortest of a fixed set of codes. Their lengths are those of the libraries
  that Python was built with (zlib, bzip2, liblzma), which may be others elsewhere.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_LZMA_FILTERS = [
    {
        "id": lzma.FILTER_LZMA2, "dict_size": 1 << 20, "lc": 0, "lp": 0, "pb": 0,
        "mode": lzma.MODE_NORMAL, "mf": lzma.MF_HC4, "nice_len": 273, "depth": 32,
    }
]  # fmt: skip
SMALL = 1 << 19  # bytes. Above this, matches are left to bzip2: LZMA takes 10 s for 10 MB
# Layouts of an array: all numbers; n different numbers; or _SPARSE + n, n that are not zero.
_PLAIN, _SPARSE = 0, 257


def compress(code: bytes) -> bytes:
    """The shortest of: a byte that names the method, and what the method makes of the code.

    0 as it is; 1 raw deflate (zlib, level 9), by Huffman codes alone or with matches; 2 bzip2
    (level 9); 3 raw LZMA2 with _LZMA_FILTERS.
    """
    found = [
        b"\0" + code, b"\1" + _deflate(code, zlib.Z_HUFFMAN_ONLY), b"\2" + bz2.compress(code)
    ]  # fmt: skip
    if len(code) <= SMALL:
        found.append(b"\1" + _deflate(code, zlib.Z_DEFAULT_STRATEGY))
        found.append(b"\3" + lzma.compress(code, lzma.FORMAT_RAW, filters=_LZMA_FILTERS))
    return min(found, key=len)


def _deflate(code: bytes, strategy: int) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15, 9, strategy)
    return compressor.compress(code) + compressor.flush()


def decompress(packed: bytes) -> bytes:
    """The inverse of compress."""
    match packed[0]:
        case 0:
            return packed[1:]
        case 1:
            return zlib.decompress(packed[1:], wbits=-15)
        case 2:
            return bz2.decompress(packed[1:])
        case _:
            return lzma.decompress(packed[1:], lzma.FORMAT_RAW, filters=_LZMA_FILTERS)


class Written(NamedTuple):
    """An array as it is written."""

    layout: int
    numbers: NDArray  # flat
    places: NDArray[np.uint8]  # which of the numbers stands there; or whether one does

    @classmethod
    def of(cls, array: NDArray) -> "Written":
        size, itemsize = array.size, array.itemsize
        numbers = array.reshape(-1)
        patterns = numbers.view(f"u{itemsize}")  # so that -0.0 and each NaN are themselves
        if itemsize > 1 and len(np.unique(patterns[:1024])) < _SPARSE:
            different, places = np.unique(patterns, return_inverse=True)
            if len(different) < _SPARSE and len(different) * itemsize + size < size * itemsize:
                return cls(len(different), different.view(array.dtype), places.astype(np.uint8))
        used = patterns != 0
        num_used = int(np.count_nonzero(used))
        if itemsize > 1 and num_used * itemsize + size < size * itemsize:
            return cls(_SPARSE + num_used, numbers[used], used.astype(np.uint8))
        return cls(_PLAIN, numbers, np.zeros(0, np.uint8))


def written_numbers(written: Sequence[Written], dtypes: Iterable[str]) -> bytes:
    """The planes of each type in turn, then the places. Layouts and shapes are told elsewhere."""
    planes = [
        _planes([entry.numbers for entry in written if entry.numbers.dtype == dtype])
        for dtype in map(np.dtype, dtypes)
    ]
    return b"".join([*planes, *(entry.places.tobytes() for entry in written)])


def _planes(arrays: list[NDArray]) -> bytes:
    """The high bytes of all numbers of a type, then their next bytes, and so on."""
    if not arrays:
        return b""
    numbers = np.concatenate(arrays)
    octets = numbers.view(np.uint8).reshape(numbers.size, numbers.itemsize)
    return octets[:, ::-1].T.tobytes()


def read_numbers(
    take: Callable[[int], bytes], arrays: Sequence[NDArray], layouts: Sequence[int],
    dtypes: Iterable[str],
) -> None:
    """Fill arrays with what `written_numbers` wrote of them.

    Args: take: gives so many of the next bytes.
    """
    sizes = [
        layout - _SPARSE if layout >= _SPARSE else layout or array.size
        for array, layout in zip(arrays, layouts, strict=True)
    ]
    numbers: dict[int, NDArray] = {}
    for dtype in map(np.dtype, dtypes):
        mine = [n for n, array in enumerate(arrays) if array.dtype == dtype]
        total = sum(sizes[n] for n in mine)
        planes = np.frombuffer(take(total * dtype.itemsize), np.uint8)
        octets = np.ascontiguousarray(planes.reshape(dtype.itemsize, total)[::-1].T)
        flat = octets.reshape(-1).view(dtype)
        for n in mine:
            numbers[n], flat = flat[: sizes[n]], flat[sizes[n] :]
    for n, (array, layout) in enumerate(zip(arrays, layouts, strict=True)):
        if layout == _PLAIN:
            array[...] = numbers[n].reshape(array.shape)
            continue
        places = np.frombuffer(take(array.size), np.uint8).reshape(array.shape)
        if layout < _SPARSE:
            array[...] = numbers[n][places]
        else:
            array[...] = 0
            array[places == 1] = numbers[n]
