import numpy as np
import pytest

from mlgolf.data import ngrams
from mlgolf.data.ngrams import bigram_losses, unigram_losses

TRAIN = np.array([[0, 1, 0, 1], [2, 0, 1, 1]])  # predicted: 1 0 1, 0 1 1


def test_a_unigram_model_knows_how_common_tokens_are():
    # With one added to each: 0 is 3 of 10, 1 is 5 of 10, 2 and 3 are 1 of 10.
    shares = np.exp(-unigram_losses(TRAIN, np.array([[3, 0, 1, 2, 3]]), 4))
    np.testing.assert_allclose(shares, [[0.3, 0.5, 0.1, 0.1]])


def test_a_bigram_model_knows_what_followed():
    # 0 was followed by 1 three times of three; the prior adds 0.5 of PRIOR.
    (loss,) = bigram_losses(TRAIN, np.array([[0, 1]]), 4)
    assert np.exp(-loss) == pytest.approx((3 + 0.5 * ngrams.PRIOR) / (3 + ngrams.PRIOR))


def test_after_a_token_that_was_never_seen_a_bigram_model_is_a_unigram_model():
    rows = np.array([[3, 0], [3, 1], [3, 2]])
    np.testing.assert_allclose(bigram_losses(TRAIN, rows, 4), unigram_losses(TRAIN, rows, 4))


@pytest.mark.parametrize("losses", [unigram_losses, bigram_losses])
@pytest.mark.parametrize("before", range(4))
def test_probabilities_of_what_may_follow_sum_to_one(losses, before):
    rows = np.array([[before, after] for after in range(4)])
    assert np.exp(-losses(TRAIN, rows, 4)).sum() == pytest.approx(1)
