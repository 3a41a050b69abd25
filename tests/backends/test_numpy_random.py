"""Keys of torch runs. Golden values: mlcommons/algorithmic-efficiency, algoperf/random_utils.py."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis.strategies import integers
from numpy.testing import assert_array_equal

from mlgolf.backends.numpy_random import MODULUS, PRNGKey, StepKeys, fold_in, split

words = integers(-(2**31), 2**31 - 1)


@pytest.mark.parametrize(
    ("seed", "key"), [(0, [209652396, 398764591]), (42, [1608637542, 1273642419])]
)
def test_a_seed_gives_the_key_that_algoperf_gives(seed, key):
    assert_array_equal(PRNGKey(seed), key)


def test_a_key_splits_as_in_algoperf():
    assert_array_equal(
        split(PRNGKey(0), 4),
        [
            [1490491116, 1775704360],
            [1052448728, 939031488],
            [1442483404, 1069925208],
            [369176984, 744606817],
        ],
    )
    assert_array_equal(split([1490491116, 1], 4)[0], [1738891787, 695560268])


def test_folding_in_keeps_the_integer_beside_the_first_draw():
    assert_array_equal(fold_in(PRNGKey(0), 1), [1490491116, 1])


@given(low=words, high=words, count=integers(1, 5))
@example(low=7, high=0, count=4)  # the key of step 0: an integer would drop its second word
@example(low=0, high=0, count=1)
@example(low=-1, high=MODULUS, count=2)
def test_a_split_is_what_numpys_random_state_draws(low, high, count):
    generator = np.random.RandomState([low % MODULUS, high % MODULUS])
    assert_array_equal(split([low, high], count), generator.randint(0, MODULUS, size=[count, 2]))


@given(seed=integers(), data=integers())
def test_keys_are_int32_whatever_the_integers(seed, data):
    for key in (PRNGKey(seed), fold_in(PRNGKey(seed), data), split(PRNGKey(seed), 1)[0]):
        assert key.dtype == np.int32
        assert key.shape == (2,)


def test_a_key_gives_the_same_whether_it_is_a_list_or_an_array():
    key = PRNGKey(3)
    assert_array_equal(split(key.tolist(), 2), split(key, 2))
    assert_array_equal(fold_in(key.tolist(), 5), fold_in(key, 5))


@given(seed=integers(), step=integers(0, 1 << 40), ahead=integers(0, 5))
@example(seed=1, step=2, ahead=3)
@example(seed=1, step=2, ahead=2)
def test_the_keys_of_a_step_are_the_split_of_the_folded_key(seed, step, ahead):
    key = PRNGKey(seed)
    keys = StepKeys(key, 4, ahead)(step)
    assert_array_equal(keys, split(fold_in(key, step), 4))
    assert keys[0].dtype == np.int32
