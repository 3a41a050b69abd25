import numpy as np
import pytest
from PIL import Image

from mlgolf.core.errors import DataError
from mlgolf.data import image_folder
from mlgolf.data.bad_records import BadRecords
from mlgolf.data.image_folder import (
    PackedImages,
    class_names,
    join_indices,
    pack,
    shards_of,
)


def write_image(path, shade, size=(4, 3), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (shade, shade, shade)).convert(mode).save(path)


@pytest.fixture
def source(tmp_path):
    for shade, name in enumerate(["b/1.PNG", "a/2.png", "a/1.PNG"]):
        write_image(tmp_path / "train" / name, shade)
    return tmp_path / "train"


def shades(images):
    return [int(images[i].max()) for i in range(len(images))]


def test_labels_follow_the_sorted_names_of_the_classes(source, tmp_path):
    pack(source, tmp_path / "packed", class_names(source))
    images = PackedImages(tmp_path / "packed", 0)
    assert (images.labels.tolist(), shades(images)) == ([0, 0, 1], [2, 1, 0])


def test_images_decode_to_height_width_and_three_channels(source, tmp_path):
    write_image(source / "a" / "3.PNG", 9, size=(5, 7), mode="L")
    pack(source, tmp_path / "packed", ["a", "b"])
    images = PackedImages(tmp_path / "packed", 0)
    assert [images[i].shape for i in range(4)] == [(3, 4, 3), (3, 4, 3), (7, 5, 3), (3, 4, 3)]


@pytest.mark.parametrize("limit", [0, 108])
def test_images_are_the_same_decoded_at_once_or_when_asked_for(source, tmp_path, limit):
    pack(source, tmp_path / "packed", ["a", "b"])
    images = PackedImages(tmp_path / "packed", limit)
    assert images.decoded_bytes == 108
    assert (images.is_decoded, shades(images)) == (limit == 108, [2, 1, 0])


def test_images_go_on_in_a_new_shard_when_one_is_full(source, tmp_path, monkeypatch):
    monkeypatch.setattr(image_folder, "SHARD_BYTES", 100)
    pack(source, tmp_path / "packed", ["a", "b"])
    assert len(list((tmp_path / "packed").glob("shard_*.bin"))) == 3
    assert shades(PackedImages(tmp_path / "packed", 0)) == [2, 1, 0]


def test_a_folder_may_be_named_by_its_class_number(tmp_path):
    write_image(tmp_path / "test" / "10" / "x.jpeg", 0)
    pack(tmp_path / "test", tmp_path / "packed", [f"n{i:02d}" for i in range(11)])
    assert PackedImages(tmp_path / "packed", 0).labels.tolist() == [10]


def test_a_class_that_training_does_not_have_is_refused(tmp_path):
    write_image(tmp_path / "val" / "zebra" / "x.PNG", 0)
    with pytest.raises(DataError, match="zebra: found a class that the training split"):
        pack(tmp_path / "val", tmp_path / "packed", ["a", "b"])


def test_a_file_that_is_no_image_is_refused_by_name(source, tmp_path):
    (source / "a" / "broken.PNG").write_text("not an image")
    with pytest.raises(DataError, match=r"broken\.PNG: found no image"):
        pack(source, tmp_path / "packed", ["a", "b"])


def test_a_folder_without_classes_is_refused(tmp_path):
    with pytest.raises(DataError, match="expected one per class"):
        class_names(tmp_path)


def test_pixels_come_back_as_they_were_stored(tmp_path):
    pixels = np.random.default_rng(0).integers(256, size=(6, 5, 3), dtype=np.uint8)
    (tmp_path / "train" / "a").mkdir(parents=True)
    Image.fromarray(pixels).save(tmp_path / "train" / "a" / "1.PNG")
    pack(tmp_path / "train", tmp_path / "packed", ["a"])
    np.testing.assert_array_equal(PackedImages(tmp_path / "packed", 0)[0], pixels)


def test_a_shard_whose_images_are_all_bad_does_no_harm(source, tmp_path, monkeypatch):
    monkeypatch.setattr(image_folder, "SHARD_BYTES", 100)  # one image each
    (source / "a" / "2.png").write_bytes(b"not an image" * 9)
    bad, target = BadRecords(source), tmp_path / "packed"
    target.mkdir()
    found = [shard.write(target, tmp_path, bad) for shard in shards_of(source, ["a", "b"])]
    join_indices(target, tmp_path)
    assert (found, dict(bad.counts)) == ([1, 0, 1], {"a/2.png": 1})
    assert shades(PackedImages(target, 0)) == [2, 0]
