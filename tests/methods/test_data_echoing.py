from collections import Counter
from itertools import islice

from frameworks import rng

from mlgolf.methods import DataEchoing, Methods


def test_each_batch_comes_so_many_times_in_a_row():
    assert list(DataEchoing(times=3).stream([1, 2])) == [1, 1, 1, 2, 2, 2]


def test_a_batch_is_loaded_only_when_the_one_before_is_used_up():
    loaded = []
    source = (loaded.append(n) or n for n in range(100))
    list(islice(DataEchoing(times=4).stream(source), 9))
    assert loaded == [0, 1, 2]


def test_a_buffer_shuffles_the_repetitions_of_its_batches():
    echoed = list(DataEchoing(times=5, buffer=4).stream(range(8), rng()))
    assert Counter(echoed[:20]) == dict.fromkeys(range(4), 5)
    assert echoed[:20] != sorted(echoed[:20])


def test_outside_its_window_nothing_is_repeated():
    method, progress = DataEchoing(times=2, end=0.5), iter([0.0, 0.4, 0.5, 0.9])
    assert list(method.stream("abcd", progress=lambda: next(progress))) == list("aabbcd")


def test_without_echoing_the_stream_is_the_batches():
    assert list(Methods().stream([1, 2])) == [1, 2]
