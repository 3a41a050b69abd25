"""Small click logs in the published format, with labels from a hidden factorisation machine.

Deterministic in the seed, file by file. Most of what there is to learn lies in pairs of features,
so a model must find the hidden vectors; the labels are drawn, so no model gets below their entropy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from mlgolf.core.arrays import BoolArray, FloatArray, IntArray
from mlgolf.core.workload import SPLITS
from mlgolf.data.click_format import CATEGORICAL, COLUMNS, DENSE, LABEL
from mlgolf.data.recipes import ClickRecipe

_CANDIDATES = 8  # per held-out row
_DENSE_MEAN, _DENSE_STDDEV = 2.0, 1.0  # of log(1 + x), for the integers x that are filled


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenMachine:
    """What decides the labels. Features are the filled dense ones, then the filled categories."""

    recipe: ClickRecipe
    popularity: tuple[FloatArray, ...]  # per categorical column: (values,), cumulated
    names: tuple[pl.Series, ...]  # per categorical column: (values,), 8 hexadecimal digits each
    weights: tuple[FloatArray, ...]  # per feature: (values,) or (1,)
    vectors: tuple[FloatArray, ...]  # per feature: (values, factors) or (1, factors)

    @classmethod
    def draw(cls, recipe: ClickRecipe, seed: int) -> Self:
        rng = np.random.default_rng([seed, 0])
        values = (1,) * recipe.dense + recipe.categories
        return cls(
            recipe=recipe,
            popularity=tuple(_zipf(n, recipe.zipf_exponent) for n in recipe.categories),
            names=tuple(_hexadecimal_names(rng, n) for n in recipe.categories),
            weights=tuple(rng.standard_normal(n) for n in values),
            vectors=tuple(rng.standard_normal((n, recipe.factors)) for n in values),
        )

    def sample(self, rng: np.random.Generator, rows: int) -> tuple[FloatArray, list[IntArray]]:
        """Standardised dense features (rows, dense) and, per column, which value each row has."""
        dense = rng.standard_normal((rows, self.recipe.dense))
        values = [np.searchsorted(p, rng.random(rows)) for p in self.popularity]
        return dense, values

    def logits(self, dense: FloatArray, values: list[IntArray]) -> FloatArray:
        """(rows,): log-odds of a click, with the spread that the recipe gives each part."""
        rows, recipe = len(dense), self.recipe
        linear, total, squares = np.zeros(rows), np.zeros((rows, recipe.factors)), np.zeros(rows)
        for feature in range(recipe.dense + len(values)):
            if feature < recipe.dense:
                x = dense[:, feature]
                vector = x[:, None] * self.vectors[feature]
                linear += x * self.weights[feature]
            else:
                value = values[feature - recipe.dense]
                vector = self.vectors[feature][value]
                linear += self.weights[feature][value]
            total += vector
            squares += (vector**2).sum(axis=1)
        # Rendle (2010): the sum over pairs of inner products, in linear time.
        pairs = ((total**2).sum(axis=1) - squares) / 2
        features = len(self.weights)
        pair_scale = recipe.pair_stddev / np.sqrt(features * (features - 1) / 2 * recipe.factors)
        linear_scale = recipe.linear_stddev / np.sqrt(features)
        return recipe.bias + linear_scale * linear + pair_scale * pairs


def write_clicks(path: Path, machine: HiddenMachine, rng: np.random.Generator, rows: int) -> None:
    """One file of `rows` lines, independent of each other."""
    dense, values = machine.sample(rng, rows)
    clicked = rng.random(rows) < _probability(machine.logits(dense, values))
    _write(path, machine.recipe, machine.names, rng, dense, values, clicked)


def write_stratified_clicks(
    path: Path, machine: HiddenMachine, rng: np.random.Generator, rows: int
) -> None:
    """One file of `rows` lines whose log-odds and labels are spread evenly.

    Each line is distributed as an independent one would be, but a loss over them varies less from
    draw to draw: of candidates sorted by their log-odds one is taken from each group, and labels
    follow their probabilities by systematic sampling (Madow and Madow, 1944) along that order.
    """
    dense, values = machine.sample(rng, rows * _CANDIDATES)
    logits = machine.logits(dense, values)
    groups = np.argsort(logits).reshape(rows, _CANDIDATES)
    chosen = groups[np.arange(rows), rng.integers(_CANDIDATES, size=rows)]
    passed = np.floor(rng.random() + np.cumsum(_probability(logits[chosen])))
    clicked = np.diff(passed, prepend=0.0) > 0
    order = rng.permutation(rows)
    chosen, clicked = chosen[order], clicked[order]
    columns = [value[chosen] for value in values]
    _write(path, machine.recipe, machine.names, rng, dense[chosen], columns, clicked)


def _probability(logits: FloatArray) -> FloatArray:
    return 1 / (1 + np.exp(-logits))


def _write(
    path: Path, recipe: ClickRecipe, names: tuple[pl.Series, ...], rng: np.random.Generator,
    dense: FloatArray, values: list[IntArray], clicked: BoolArray,
) -> None:
    integers = np.expm1(np.maximum(_DENSE_MEAN + _DENSE_STDDEV * dense, 0)).astype(np.int64)
    missing = rng.random(dense.shape) < recipe.missing
    columns: dict[str, pl.Series | None] = dict.fromkeys(COLUMNS)  # empty unless filled below
    columns[LABEL] = pl.Series(clicked.astype(np.int8))
    for name, column, gone in zip(DENSE, integers.T, missing.T, strict=False):
        columns[name] = pl.Series(column).set(pl.Series(gone), None)
    for name, known, value in zip(CATEGORICAL, names, values, strict=False):
        columns[name] = known.gather(value)
    pl.DataFrame(columns).write_csv(path, separator="\t", include_header=False)


def make_clicks(
    raw: Path, recipe: ClickRecipe, examples: Mapping[str, int], seed: int, draw: int,
    splits: Sequence[str] = SPLITS,
) -> None:
    """Write files for `examples` rows of each of the splits, named as the published ones.

    Args:
      seed: of the hidden machine and the training rows. draw: of the held-out rows.
    """
    machine = HiddenMachine.draw(recipe, seed)
    for number, (split, name, rows) in enumerate(_files(recipe, examples), start=1):
        if split == "train" and split in splits:
            write_clicks(raw / name, machine, np.random.default_rng([seed, number]), rows)
        elif split in splits:
            rng = np.random.default_rng([draw, number])
            write_stratified_clicks(raw / name, machine, rng, rows)


def _files(recipe: ClickRecipe, examples: Mapping[str, int]) -> list[tuple[str, str, int]]:
    """Split, name and rows: train from day 0 on, test day_23_00 to 18, validation 19 to 35."""
    train = [
        ("train", f"day_{n % 23}_{n // 23:02d}", rows)
        for n, rows in enumerate(_pieces(examples["train"], recipe.rows_per_file))
    ]
    held_out = [
        (split, f"day_23_{first + n:02d}", rows)
        for first, split in ((0, "test"), (19, "validation"))
        for n, rows in enumerate(_pieces(examples[split], recipe.rows_per_file))
    ]
    return train + held_out


def _pieces(rows: int, size: int) -> list[int]:
    """`rows` cut into files of `size`, the last one perhaps smaller."""
    return [min(size, rows - start) for start in range(0, rows, size)]


def _zipf(values: int, exponent: float) -> FloatArray:
    """Cumulated probabilities of ranks 1 to `values`; the last is exactly 1."""
    cumulated = np.cumsum(np.arange(1, values + 1, dtype=np.float64) ** -exponent)
    return cumulated / cumulated[-1]


def _hexadecimal_names(rng: np.random.Generator, count: int) -> pl.Series:
    return pl.Series([f"{n:08x}" for n in rng.integers(2**32, size=count)])
