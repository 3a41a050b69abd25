from frameworks import AS_ARRAY, image_batch, images, in_both, numpy_of, rng
from numpy.testing import assert_array_equal

from mlgolf.methods import Cutout


@in_both
def test_what_is_cut_out_is_one_box_in_all_channels_and_the_rest_stays(as_array):
    found = numpy_of(Cutout(length=0.5).transform(image_batch(as_array), rng(), 0.0))["inputs"]
    whole = images()
    for image, before in zip(found, whole, strict=True):
        cut = image == 0
        assert_array_equal(cut[0], cut[1])
        rows, columns = cut[0].any(axis=1), cut[0].any(axis=0)
        assert_array_equal(cut[0], rows[:, None] & columns)
        assert 0 < rows.sum() <= 10
        assert 0 < columns.sum() <= 6
        assert_array_equal(image[~cut], before[~cut])


def test_a_box_inside_has_the_whole_length():
    batch = image_batch(AS_ARRAY["torch"], count=200)
    cut = numpy_of(Cutout(length=0.25).transform(batch, rng(), 0.0))["inputs"][:, 0] == 0
    assert cut.any(axis=2).sum(axis=1).max() == 5
    assert cut.any(axis=1).sum(axis=1).max() == 3


def test_images_are_cut_at_different_places():
    batch = image_batch(AS_ARRAY["jax"], count=20)
    cut = numpy_of(Cutout().transform(batch, rng(), 0.0))["inputs"][:, 0] == 0
    assert len({image.tobytes() for image in cut}) > 10


def test_both_frameworks_cut_the_same():
    found = [
        numpy_of(Cutout().transform(image_batch(as_array), rng(5), 0.0))["inputs"]
        for as_array in AS_ARRAY.values()
    ]
    assert_array_equal(*found)


@in_both
def test_outside_its_window_the_batch_is_the_same_object(as_array):
    batch = image_batch(as_array)
    assert Cutout(start=0.5).transform(batch, rng(), 0.4) is batch
