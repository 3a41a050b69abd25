from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from mlgolf.core.errors import DataError
from mlgolf.data.recipes import DigitRecipe
from mlgolf.workloads.imagenet_resnet import WORKLOAD, data
from mlgolf.workloads.imagenet_resnet.spec import TRAIN_MEAN, TRAIN_STDDEV, Images

MINI = WORKLOAD.size("mini")
TINY = replace(
    MINI,
    name="tiny",
    examples={"train": 60, "eval_train": 25, "validation": 30, "test": 20},
    batch_size=16,
    eval_batch_size=12,
    data=Images(
        folder="tiny",
        resolution=12,
        shorter_side=16,
        crop_area=((12 / 16) ** 2, (12 / 16) ** 2),
        crop_aspect=(1.0, 1.0),
        flip_probability=0.0,
        recipe=DigitRecipe(
            canvas=16, digit_pixels=(8, 9), jitter=1, clutter=1, ground=0.5, contrast=(0.3, 0.5),
            noise=0.05, digits=(1_000, 400, 397),
        ),
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    data.make(folder, TINY, seed=0, draw=0)
    return folder


@pytest.fixture(scope="module")
def prepared(raw, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    data.prepare(raw, folder, TINY)
    return folder


def train(prepared, number, seed=0, size=TINY, batch_size=16):
    split = data.open_split(prepared / "train", size, "train")
    return list(islice(split.train_batches(batch_size, seed), number))


def evaluate(prepared, split):
    folder = prepared / ("train" if split == "eval_train" else split)
    return list(data.open_split(folder, TINY, split).eval_batches())


def test_prepared_data_have_one_folder_per_split(prepared):
    assert sorted(p.name for p in prepared.iterdir()) == ["test", "train", "validation"]


def test_batches_have_channels_first_and_integer_targets(prepared):
    (batch,) = train(prepared, 1)
    assert batch["inputs"].shape == (16, 3, 12, 12)
    assert batch["inputs"].dtype == np.float32
    assert batch["inputs"].flags.c_contiguous
    assert batch["targets"].shape == (16,)
    assert batch["targets"].dtype == np.int64


def test_batches_depend_on_the_seed_alone(prepared):
    first, again, other = (train(prepared, 6, seed) for seed in (1, 1, 2))
    assert all(
        np.array_equal(a[key], b[key]) for a, b in zip(first, again, strict=True) for key in a
    )
    assert not np.array_equal(first[0]["inputs"], other[0]["inputs"])


def test_batches_are_the_same_when_images_are_not_kept_decoded(prepared):
    on_the_fly = replace(TINY, data=replace(TINY.data, decoded_limit_bytes=0))
    for kept, decoded in zip(
        train(prepared, 4), train(prepared, 4, size=on_the_fly), strict=True
    ):
        np.testing.assert_array_equal(kept["inputs"], decoded["inputs"])


def test_training_batches_may_have_any_size(prepared):
    assert [len(b["targets"]) for b in train(prepared, 3, batch_size=7)] == [7, 7, 7]


def test_an_epoch_shows_every_class_as_often_as_it_occurs(prepared, raw):
    targets = np.concatenate([b["targets"] for b in train(prepared, 6, batch_size=10)])
    counts = [len(list((raw / "train" / str(label)).iterdir())) for label in range(10)]
    assert np.bincount(targets, minlength=10).tolist() == counts


@pytest.mark.parametrize(("split", "sizes"), [("validation", [12, 12, 6]), ("test", [12, 8])])
def test_evaluation_sees_every_example_once_and_pads_the_last_batch(prepared, split, sizes):
    batches = evaluate(prepared, split)
    assert [len(b["targets"]) for b in batches] == [12] * len(sizes)
    assert [b["weights"].sum() if "weights" in b else 12 for b in batches] == sizes


def test_evaluation_repeats_itself(prepared):
    for first, again in zip(*(evaluate(prepared, "validation") for _ in range(2)), strict=True):
        np.testing.assert_array_equal(first["inputs"], again["inputs"])


def test_pixels_are_normalised_by_the_published_mean_and_deviation():
    pixels = np.full((1, 2, 2, 3), 255, np.uint8)
    expected = (255 - np.array(TRAIN_MEAN)) / TRAIN_STDDEV
    np.testing.assert_allclose(data.normalised(pixels)[0, :, 0, 0], expected, rtol=1e-6)


def test_flips_mirror_the_image():
    flipping = replace(
        TINY.data, flip_probability=1.0, crop_area=(1.0, 1.0), resolution=16
    )
    image = np.random.default_rng(0).integers(256, size=(16, 16, 3), dtype=np.uint8)
    flipped = data.augment(image, flipping, np.random.default_rng(0))
    np.testing.assert_array_equal(flipped, image[:, ::-1])


def test_a_wrong_number_of_images_is_refused(raw, tmp_path):
    more = replace(TINY, examples={**TINY.examples, "train": 61})
    with pytest.raises(DataError, match="train: found 60 images, expected 61"):
        data.prepare(raw, tmp_path, more)


def test_a_wrong_number_of_classes_is_refused(raw, tmp_path):
    more = replace(TINY, model=replace(TINY.model, classes=1000))
    with pytest.raises(DataError, match="found 10 class folders, expected 1000"):
        data.prepare(raw, tmp_path, more)
