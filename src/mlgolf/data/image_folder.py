"""Folders of image files, one folder per class, packed into shards of encoded bytes.

A shard is the files' bytes one after the other; `index.npy` says where each image lies, how large
it is decoded and which class it has. Images stay as they were published: nothing is encoded anew.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlgolf.core.arrays import IntArray
from mlgolf.core.errors import DataError
from mlgolf.data.bad_records import BadRecords
from mlgolf.data.parallel import mapped

SUFFIXES = frozenset({".jpeg", ".jpg", ".png"})
SHARD_BYTES = 2**30
INDEX = "index.npy"
RECORD = np.dtype([
    ("shard", "<u4"), ("offset", "<u8"), ("length", "<u4"),
    ("height", "<u4"), ("width", "<u4"), ("label", "<u4"),
])  # fmt: skip
AT_ONCE = 64  # images that one thread decodes
CHANNELS = 3  # every image is decoded to RGB, whatever its file holds

Labelled = tuple[int, Path]  # its class, and its file


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
    bad = BadRecords(source)
    with TemporaryDirectory() as scratch:
        found = [shard.write(target, Path(scratch), bad) for shard in shards_of(source, classes)]
        bad.refuse("Replace these images.")
        join_indices(target, Path(scratch))
    return sum(found)


@dataclass(frozen=True, slots=True)
class Shard:
    """Images that are packed into one file."""

    number: int
    images: Sequence[Labelled]

    @property
    def name(self) -> str:
        return f"shard_{self.number:04d}"

    @property
    def paths(self) -> list[Path]:
        return [path for _, path in self.images]

    def read(self, bad: BadRecords) -> int:
        """Decode all images. Returns: how many of them can be; `bad` hears of the others."""
        return sum(1 for _ in self._good(bad))

    def write(self, target: Path, scratch: Path, bad: BadRecords) -> int:
        """The same; those that can be decoded are written, and an index of them into `scratch`."""
        records, offset = [], 0
        with _shard_file(target, self.number).open("wb") as file:
            for label, encoded, (width, height) in self._good(bad):
                file.write(encoded)
                records.append((self.number, offset, len(encoded), height, width, label))
                offset += len(encoded)
        np.save(scratch / f"{self.name}.npy", np.array(records, RECORD))
        return len(records)

    def _good(self, bad: BadRecords) -> Iterator[tuple[int, bytes, tuple[int, int]]]:
        """Label, encoded image, width and height of each that can be decoded."""
        groups = (self.images[at : at + AT_ONCE] for at in range(0, len(self.images), AT_ONCE))
        for label, path, encoded, found in chain.from_iterable(mapped(_decoded, groups)):
            if isinstance(found, str):
                bad.add(path, "", found)
            elif not bad.add_if_changed(path, encoded):
                yield label, encoded, found


def shards_of(source: Path, classes: Sequence[str]) -> list[Shard]:
    """How the images below `source` are divided. Args, raises: as of `pack`."""
    shards: list[list[Labelled]] = []
    filled = 0
    for label, path in _labelled_files(source, classes):
        size = path.stat().st_size
        if not shards or filled + size > SHARD_BYTES:
            shards.append([])
            filled = 0
        shards[-1].append((label, path))
        filled += size
    return [Shard(number, images) for number, images in enumerate(shards)]


def join_indices(target: Path, scratch: Path) -> None:
    """Make one index of those that shards have left in `scratch`, for those that are there."""
    parts = [np.load(scratch / f"{path.stem}.npy") for path in sorted(target.glob("shard_*.bin"))]
    np.save(target / INDEX, np.concatenate(parts) if parts else np.empty(0, RECORD))


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
            _mapped_file(_shard_file(folder, shard))
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


def _decoded(images: Sequence[Labelled]) -> list[tuple[int, Path, bytes, tuple[int, int] | str]]:
    """For each its bytes; and the image's width and height, or why it is none."""
    read = [(label, path, path.read_bytes()) for label, path in images]
    return [(label, path, encoded, _size_or_fault(encoded)) for label, path, encoded in read]


def _size_or_fault(encoded: bytes) -> tuple[int, int] | str:
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            size = image.size
            image.draft(None, (1, 1))  # a JPEG is read to its end, but not computed in full
            image.load()
    except Exception as error:  # which ones a decoder raises is not written down anywhere
        return f"found no image that can be decoded: {error}"
    return size


def _mapped_file(path: Path) -> NDArray[np.uint8]:
    if path.stat().st_size == 0:  # all of its images were left out; nothing cannot be mapped
        return np.empty(0, np.uint8)
    return np.memmap(path, np.uint8, mode="r")


def _shard_file(folder: Path, shard: int) -> Path:
    return folder / f"shard_{shard:04d}.bin"
