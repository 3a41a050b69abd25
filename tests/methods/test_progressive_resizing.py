import numpy as np
import pytest
from frameworks import AS_ARRAY, image_batch, images, in_both, numpy_of, rng
from hypothesis import given
from hypothesis.strategies import floats
from numpy.testing import assert_allclose

from mlgolf.core.errors import MethodError
from mlgolf.methods import ProgressiveResizing


def test_images_are_small_at_first_and_whole_for_the_last_part():
    method = ProgressiveResizing(initial_scale=0.5, delay=0.4, finetune=0.2)
    assert [method.at(p) for p in (0.0, 0.39, 0.6, 0.8, 1.0)] == [0.5, 0.5, 0.75, 1.0, 1.0]


@given(first=floats(0, 1.2), second=floats(0, 1.2))
def test_images_never_shrink(first, second):
    method = ProgressiveResizing()
    assert method.at(min(first, second)) <= method.at(max(first, second))


def test_the_mean_cost_of_the_defaults_is_that_of_the_arithmetic():
    scales = np.array([ProgressiveResizing(levels=1000).at(p) for p in np.linspace(0, 1, 10_001)])
    assert (scales**2).mean() == pytest.approx(0.5 * 0.25 + 0.3 * 0.583 + 0.2, abs=2e-3)


@in_both
@pytest.mark.parametrize("mode", ["resize", "crop"])
def test_sides_are_multiples_of_4(as_array, mode):
    method = ProgressiveResizing(initial_scale=0.6, mode=mode)
    batch = method.transform(image_batch(as_array, height=32, width=24), rng(), 0.0)
    assert batch["inputs"].shape == (3, 2, 20, 16)


def test_sizes_are_few():
    method = ProgressiveResizing(levels=3)
    batch = image_batch(AS_ARRAY["torch"], height=64, width=64)
    sizes = [method.transform(batch, rng(), p)["inputs"].shape[2] for p in np.linspace(0, 1, 200)]
    assert sorted(set(sizes)) == [32, 44, 52, 64]


def test_both_frameworks_resize_alike():
    found = [
        numpy_of(ProgressiveResizing().transform(image_batch(as_array), rng(), 0.0))["inputs"]
        for as_array in AS_ARRAY.values()
    ]
    assert_allclose(*found, rtol=1e-5)


@in_both
def test_a_resized_image_of_one_colour_has_that_colour(as_array):
    batch = {"inputs": as_array(np.full((1, 3, 20, 20), 2.5, np.float32))}
    found = numpy_of(ProgressiveResizing().transform(batch, rng(), 0.0))["inputs"]
    assert_allclose(found, np.full((1, 3, 12, 12), 2.5), rtol=1e-6)


@in_both
def test_a_crop_is_a_part_of_the_image(as_array):
    method = ProgressiveResizing(mode="crop")
    found = numpy_of(method.transform(image_batch(as_array), rng(), 0.0))["inputs"]
    top, left = np.argwhere(images()[0, 0] == found[0, 0, 0, 0])[0]
    height, width = found.shape[2:]
    assert_allclose(found, images()[:, :, top : top + height, left : left + width])


@in_both
def test_in_the_last_part_the_batch_is_the_same_object(as_array):
    batch = image_batch(as_array)
    assert ProgressiveResizing().transform(batch, rng(), 0.9) is batch


def test_a_finetuning_longer_than_the_delay_leaves_is_refused():
    with pytest.raises(MethodError, match=r"finetune=0\.6.*delay=0\.5"):
        ProgressiveResizing(delay=0.5, finetune=0.6)
