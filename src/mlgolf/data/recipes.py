"""The `data` of a size, and recipes: the numbers that small raw data are generated from.

Records only, cheap to import. They stand in a workload's `spec.py`; the generators that follow a
recipe are `make_digits.py`, `make_clicks.py` and `make_tokens.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeData:
    """How the data of a size lie and are read. A workload's own record adds its numbers to it."""

    folder: str  # sizes that differ in the network alone share one
    recipe: Any = None  # what raw data are made of, at mini size; None where they are published

    @property
    def is_made(self) -> bool:
        return self.recipe is not None

    @property
    def shapes(self) -> Shapes:
        """Of the arrays of one training example, by their names in a batch."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitRecipe:
    """Two handwritten digits on a cluttered colour canvas; both are of the image's class.

    The 1,797 digits of scikit-learn are dealt to the splits first, so that no digit of a
    validation or test image was ever seen in training.
    """

    canvas: int  # pixels of a side
    digit_pixels: tuple[int, int]  # smallest and largest side of a pasted digit
    jitter: int  # pixels a digit may stray from the middle of its half
    clutter: int  # fragments of other digits strewn over the canvas
    ground: float  # brightest colour of the canvas, in units of the grey range
    contrast: tuple[float, float]  # how much brighter each channel of a stroke is
    noise: float  # standard deviation per pixel and channel, in units of the grey range
    digits: tuple[int, int, int]  # how many of the 1,797 go to train, validation and test


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickRecipe:
    """Clicks drawn from a hidden factorisation machine over Zipf categories and dense features.

    Columns of the format that are not filled stay empty, as missing values do in the published
    logs.
    """

    rows_per_file: int
    dense: int  # how many of the 13 integer columns are filled
    categories: tuple[int, ...]  # number of values of each categorical column that is filled
    zipf_exponent: float  # the k-th commonest value has probability proportional to k ** -exponent
    factors: int  # length of the hidden vectors
    bias: float  # mean logit
    linear_stddev: float  # of the part of the logit that is additive in the features
    pair_stddev: float  # of the part that comes from pairs of features
    missing: float  # share of the filled integers that is left empty


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRecipe:
    """Documentation of Python in tokens: a draw decides which documents are held out."""

    vocabulary: int  # tokens, of which one ends a document
    passage: int  # tokens of a held-out passage: those of a row
    drawn_documents: int  # validation passages are drawn from so many, test ones from as many
