"""How hard the mini text is, from its data as a run draws them."""

import numpy as np
import pytest

from mlgolf.data import layout
from mlgolf.data.ngrams import bigram_losses, unigram_losses
from mlgolf.workloads.finewebedu_lm import WORKLOAD

VOCABULARY = WORKLOAD.size("mini").data.vocabulary


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("text")
    layout.ensure(WORKLOAD, "mini", folder)
    prepared = layout.prepared_folder(WORKLOAD, "mini", folder)
    return {split: np.load(prepared / split / "rows.npy") for split in ("train", "validation")}


def test_the_readme_tells_what_counting_tokens_and_pairs_of_them_loses(rows):
    unigram, bigram = (
        losses(rows["train"], rows["validation"], VOCABULARY).mean()
        for losses in (unigram_losses, bigram_losses)
    )
    assert (unigram, bigram) == (pytest.approx(5.57, abs=0.02), pytest.approx(3.85, abs=0.02))
