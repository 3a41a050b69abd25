import numpy as np
import pytest
from frameworks import AS_ARRAY, image_batch, images, in_both, numpy_of, rng
from numpy.testing import assert_array_equal

from mlgolf.core.errors import MethodError
from mlgolf.methods import ColOut


@in_both
def test_the_image_shrinks_to_the_share_that_is_kept(as_array):
    batch = ColOut(p_row=0.15, p_col=0.25).transform(image_batch(as_array), rng(), 0.0)
    assert batch["inputs"].shape == (3, 2, 17, 9)


@in_both
def test_the_image_is_made_of_the_kept_rows_and_columns_in_order(as_array):
    batch = numpy_of(ColOut(p_row=0.5, p_col=0.5).transform(image_batch(as_array), rng(), 0.0))
    whole, found = images(), batch["inputs"]
    # Every pixel differs, so the corners of the first image say which rows and columns are left.
    rows = [int(np.argwhere(whole[0, 0] == pixel)[0][0]) for pixel in found[0, 0, :, 0]]
    columns = [int(np.argwhere(whole[0, 0] == pixel)[0][1]) for pixel in found[0, 0, 0]]
    assert rows == sorted(set(rows))
    assert columns == sorted(set(columns))
    assert_array_equal(found, whole[:, :, rows][:, :, :, columns])


def test_both_frameworks_keep_the_same():
    found = [
        numpy_of(ColOut().transform(image_batch(as_array), rng(5), 0.0))["inputs"]
        for as_array in AS_ARRAY.values()
    ]
    assert_array_equal(*found)


@in_both
def test_targets_stay_and_the_batch_given_does_too(as_array):
    before = image_batch(as_array)
    after = ColOut().transform(before, rng(), 0.0)
    assert after["targets"] is before["targets"]
    assert_array_equal(np.asarray(before["inputs"]), images())


@in_both
def test_late_in_training_the_image_is_whole_and_has_a_square_cut_out(as_array):
    found = numpy_of(ColOut(end=0.8).transform(image_batch(as_array), rng(), 0.8))["inputs"]
    assert found.shape == images().shape
    assert (found == 0).any(axis=(1, 2, 3)).all()


@in_both
def test_without_a_follower_nothing_changes_late_in_training(as_array):
    batch = image_batch(as_array)
    assert ColOut(then=None).transform(batch, rng(), 0.9) is batch


def test_there_are_as_many_sizes_as_settings_whatever_is_drawn():
    method, draws = ColOut(multiple=4), rng()
    batch = image_batch(AS_ARRAY["torch"])
    sizes = {tuple(method.transform(batch, draws, p)["inputs"].shape) for p in np.linspace(0, 1)}
    assert sizes == {(3, 2, 16, 12), (3, 2, 20, 12)}


@in_both
def test_inputs_that_are_no_images_are_refused_by_name(as_array):
    batch = {"inputs": as_array(np.zeros((4, 7), np.float32))}
    with pytest.raises(MethodError, match=r"colout: found an array of shape \(4, 7\)"):
        ColOut().transform(batch, rng(), 0.0)
