"""Batches of images: `inputs` (B, 3, H, W) float32, normalised; `targets` (B,) int64.

The raw format is that of ImageNet's archives: `{train,val,test}/<class>/*.JPEG`, where `test` is
ImageNet-v2 with its folders named by the classes' numbers.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.arrays import Batch, IntArray
from mlgolf.core.errors import DataError
from mlgolf.core.workload import SPLITS, Size
from mlgolf.data.image_crops import Pixels, centre_crop, random_crop
from mlgolf.data.image_folder import PackedImages, class_names, join_indices, shards_of
from mlgolf.data.indexed import OpenIndexed
from mlgolf.data.pieces import RAW_FOLDERS, Piece, Pieces, write_all
from mlgolf.workloads.imagenet_resnet.spec import TRAIN_MEAN, TRAIN_STDDEV, Images

_MEAN, _STDDEV = (np.array(v, np.float32)[:, None, None] for v in (TRAIN_MEAN, TRAIN_STDDEV))


DRAWN = SPLITS  # which digits are held out, and so which are trained on
MADE_BY = ("mlgolf.data.make_digits", "mlgolf.data.image_folder")


def make(
    raw: Path, size: Size, seed: int, draw: int, splits: Sequence[str] = SPLITS
) -> None:
    """Pairs of digits as PNG files in class folders."""
    # scikit-learn takes a second to load, and nothing but this needs it.
    from mlgolf.data.make_digits import make_digit_folders

    make_digit_folders(raw, size.data.recipe, size.examples, draw)


def prepare(
    raw: Path, prepared: Path, size: Size, splits: Sequence[str] = SPLITS
) -> None:
    """Shards of encoded images, as `image_folder.py` describes them.

    Raises: DataError if a split is missing, or holds another number of images than it should.
    """
    write_all(pieces(raw, size, splits), raw, prepared)


def pieces(raw: Path, size: Size, splits: Sequence[str] = SPLITS) -> Pieces:
    """One for each shard. Raises: DataError if a class is missing, or one too many."""
    classes = class_names(raw / RAW_FOLDERS["train"])
    if len(classes) != size.model.classes:
        raise DataError(
            f"{raw / RAW_FOLDERS['train']}: found {len(classes)} class folders, expected "
            f"{size.model.classes}."
        )

    def check_count(split: str, images: int) -> None:
        expected = size.examples[split]
        if images != expected:
            raise DataError(
                f"{raw / RAW_FOLDERS[split]}: found {images:,} images, expected {expected:,}."
            )

    return Pieces(
        pieces=[
            Piece(
                split=split, name=shard.name, sources=shard.paths,
                read=shard.read, write=shard.write,
            )
            for split in splits for shard in shards_of(raw / RAW_FOLDERS[split], classes)
        ],
        splits=splits,
        check_count=check_count,
        finish=join_indices,
    )


def open_split(folder: Path, size: Size, split: str) -> OpenIndexed:
    """Images are decoded at once if they fit into memory.

    In training they are cropped at random and, where the size says so, flipped; in evaluation the
    crop is central.
    """
    data: Images = size.data
    images = PackedImages(folder, data.decoded_limit_bytes)

    def rows(chosen: IntArray, rng: np.random.Generator | None) -> Batch:
        pixels = np.empty((len(chosen), data.resolution, data.resolution, 3), np.uint8)
        for row, number in zip(pixels, chosen, strict=True):
            image = images[number]
            row[:] = central(image, data) if rng is None else augment(image, data, rng)
        return {"inputs": normalised(pixels), "targets": images.labels[chosen]}

    return OpenIndexed(len(images), size, split, rows)


def augment(image: Pixels, data: Images, rng: np.random.Generator) -> Pixels:
    crop = random_crop(image, data.resolution, data.crop_area, data.crop_aspect, rng)
    if data.flip_probability and rng.random() < data.flip_probability:
        return crop[:, ::-1]
    return crop


def central(image: Pixels, data: Images) -> Pixels:
    return centre_crop(image, data.shorter_side, data.resolution)


def normalised(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(B, H, W, 3) to (B, 3, H, W); mean 0 and standard deviation 1 on ImageNet."""
    return (pixels.transpose(0, 3, 1, 2).astype(np.float32, order="C") - _MEAN) / _STDDEV
