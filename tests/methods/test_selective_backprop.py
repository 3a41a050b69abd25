"""Choosing is tested on losses that are given, training on what is chosen on a small network."""

import linear_jax
import linear_torch
import numpy as np
import pytest
import torch
from frameworks import AS_ARRAY, image_batch, in_both, numpy_of, rng, tokens
from numpy.testing import assert_allclose, assert_array_equal

from mlgolf.core.errors import MethodError
from mlgolf.methods import SelectiveBackprop, SmallModelSelection, reducible, selected
from mlgolf.methods.arrays import subset
from mlgolf.methods.losses_jax import example_losses as losses_jax
from mlgolf.methods.losses_torch import example_losses as losses_torch
from mlgolf.torch import gradients

ALWAYS = {"start": 0.0, "end": 1.0, "interrupt": 0, "scale": 1.0}


def losses(size=32):
    return rng(3).permutation(size).astype(np.float32)


@in_both
@pytest.mark.parametrize(("keep", "count"), [(0.5, 16), (0.3, 10), (0.001, 1), (1.0, 32)])
def test_the_share_that_is_kept_is_the_one_asked_for_and_never_nothing(as_array, keep, count):
    chosen = SelectiveBackprop(keep=keep, **ALWAYS).choose(as_array(losses()), rng(), 0.5)
    places = np.asarray(chosen)
    assert len(places) == count
    assert places.tolist() == sorted(set(places.tolist()))


@in_both
def test_without_chance_the_highest_losses_are_kept(as_array):
    method = SelectiveBackprop(keep=0.25, sampled=False, **ALWAYS)
    places = np.asarray(method.choose(as_array(losses()), rng(), 0.5))
    assert sorted(losses()[places]) == list(range(24, 32))


def test_both_frameworks_choose_the_same():
    chosen = [
        np.asarray(SelectiveBackprop(**ALWAYS).choose(as_array(losses()), rng(4), 0.5))
        for as_array in AS_ARRAY.values()
    ]
    assert_array_equal(*chosen)


def test_a_higher_loss_is_chosen_more_often():
    method, draws, times = SelectiveBackprop(keep=0.25, **ALWAYS), rng(), np.zeros(32)
    given = AS_ARRAY["torch"](np.arange(32, dtype=np.float32))
    for _ in range(400):
        times[np.asarray(method.choose(given, draws, 0.5))] += 1
    low, middle, high = times.reshape(4, 8)[[0, 1, 3]].sum(axis=1) / times.sum()
    assert low < middle < high
    assert low < 0.02
    assert high > 0.4


@in_both
def test_a_loss_that_is_no_number_counts_as_the_highest(as_array):
    given = np.array([3.0, np.nan, 1.0, 2.0], np.float32)
    method = SelectiveBackprop(keep=0.25, sampled=False, **ALWAYS)
    assert np.asarray(method.choose(as_array(given), rng(), 0.5)).tolist() == [1]


def test_it_applies_within_its_window_except_at_every_so_many_steps():
    method = SelectiveBackprop(start=0.5, end=0.9, interrupt=3)
    assert [method.applies(0.6, step) for step in range(6)] == [True, True, False] * 2
    assert not any(method.applies(p, 0) for p in (0.0, 0.49, 0.9, 1.0))


def test_where_it_does_not_apply_no_loss_is_computed_and_the_batch_is_the_same_object():
    batch = image_batch(AS_ARRAY["torch"])
    same = selected(SelectiveBackprop(), batch, lambda _: pytest.fail("computed"), rng(), 0.1, 0)
    assert same is batch


@in_both
def test_losses_are_computed_on_downscaled_examples_and_whole_ones_are_kept(as_array):
    seen, batch = [], image_batch(as_array, count=4)

    def scores(preview):
        seen.append(tuple(preview["inputs"].shape))
        return as_array(np.array([0.0, 5.0, 1.0, 9.0], np.float32))

    method = SelectiveBackprop(sampled=False, interrupt=0)
    kept = numpy_of(selected(method, batch, scores, rng(), 0.6, 0))
    assert seen == [(4, 2, 10, 6)]
    for name, array in numpy_of(batch).items():
        assert_array_equal(kept[name], array[[1, 3]])


@in_both
def test_tokens_are_chosen_at_full_length_and_not_at_a_scale(as_array):
    scores = as_array(np.array([1.0, 2.0], np.float32))
    method = SelectiveBackprop(**ALWAYS, sampled=False)
    kept = selected(method, tokens(as_array), lambda _: scores, rng(), 0.5, 0)
    assert kept["inputs"].shape == (1, 64)
    with pytest.raises(MethodError, match="it is for images"):
        selected(SelectiveBackprop(), tokens(as_array), lambda _: scores, rng(), 0.6, 0)


def test_a_batch_whose_arrays_have_no_common_first_axis_is_refused():
    batch = {"inputs": torch.zeros(6, 2), "targets": torch.zeros(3)}
    with pytest.raises(MethodError, match=r"arrays of \[3, 6\] rows"):
        subset(batch, np.array([0]))


def test_losses_of_examples_are_those_of_the_workload_in_both_frameworks():
    ours, theirs = linear_torch.LinearWorkload(), linear_jax.LinearWorkload()
    found = losses_torch(ours)(linear_torch.Linear(), None, ours.batches[0], None)
    assert not found.requires_grad
    expected = losses_jax(theirs)(linear_jax.params(), None, theirs.batches[0], None)
    assert_allclose(found, expected, rtol=1e-5)


def test_gradients_of_the_chosen_examples_are_the_ordinary_gradients_of_that_subset():
    workload, model = linear_torch.LinearWorkload(), linear_torch.Linear()
    batch, losses = workload.batches[0], losses_torch(workload)
    method = SelectiveBackprop(keep=0.5, **ALWAYS)
    chosen = selected(method, batch, lambda b: losses(model, None, b, None), rng(1), 0.5, 0)
    places = method.choose(losses(model, None, batch, None), rng(1), 0.5)
    _, found, _ = gradients(workload, model, None, chosen, None, {})
    by_hand = {name: array[places] for name, array in batch.items()}
    residuals = by_hand["weights"] * (model(by_hand["inputs"]) - by_hand["targets"])
    residuals = (residuals / by_hand["weights"].sum()).detach()
    expected = {"bias": residuals.sum(), "weight": by_hand["inputs"].T @ residuals}
    for (name, _), gradient in zip(model.named_parameters(), found, strict=True):
        assert_allclose(gradient, expected[name], rtol=1e-5, atol=1e-6)


@in_both
def test_a_small_model_keeps_what_it_finds_hardest(as_array):
    small = as_array(np.array([0.1, 2.0, 0.3, 1.0], np.float32))
    kept = selected(
        SmallModelSelection(), image_batch(as_array, count=4), lambda _: small, rng(), 0.0, 0
    )
    assert_array_equal(numpy_of(kept)["targets"], [1, 0])


@in_both
def test_a_reducible_loss_is_what_the_small_model_has_less_of(as_array):
    large = as_array(np.array([3.0, 3.0, 1.0], np.float32))
    small = as_array(np.array([3.0, 0.5, 0.0], np.float32))
    scores = reducible(lambda _: large, lambda _: small)({})
    assert_array_equal(np.asarray(scores), [0.0, 2.5, 1.0])
