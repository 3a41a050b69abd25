import pytest
from frameworks import AS_ARRAY, image_batch, in_both, numpy_of, rng

from mlgolf.core.errors import MethodError
from mlgolf.methods import ColOut, Cutout, Mixup, RegularisationCurriculum, Stage


@in_both
def test_it_goes_from_small_images_over_shrunk_ones_to_whole_ones_that_are_mixed(as_array):
    method = RegularisationCurriculum(classes=3)
    batches = [method.transform(image_batch(as_array), rng(), p) for p in (0.0, 0.4, 0.8)]
    assert [tuple(b["inputs"].shape[2:]) for b in batches] == [(12, 8), (17, 10), (20, 12)]
    assert [b["targets"].ndim for b in batches] == [1, 1, 2]
    assert (numpy_of(batches[2])["inputs"] == 0).any()


def test_the_last_stage_goes_on_beyond_the_end():
    stages = (Stage(until=0.5, transforms=(ColOut(),)), Stage(until=1.0, transforms=(Cutout(),)))
    method = RegularisationCurriculum(stages=stages)
    assert [type(method.at(p)[0]) for p in (0.0, 0.5, 1.0, 2.0)] == [ColOut, Cutout, Cutout, Cutout]


def test_classes_are_passed_on_to_mixup():
    (mixup,) = [m for m in RegularisationCurriculum(classes=7).at(1.0) if isinstance(m, Mixup)]
    assert mixup.classes == 7


def test_outside_its_window_the_batch_is_the_same_object():
    batch = image_batch(AS_ARRAY["torch"])
    assert RegularisationCurriculum(start=0.2).transform(batch, rng(), 0.1) is batch


@pytest.mark.parametrize("ends", [(), (0.5, 0.5), (0.8, 0.4)])
def test_stages_that_do_not_follow_one_another_are_refused(ends):
    with pytest.raises(MethodError, match="rising `until`"):
        RegularisationCurriculum(stages=tuple(Stage(until=e, transforms=()) for e in ends))
