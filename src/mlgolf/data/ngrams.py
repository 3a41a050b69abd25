"""What a model that counts tokens, or pairs of them, loses on a text: how hard the text is.

Probabilities are counts of the training text with one added to each token (Laplace); those of a
bigram model are mixed with the unigram's, with as much weight as `PRIOR` tokens seen.
"""

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.arrays import FloatArray

PRIOR = 64.0  # found best among powers of two on the mini text of finewebedu_lm

Rows = NDArray[np.integer]


def unigram_losses(train: Rows, rows: Rows, vocabulary: int) -> FloatArray:
    """Nats of each token but the first of its row, knowing how common tokens are.

    Args:
      train, rows: (rows, length + 1), tokens below `vocabulary`.
    Returns: (rows, length).
    """
    return -np.log(_shares(train, vocabulary))[rows[:, 1:]]


def bigram_losses(train: Rows, rows: Rows, vocabulary: int) -> FloatArray:
    """Nats of each token but the first of its row, knowing the token before it.

    Args and returns as of `unigram_losses`.
    """
    pairs = np.unique(_pairs(train, vocabulary), return_counts=True)
    before = np.bincount(train[:, :-1].reshape(-1), minlength=vocabulary)
    wanted = _pairs(rows, vocabulary)
    place = np.minimum(np.searchsorted(pairs[0], wanted), len(pairs[0]) - 1)
    seen = np.where(pairs[0][place] == wanted, pairs[1][place], 0)
    prior = PRIOR * _shares(train, vocabulary)[rows[:, 1:]]
    return -np.log((seen + prior) / (before[rows[:, :-1]] + PRIOR))


def _shares(train: Rows, vocabulary: int) -> FloatArray:
    """(vocabulary,): of the tokens that are predicted."""
    counts = np.bincount(train[:, 1:].reshape(-1), minlength=vocabulary) + 1.0
    return counts / counts.sum()


def _pairs(rows: Rows, vocabulary: int) -> NDArray[np.int64]:
    """(rows, length): one number for each pair of neighbours."""
    return rows[:, :-1].astype(np.int64) * vocabulary + rows[:, 1:]
