"""The Merkle tree of RFC 9162, by values that other implementations publish, too."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, sampled_from

from mlgolf.results.bundles.merkle import file_leaf, merkle_root

INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "60616263646566676869"
          "6a6b6c6d6e6f"]  # fmt: skip
LEAVES = [sha256(b"\0" + bytes.fromhex(text)).digest() for text in INPUTS]


@pytest.mark.parametrize(
    ("count", "root"),
    [
        (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ],
)
def test_roots_are_those_of_certificate_transparency(count, root):
    assert merkle_root(LEAVES[:count]).hex() == root


@given(
    files=lists(integers(0, 9), min_size=1, max_size=20), at=integers(0, 19),
    part=sampled_from(["path", "size", "digest"]),
)
def test_the_root_changes_with_every_name_size_and_content(files, at, part):
    leaves = [file_leaf(f"f{number}", number, 64 * str(number)) for number in files]
    at %= len(files)
    other = {"path": f"f{files[at]}", "size": files[at], "digest": 64 * str(files[at])}
    other[part] = {"path": "g", "size": 10, "digest": 64 * "a"}[part]
    changed = [*leaves[:at], file_leaf(*other.values()), *leaves[at + 1 :]]
    assert merkle_root(changed) != merkle_root(leaves)


def test_two_leaves_are_no_leaf_that_holds_their_hashes():
    one, other = LEAVES[:2]
    assert merkle_root([one, other]) != sha256(b"\0" + one + other).digest()
