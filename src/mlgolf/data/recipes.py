"""Recipes: the numbers that small raw data are generated from. Records only, cheap to import.

They stand in a workload's `spec.py`; the generators that follow them are `make_digits.py`,
`make_clicks.py` and `make_tokens.py`.
"""

from dataclasses import dataclass


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
