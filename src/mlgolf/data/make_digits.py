"""Small colour images in class folders: two handwritten digits on a cluttered canvas.

The digits are those of scikit-learn (E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten
Digits, UCI, CC BY 4.0), 8 x 8 pixels each. Deterministic in the seed.
"""

from collections.abc import Mapping
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from mlgolf.core.arrays import FloatArray, IntArray
from mlgolf.data.pieces import RAW_FOLDERS
from mlgolf.data.recipes import DigitRecipe

BRIGHTEST = 16.0  # of a pixel of scikit-learn's digits
COLUMNS = (0.28, 0.72)  # where the two digits are centred, as shares of the canvas
AT_ONCE = 500  # images painted together

Masks = NDArray[np.float32]


def make_digit_folders(
    raw: Path, recipe: DigitRecipe, examples: Mapping[str, int], seed: int
) -> None:
    """Write `raw/{train,val,test}/<class>/<number>.PNG`; both digits of an image are of its class.

    Which digits are held out is drawn as well, so the training split depends on the seed, too.

    Args:
      examples: how many images train, validation and test get.
    """
    digits = load_digits()
    images, labels = digits.images / BRIGHTEST, digits.target  # pyright: ignore
    for number, (split, dealt) in enumerate(deal(len(labels), recipe, seed).items()):
        folder = raw / RAW_FOLDERS[split]
        for label in range(10):
            (folder / str(label)).mkdir(parents=True)
        rng = np.random.default_rng([seed, number])
        by_label = [np.flatnonzero(labels[dealt] == label) for label in range(10)]
        painter = Painter(images[dealt], recipe, rng)
        for start in range(0, examples[split], AT_ONCE):
            shown = rng.integers(10, size=min(AT_ONCE, examples[split] - start))
            pairs = np.array([rng.choice(by_label[label], 2) for label in shown])
            for image, label, pixels in zip(count(start), shown, painter.paint(pairs)):
                # Noise does not compress: trying to would only take longer.
                path = folder / str(label) / f"{image:06d}.PNG"
                Image.fromarray(pixels).save(path, compress_level=0)


def deal(digits: int, recipe: DigitRecipe, seed: int) -> dict[str, IntArray]:
    """Disjoint sets of digits for train, validation and test, by their number."""
    order = np.random.default_rng([seed, len(RAW_FOLDERS)]).permutation(digits)
    cuts = np.cumsum(recipe.digits)
    parts = np.split(order[: cuts[-1]], cuts[:-1])
    return dict(zip(RAW_FOLDERS, parts, strict=True))


class Painter:
    """Paints pairs of the digits it is given.

    Args:
      digits: (digits, 8, 8), in [0, 1].
    """

    def __init__(
        self, digits: FloatArray, recipe: DigitRecipe, rng: np.random.Generator
    ) -> None:
        smallest, largest = recipe.digit_pixels
        self.recipe, self.rng, self.smallest = recipe, rng, smallest
        # (sizes, digits, largest, largest): smaller ones lie in the upper left, zeros around.
        self.masks: Masks = np.zeros(
            (largest - smallest + 1, len(digits), largest, largest), np.float32
        )
        for side in range(smallest, largest + 1):
            self.masks[side - smallest, :, :side, :side] = enlarged(digits, side)

    def paint(self, pairs: IntArray) -> NDArray[np.uint8]:
        """Images (n, canvas, canvas, 3) of the digits numbered `pairs` (n, 2), left and right."""
        recipe, rng = self.recipe, self.rng
        shape = (len(pairs), recipe.canvas, recipe.canvas, 3)
        ground = recipe.ground * rng.random((len(pairs), 1, 1, 3), np.float32)
        canvas = np.broadcast_to(ground, shape).copy()
        for _ in range(recipe.clutter):
            blend(canvas, self._clutter(len(pairs)), self._ink(ground))
        for digit, column in zip(pairs.T, COLUMNS, strict=True):
            blend(canvas, self._digit(digit, column), self._ink(ground))
        canvas += recipe.noise * rng.standard_normal(shape, np.float32)
        return np.round(np.clip(canvas, 0, 1) * 255).astype(np.uint8)

    def _ink(self, ground: Masks) -> Masks:
        """(n, 1, 1, 3) colours, brighter than the ground in every channel."""
        contrast = self.rng.uniform(*self.recipe.contrast, ground.shape)
        return ground + contrast.astype(np.float32)

    def _digit(self, digit: IntArray, column: float) -> Masks:
        """Where a digit covers each canvas, (n, canvas, canvas), around a column of its middle."""
        recipe, rng = self.recipe, self.rng
        size = rng.integers(len(self.masks), size=len(digit))
        centre = np.array((0.5, column)) * recipe.canvas
        stray = rng.integers(-recipe.jitter, recipe.jitter, size=(len(digit), 2), endpoint=True)
        corner = np.round(centre + stray - (self.smallest + size[:, None]) / 2).astype(np.int64)
        return self._placed(digit, size, corner)

    def _clutter(self, images: int) -> Masks:
        """Where half of a digit covers each canvas: strokes like a digit's, but never a digit."""
        canvas, rng = self.recipe.canvas, self.rng
        digit = rng.integers(self.masks.shape[1], size=images)
        size = rng.integers(len(self.masks), size=images)
        middle = rng.integers(canvas, size=(images, 2))
        corner = middle - (self.smallest + size[:, None]) // 2
        cover = self._placed(digit, size, corner)
        # The half above, below, left or right of the digit's middle is shown.
        axis, later = rng.integers(2, size=images), rng.integers(2, size=images)
        beyond = np.arange(canvas) >= middle[np.arange(images), axis][:, None]
        shown = beyond == later[:, None].astype(bool)
        return cover * np.where(axis[:, None, None] == 0, shown[:, :, None], shown[:, None, :])

    def _placed(self, digit: IntArray, size: IntArray, corner: IntArray) -> Masks:
        """Each digit's mask with its upper left at `corner` (n, 2), on an empty canvas."""
        places = np.arange(self.recipe.canvas) - corner[:, :, None]
        largest = self.masks.shape[-1]
        inside = (places >= 0) & (places < largest)
        row, column = np.clip(places, 0, largest - 1).transpose(1, 0, 2)
        which = size[:, None, None], digit[:, None, None]
        cover = self.masks[*which, row[:, :, None], column[:, None, :]]
        return cover * (inside[:, 0, :, None] & inside[:, 1, None, :])


def enlarged(images: FloatArray, side: int) -> FloatArray:
    """(n, 8, 8) images scaled to (n, side, side), bilinear."""
    old = images.shape[1]
    places = np.clip((np.arange(side) + 0.5) * old / side - 0.5, 0, old - 1)
    weights = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(old)))
    return weights @ images @ weights.T


def blend(canvas: Masks, cover: Masks, ink: Masks) -> None:
    """Lay ink (n, 1, 1, 3) over the canvas, in place, as far as `cover` (n, side, side) says."""
    canvas += cover[..., None] * (ink - canvas)
