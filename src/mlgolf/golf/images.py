"""Folders of images, one folder for each class."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from mlgolf.core.errors import DataError
from mlgolf.data.image_folder import SUFFIXES, class_names
from mlgolf.golf.examples import Examples, as_npz, as_targets, check_count, listed

GREY = {"L", "1", "I;16", "I"}


def read_images(path: Path) -> Examples:
    """Raises: DataError, a line for each problem."""
    classes = class_names(path)
    files = [(name, file) for name in classes for file in _images_in(path / name)]
    problems = [
        f"{path / name}: found no image ({', '.join(sorted(SUFFIXES))})"
        for name in classes if not any(_images_in(path / name))
    ]
    try:
        check_count(len(files), "image")
    except DataError as error:
        problems.append(f"{path}: {error}")
    images, unreadable = _decoded([file for _, file in files])
    problems += listed(unreadable)
    problems += _sizes_that_differ(path, images)
    try:
        targets = as_targets([name for name, _ in files], numbers=False) if files else None
    except DataError as error:
        problems.append(f"{path}: {error}")
        targets = None
    if problems or targets is None:
        raise DataError("\n".join(problems))
    inputs = np.stack([np.asarray(image.convert(_mode(images))) for image in images.values()])
    inputs = inputs[:, None] if inputs.ndim == 3 else np.moveaxis(inputs, 3, 1)
    return Examples(
        shape=inputs.shape[1:], targets=targets.values, kind="images", classes=targets.classes,
        file="data.npz", content=as_npz(inputs=inputs, targets=targets.values),
        keys={"divide_by": 255.0}, comments=targets.comments,
    )


def _images_in(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.iterdir()) if file.suffix.lower() in SUFFIXES)


def _decoded(files: list[Path]) -> tuple[dict[Path, Image.Image], list[str]]:
    images, problems = {}, []
    for file in files:
        try:
            with Image.open(file) as image:
                image.load()
                images[file] = image
        except (OSError, Image.DecompressionBombError) as error:
            problems.append(f"{file}: found no image that can be read: {error}")
    return images, problems


def _sizes_that_differ(path: Path, images: dict[Path, Image.Image]) -> list[str]:
    sizes = {image.size: file for file, image in images.items()}
    if len(sizes) < 2:
        return []
    some = ", ".join(f"{width} x {height} ({file})" for (width, height), file in sizes.items())
    return [f"{path}: images have {len(sizes)} sizes, make them one: {some}"]


def _mode(images: dict[Path, Image.Image]) -> str:
    return "L" if all(image.mode in GREY for image in images.values()) else "RGB"
