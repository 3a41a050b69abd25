"""How hard the mini text is, from its data as a run draws them."""

from importlib.resources import files

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


def told_by_the_readme(model: str) -> float:
    """The loss in the row of that model."""
    text = files("mlgolf.workloads.finewebedu_lm").joinpath("README.md").read_text()
    (row,) = (line for line in text.splitlines() if line.startswith(f"| {model} model"))
    return float(row.split("|")[2])


@pytest.mark.parametrize(
    ("model", "losses"), [("unigram", unigram_losses), ("bigram", bigram_losses)]
)
def test_the_readme_tells_what_counting_tokens_and_pairs_of_them_loses(rows, model, losses):
    found = losses(rows["train"], rows["validation"], VOCABULARY).mean()
    assert found == pytest.approx(told_by_the_readme(model), abs=0.02)
