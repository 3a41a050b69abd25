"""Crops of images: random ones to train on, the central one to evaluate.

Images are (height, width, 3) uint8. A crop that needs no scaling is a view of the image.
"""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]  # left, upper, right, lower, in pixels
ATTEMPTS = 10  # random boxes tried before the central square is taken


def random_crop(
    image: Pixels, resolution: int, area: tuple[float, float], aspect: tuple[float, float],
    rng: np.random.Generator,
) -> Pixels:
    """A random box of the image, scaled to a square of `resolution` pixels.

    Args:
      area: least and greatest share of the image's area that the box may have.
      aspect: least and greatest ratio of its width to its height; drawn evenly in the logarithm.
    Source: Szegedy et al. (2015), arXiv:1409.4842, section 6.
    """
    height, width = image.shape[:2]
    return scaled(cut(image, random_box(width, height, area, aspect, rng)), resolution, resolution)


def random_box(
    width: int, height: int, area: tuple[float, float], aspect: tuple[float, float],
    rng: np.random.Generator,
) -> Box:
    """The first of some random boxes that fits; the central square if none does."""
    log_aspect = math.log(aspect[0]), math.log(aspect[1])
    for _ in range(ATTEMPTS):
        pixels = width * height * rng.uniform(*area)
        ratio = math.exp(rng.uniform(*log_aspect))
        box_width, box_height = round(math.sqrt(pixels * ratio)), round(math.sqrt(pixels / ratio))
        if 0 < box_width <= width and 0 < box_height <= height:
            left = int(rng.integers(width - box_width + 1))
            upper = int(rng.integers(height - box_height + 1))
            return left, upper, left + box_width, upper + box_height
    return central_box(width, height, min(width, height))


def centre_crop(image: Pixels, shorter_side: int, resolution: int) -> Pixels:
    """The image with its shorter side scaled to `shorter_side`, then its central square."""
    height, width = image.shape[:2]
    scale = shorter_side / min(height, width)
    image = scaled(image, round(width * scale), round(height * scale))
    return cut(image, central_box(image.shape[1], image.shape[0], resolution))


def central_box(width: int, height: int, side: int) -> Box:
    left, upper = (width - side) // 2, (height - side) // 2
    return left, upper, left + side, upper + side


def cut(image: Pixels, box: Box) -> Pixels:
    left, upper, right, lower = box
    return image[upper:lower, left:right]


def scaled(image: Pixels, width: int, height: int) -> Pixels:
    """Bilinear, and averaged over what a smaller image leaves out."""
    if image.shape[:2] == (height, width):
        return image
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized)
