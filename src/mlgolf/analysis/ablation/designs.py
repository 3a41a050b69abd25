"""Which combinations of methods an ablation trains: all of them, or a fraction that is balanced.

A cell is one combination. In a regular fraction the levels of some factors are products of the
levels of others, so some effects are sums that no analysis of it can take apart: its aliases. The
resolution is the fewest factors in a product that is constant: with 5, main effects and
interactions of two are clear of each other; with 4, interactions of two hide each other.

Source: Box and Hunter (1961), The 2^(k-p) fractional factorial designs, Technometrics 3, 311-351.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import prod

import numpy as np

from mlgolf.core.arrays import IntArray
from mlgolf.core.errors import ScoringError

MOST_FACTORS = 8
LETTERS = "ABCDEFGH"
# (factors, resolution) -> what the last factors are products of. Elsewhere all cells are needed.
GENERATORS = {
    (4, 4): ("ABC",),
    (5, 4): ("ABCD",), (5, 5): ("ABCD",),
    (6, 4): ("ABC", "BCD"), (6, 5): ("ABCDE",),
    (7, 4): ("ABC", "BCD", "ACD"), (7, 5): ("ABCDEF",),
    (8, 4): ("BCD", "ACD", "ABC", "ABD"), (8, 5): ("ABCD", "ABEF"),
}  # fmt: skip

Term = tuple[str, ...]  # factors whose levels are multiplied: one of a main effect, two, ...


@dataclass(frozen=True)
class Design:
    """Args: levels: (cells, factors), 1 where the factor is on, -1 where it is off."""

    factors: tuple[str, ...]
    levels: IntArray

    @property
    def is_full(self) -> bool:
        return len(self.levels) == 2 ** len(self.factors)

    @property
    def cells(self) -> list[Term]:
        """The factors that are on, by cell."""
        return [
            tuple(name for name, level in zip(self.factors, row, strict=True) if level > 0)
            for row in self.levels
        ]

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """Main effects, then interactions of two."""
        mains = [(name,) for name in self.factors]
        return (*mains, *combinations(self.factors, 2))

    def column(self, term: Term) -> IntArray:
        """(cells,), 1 or -1: the product of the levels."""
        return self.levels[:, [self.factors.index(name) for name in term]].prod(axis=1)

    @cached_property
    def defining_words(self) -> tuple[tuple[Term, int], ...]:
        """Products that are the same in all cells, and whether that is 1 or -1."""
        sizes = range(1, len(self.factors) + 1)
        found = []
        for word in (word for size in sizes for word in combinations(self.factors, size)):
            column = self.column(word)
            if (column == column[0]).all():
                found.append((word, int(column[0])))
        return tuple(found)

    @property
    def resolution(self) -> int | None:
        """None for a full design, which hides nothing."""
        return min((len(word) for word, _ in self.defining_words), default=None)

    @cached_property
    def aliases(self) -> dict[Term, tuple[tuple[Term, int], ...]]:
        """By main effect or interaction of two: those that it cannot be told apart from.

        With each its sign: what is estimated is the sum of all, so signed.
        """
        columns = {term: self.column(term) for term in self.terms}
        count = len(self.levels)
        return {
            term: tuple(
                (other, sign) for other in self.terms if other != term
                if abs(sign := int(column @ columns[other]) // count) == 1
            )
            for term, column in columns.items()
        }  # fmt: skip

    def leads(self, term: Term) -> bool:
        """Whether it is the first of its aliases: so each is counted, and told, once."""
        order = self.terms.index
        return all(order(term) < order(other) for other, _ in self.aliases[term])


def full_design(factors: Sequence[str]) -> Design:
    """Every combination, the one without any first. Raises: ScoringError."""
    _check(factors)
    count = len(factors)
    on = np.arange(2**count)[:, None] >> np.arange(count) & 1
    return Design(tuple(factors), 2 * on - 1)


def fractional_design(factors: Sequence[str], resolution: int) -> Design:
    """The smallest regular fraction of at least that resolution, 4 or 5, with the cell of none.

    Where there is none it is the full design. Raises: ScoringError.
    """
    if resolution not in (4, 5):
        raise ScoringError(f"resolution: found {resolution}, allowed are 4 and 5")
    _check(factors)
    generators = GENERATORS.get((len(factors), resolution), ())
    base = full_design(factors[: len(factors) - len(generators)]).levels
    added = [
        # The sign that keeps the combination without any method: it is the baseline.
        -((-1) ** len(word)) * prod(base[:, LETTERS.index(letter)] for letter in word)
        for word in generators
    ]
    return Design(tuple(factors), np.column_stack([base, *added]))


def design_of(cells: Sequence[Term], source: str) -> Design:
    """The design that was played, by its cells. Args: source: for errors.

    Raises: ScoringError where cells are missing.
    """
    # In the order in which the largest combination names them, which is how they were asked for.
    largest_first = sorted(cells, key=len, reverse=True)
    factors = tuple(dict.fromkeys(name for cell in largest_first for name in cell))
    if not factors:
        raise ScoringError(f"{source}: found one cell without methods, expected several")
    _check(factors)
    levels = np.array([[1 if name in cell else -1 for name in factors] for cell in cells])
    design = Design(factors, levels)
    if not _is_regular(design):
        full = {frozenset(cell) for cell in full_design(factors).cells}
        lacking = sorted("+".join(n for n in factors if n in cell) or "none" for cell in
                         full - {frozenset(cell) for cell in cells})  # fmt: skip
        raise ScoringError(
            f"{source}: found {len(cells)} of {len(full)} combinations of {', '.join(factors)}, "
            "allowed are all of them, or a balanced fraction of resolution 4 or more (main effects "
            "are clear of one another and of interactions of two). Missing: "
            f"{', '.join(lacking[:8])}{' …' if len(lacking) > 8 else ''}. Play them, or continue "
            "the run with --resume"
        )
    return design


def _is_regular(design: Design) -> bool:
    """Whether effects are each clear of one another or the same, and main effects clear."""
    columns = np.stack([design.column(term) for term in design.terms])
    count, mains = len(design.levels), len(design.factors)
    products = np.abs(columns @ columns.T)
    clear = (products[:mains] - count * np.eye(mains, len(columns)) == 0).all()
    balanced = (columns.sum(axis=1) == 0).all()
    return bool(clear and balanced and np.isin(products, (0, count)).all())


def _check(factors: Sequence[str]) -> None:
    if not 1 <= len(factors) <= MOST_FACTORS:
        raise ScoringError(
            f"found {len(factors)} methods, allowed are 1 to {MOST_FACTORS}: the number of "
            "combinations doubles with each"
        )
    if len(set(factors)) < len(factors):
        raise ScoringError(f"found a method twice: {', '.join(factors)}. Give each once")
