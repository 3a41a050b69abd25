import numpy as np
import pytest

from mlgolf.data.farmhash import fingerprint64


def fingerprint(text: str) -> int:
    return int(fingerprint64(np.array([text.encode()]))[0])


def test_hello_has_the_published_fingerprint():
    assert fingerprint("hello") % 2**62 == 3786372426573024488


@pytest.mark.parametrize(
    ("text", "column", "vocabulary", "expected"),
    [("68fd1e64", 0, 39_884_406, 6_734_129), ("00000000", 25, 36, 8)],
)
def test_categories_get_the_published_ids(text, column, vocabulary, expected):
    assert fingerprint(f"{text}{column}") % vocabulary == expected


def test_strings_of_mixed_lengths_hash_as_they_do_alone():
    texts = ["", "a", "abc", "abcd", "1234567", "12345678", "0123456789abcdef"]
    together = fingerprint64(np.array([t.encode() for t in texts]))
    assert together.tolist() == [fingerprint(t) for t in texts]


def test_no_two_short_strings_collide():
    texts = np.array([f"{n:x}".encode() for n in range(10_000)])
    assert len(np.unique(fingerprint64(texts))) == len(texts)


def test_strings_beyond_16_bytes_are_refused():
    with pytest.raises(ValueError, match="at most 16 bytes"):
        fingerprint64(np.array([b"x" * 17]))
