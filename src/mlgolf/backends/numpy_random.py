"""Random keys for torch: pairs of int32, drawn by the Mersenne Twister as AlgoPerf draws them.

A key seeds numpy's `RandomState`; a split draws new keys from it. Every step of a trial folds its
number into the trial's key and splits the result. Seeding takes 10 µs in a tight loop and 40
between two steps, whose caches it finds cold and leaves cold: so keys are drawn ahead, off the
clock, by the standard library's generator, which is the same Mersenne Twister (MT19937, seeded
through `init_by_array` with the 32-bit words of an integer, lowest first) in a quarter of numpy's
time.

Source: mlcommons/algorithmic-efficiency, algoperf/random_utils.py (the rule, not the code).
"""

from collections.abc import Sequence
from random import Random
from threading import Lock

import numpy as np
from numpy.typing import NDArray

MODULUS = 2**31 - 1  # keys have entries below it; any other integer is taken modulo it

Key = NDArray[np.int32]

_twister = Random(0)  # reseeded before each use: making one costs twice as much
_twister_lock = Lock()


def PRNGKey(seed: int) -> Key:
    """The key of a trial, shape (2,). Any integer will do, also a negative one."""
    return np.random.RandomState(seed % MODULUS).randint(0, MODULUS, size=2).astype(np.int32)


def split(key: Sequence[int] | Key, count: int = 2) -> Key:
    """New keys, shape (count, 2), that a given key determines."""
    draws = _draw(*_entries(key), 2 * count)
    return np.array(draws, np.int32).reshape(count, 2)


def fold_in(key: Sequence[int] | Key, data: int) -> Key:
    """A key, shape (2,), for each integer: the first draw of `key`, then the integer itself."""
    return np.array([_first_draw(*_entries(key)), data % MODULUS], np.int32)


class StepKeys:
    """`split(fold_in(key, step), count)` for any step; the first `ahead` are drawn at once."""

    def __init__(self, key: Sequence[int] | Key, count: int, ahead: int) -> None:
        self._first, self._count, self._ahead = _first_draw(*_entries(key)), count, ahead
        drawn = [self._draw(step) for step in range(ahead)]
        self._drawn = np.array(drawn, np.int32).reshape(ahead, count, 2)

    def __call__(self, step: int) -> tuple[Key, ...]:
        return tuple(self._drawn[step] if step < self._ahead else self._draw(step))

    def _draw(self, step: int) -> Key:
        return split((self._first, step), self._count)


def _entries(key: Sequence[int] | Key) -> tuple[int, int]:
    # Python's integers are quicker than numpy's.
    low, high = key.tolist() if isinstance(key, np.ndarray) else key
    return low % MODULUS, high % MODULUS


def _first_draw(low: int, high: int) -> int:
    return _draw(low, high, 1)[0]


def _draw(low: int, high: int, count: int) -> list[int]:
    """What `RandomState([low, high]).randint(0, MODULUS, size=count)` draws."""
    if high:  # as an integer, a key that ends in 0 would lose its second word
        with _twister_lock:
            _twister.seed(low | high << 32)
            bits = _twister.getrandbits
            draws = [bits(32) & MODULUS for _ in range(count)]
        if MODULUS not in draws:  # numpy would reject it and draw again: one draw in 2**31
            return draws
    return np.random.RandomState([low, high]).randint(0, MODULUS, size=count).tolist()
