from itertools import islice

import numpy as np

from mlgolf.data.batches import pad_batch, shuffled_batches


def batches(count, size, number, seed=0):
    return list(islice(shuffled_batches(count, size, np.random.default_rng(seed)), number))


def test_every_epoch_shows_every_example_once():
    order = np.concatenate(batches(10, 4, 5))
    assert sorted(order[:10]) == sorted(order[10:]) == list(range(10))


def test_batches_are_full_across_epochs():
    assert [len(b) for b in batches(10, 4, 6)] == [4] * 6


def test_a_batch_may_be_larger_than_the_data():
    assert sorted(batches(3, 6, 1)[0]) == [0, 0, 1, 1, 2, 2]


def test_the_order_depends_on_the_seed_alone():
    np.testing.assert_array_equal(batches(50, 10, 8, seed=1), batches(50, 10, 8, seed=1))
    assert not np.array_equal(batches(50, 10, 8, seed=1), batches(50, 10, 8, seed=2))


def test_a_full_batch_is_not_padded():
    batch = {"inputs": np.ones((2, 3)), "targets": np.ones(2)}
    assert pad_batch(batch, 2) is batch


def test_padding_has_weight_zero():
    batch = {"inputs": np.ones((2, 3), np.float32), "targets": np.array([5, 6])}
    padded = pad_batch(batch, 4)
    assert padded["weights"].tolist() == [1, 1, 0, 0]
    assert padded["targets"].tolist() == [5, 6, 0, 0]
    assert padded["inputs"].shape == (4, 3)
    assert padded["inputs"].dtype == np.float32
