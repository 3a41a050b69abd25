"""Folders of image files, one folder per class, packed into shards of encoded bytes.

A shard is the files' bytes one after the other; `index.npy` says where each image lies, how large
it is decoded and which class it has. Images stay as they were published: nothing is encoded anew.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlgolf.core.arrays import IntArray
from mlgolf.core.errors import DataError

SUFFIXES = frozenset({".jpeg", ".jpg", ".png"})
SHARD_BYTES = 2**30
INDEX = "index.npy"
RECORD = np.dtype([
    ("shard", "<u4"), ("offset", "<u8"), ("length", "<u4"),
    ("height", "<u4"), ("width", "<u4"), ("label", "<u4"),
])  # fmt: skip
CHANNELS = 3  # every image is decoded to RGB, whatever its file holds


def class_names(folder: Path) -> list[str]:
    """Names of the class folders, sorted: a class's place in this list is its label.

    Raises: DataError if there are none.
    """
    names = sorted(p.name for p in folder.glob("*") if p.is_dir())
    if not names:
        raise DataError(f"{folder}: found no folders, expected one per class, with images in it.")
    return names


def pack(source: Path, target: Path, classes: Sequence[str]) -> int:
    """Write the images below `source` as shards into the folder `target`.

    Args:
      classes: names in the order of their labels. A folder of another name counts as the label
        itself if it is a number, as in ImageNet-v2.
    Returns: how many images there were.
    Raises: DataError if a folder names no class or a file holds no image.
    """
    target.mkdir(parents=True)
    records, shard, offset = [], 0, 0
    for label, path in _labelled_files(source, classes):
        encoded = path.read_bytes()
        if offset and offset + len(encoded) > SHARD_BYTES:
            shard, offset = shard + 1, 0
        with _shard_file(target, shard).open("ab") as file:
            file.write(encoded)
        width, height = _dimensions(path, encoded)
        records.append((shard, offset, len(encoded), height, width, label))
        offset += len(encoded)
    np.save(target / INDEX, np.array(records, RECORD))
    return len(records)


class PackedImages:
    """Reads what `pack` wrote: `images[i]` decoded, `images.labels[i]` its class.

    Args:
      folder: one split.
      decoded_limit_bytes: if all images take no more than this in memory, they are decoded once,
        now; otherwise each is decoded whenever it is asked for.
    """

    def __init__(self, folder: Path, decoded_limit_bytes: int) -> None:
        self._index: NDArray = np.load(folder / INDEX)
        self._shards = [
            np.memmap(_shard_file(folder, shard), np.uint8, mode="r")
            for shard in range(int(self._index["shard"].max(initial=0)) + 1)
        ]
        self.labels: IntArray = self._index["label"].astype(np.int64)
        pixels = self._index["height"].astype(np.int64) * self._index["width"]
        self.decoded_bytes = int(pixels.sum()) * CHANNELS
        self._decoded: list[NDArray[np.uint8]] | None = None
        if self.decoded_bytes <= decoded_limit_bytes:
            self._decoded = [self._decode(i) for i in range(len(self))]

    @property
    def is_decoded(self) -> bool:
        """Whether all images are kept decoded in memory."""
        return self._decoded is not None

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, number: int) -> NDArray[np.uint8]:
        """(height, width, 3), as large as it was stored."""
        return self._decode(number) if self._decoded is None else self._decoded[number]

    def _decode(self, number: int) -> NDArray[np.uint8]:
        where = self._index[number]
        begin, length = int(where["offset"]), int(where["length"])
        encoded = self._shards[where["shard"]][begin : begin + length]
        return np.asarray(Image.open(io.BytesIO(encoded.tobytes())).convert("RGB"))


def _labelled_files(source: Path, classes: Sequence[str]) -> list[tuple[int, Path]]:
    labels = {name: label for label, name in enumerate(classes)}
    return [
        (_label(source / name, labels), path)
        for name in class_names(source)
        for path in sorted((source / name).iterdir())
        if path.suffix.lower() in SUFFIXES
    ]


def _label(folder: Path, labels: dict[str, int]) -> int:
    if folder.name in labels:
        return labels[folder.name]
    if folder.name.isdecimal() and int(folder.name) < len(labels):
        return int(folder.name)
    raise DataError(
        f"{folder}: found a class that the training split does not have, expected the name or the "
        f"number of one of its {len(labels)} classes."
    )


def _dimensions(path: Path, encoded: bytes) -> tuple[int, int]:
    """Width and height, from the header alone."""
    try:
        return Image.open(io.BytesIO(encoded)).size
    except OSError as error:
        raise DataError(f"{path}: found no image that can be read: {error}.") from None


def _shard_file(folder: Path, shard: int) -> Path:
    return folder / f"shard_{shard:04d}.bin"
