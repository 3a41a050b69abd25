from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers

from mlgolf.core.errors import DataError
from mlgolf.data.batches import (
    evaluated_rows,
    is_counted,
    join_batches,
    pad_batch,
    part_weights,
    shuffled_batches,
    slice_batch,
    training_part,
)


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


def test_padding_repeats_the_first_example_with_weight_zero():
    batch = {"inputs": np.ones((2, 3), np.float32), "targets": np.array([5, 6])}
    padded = pad_batch(batch, 4)
    assert padded["weights"].tolist() == [1, 1, 0, 0]
    assert padded["targets"].tolist() == [5, 6, 5, 5]
    assert padded["inputs"].shape == (4, 3)
    assert padded["inputs"].dtype == np.float32


def speech(count):
    """Recordings with their lengths, and transcripts with theirs."""
    lengths = np.arange(1, count + 1)
    return {
        "inputs": {"audio": np.ones((count, 7), np.float32), "lengths": lengths},
        "targets": (np.full((count, 3), 5), [lengths]),
    }


def test_padding_reaches_every_array_of_a_nested_batch():
    padded = pad_batch(speech(2), 3)
    assert padded["inputs"]["audio"].sum(axis=1).tolist() == [7, 7, 7]
    assert padded["targets"][0].tolist() == [[5] * 3] * 3
    assert padded["targets"][1][0].tolist() == [1, 2, 1]
    assert padded["weights"].tolist() == [1, 1, 0]


def test_rows_added_to_a_padded_batch_keep_the_weights_that_were_there():
    assert pad_batch(pad_batch(speech(1), 2), 3)["weights"].tolist() == [1, 0, 0]


def test_a_nested_batch_cut_in_two_and_joined_is_as_it_was():
    whole = speech(5)
    joined = join_batches([slice_batch(whole, 0, 2), slice_batch(whole, 2, 5)])
    np.testing.assert_array_equal(joined["inputs"]["lengths"], whole["inputs"]["lengths"])
    np.testing.assert_array_equal(joined["targets"][1][0], whole["targets"][1][0])
    assert isinstance(joined["targets"], tuple)


def test_a_batch_whose_arrays_differ_in_rows_is_not_padded():
    graphs = {"nodes": np.ones((5, 2)), "targets": np.ones(2)}
    with pytest.raises(DataError, match="arrays of 2 and 5 rows"):
        pad_batch(graphs, 8)


@given(count=integers(1, 200), part=floats(0.01, 1.0), more=floats(0.01, 1.0))
def test_a_smaller_part_of_the_data_lies_within_a_larger_one(count, part, more):
    smaller, larger = (set(training_part(count, fraction)) for fraction in sorted((part, more)))
    assert smaller <= larger
    assert len(smaller) == max(1, round(min(part, more) * count))


def test_batches_of_a_part_of_the_data_hold_each_of_its_rows_once_an_epoch():
    batches = shuffled_batches(20, 5, np.random.default_rng(0), fraction=0.5)
    epochs = np.concatenate([next(batches) for _ in range(4)])
    np.testing.assert_array_equal(np.sort(epochs), np.repeat(training_part(20, 0.5), 2))


@pytest.mark.parametrize(("count", "size"), [(0, 4), (10, 0)])
def test_batches_of_nothing_are_refused(count, size):
    with pytest.raises(DataError, match=f"found {count} training examples for batches of {size}"):
        batches(count, size, 1)


def test_the_training_examples_that_are_evaluated_are_a_fixed_part_of_those_trained_on():
    chosen = evaluated_rows(60, 25, "eval_train", fraction=0.5)
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    assert len(chosen) == 25
    assert set(chosen) <= set(training_part(60, 0.5))
    np.testing.assert_array_equal(chosen, evaluated_rows(60, 25, "eval_train", fraction=0.5))


@pytest.mark.parametrize(("found", "rows"), [(60, 25), (20, 20)])
def test_of_held_out_examples_the_first_are_evaluated_or_all_that_are_left(found, rows):
    assert evaluated_rows(found, 25, "validation", fraction=0.5).tolist() == list(range(rows))


def test_an_example_counts_if_one_of_its_parts_does():
    weights = np.float32([[1, 0], [0, 0], [0, 1]])
    assert is_counted({"targets": np.zeros(3), "weights": weights}).tolist() == [True, False, True]


def test_every_example_counts_where_a_batch_has_no_weights():
    assert is_counted({"targets": np.zeros((2, 5))}).tolist() == [True, True]


def test_weights_of_parts_are_padded_as_those_of_rows():
    weights = np.float32([[1, 1, 0]])
    padded = pad_batch({"targets": np.zeros((1, 3)), "weights": weights}, 2)
    assert padded["weights"].tolist() == [[1, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize("weights", [[1, 0], [[1, 1, 1], [0, 0, 0]]])
def test_a_weight_of_a_row_is_that_of_each_of_its_targets(weights):
    batch = {"targets": np.zeros((2, 3)), "weights": np.float32(weights)}
    assert part_weights(batch).tolist() == [[1, 1, 1], [0, 0, 0]]
