"""Small token files in the published format: documentation of Python, in tokens of our own.

Some documents are kept for held-out data. All others are the training text, which the tokenizer
is trained on: byte pairs, as GPT-2's. Of the held-out documents' passages, each as long as a row of
a batch, a draw decides which are evaluated on.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from mlgolf.core.arrays import IntArray
from mlgolf.core.workload import SPLITS
from mlgolf.data.ngrams import bigram_losses
from mlgolf.data.python_docs import documents
from mlgolf.data.recipes import TextRecipe
from mlgolf.data.token_files import write_tokens

END_OF_TEXT = "<|endoftext|>"  # behind each document
FOLDERS = {"train": "train", "validation": "val", "test": "test"}
DOCUMENTS_PER_FILE = 200  # or passages

Tokens = NDArray[np.uint16]  # of one document
Passages = NDArray[np.uint16]  # (passages, length)


def make_tokens(
    raw: Path, recipe: TextRecipe, examples: Mapping[str, int], seed: int, draw: int,
    splits: Sequence[str] = SPLITS,
) -> None:
    """Write `raw/{train,val,test}`, each a dataset of its own.

    Args:
      examples: how many rows of validation and test are drawn.
      seed: of which documents are held out, and of their order. draw: of the held-out passages.
    """
    encoded_texts = _encoded_texts(tuple(documents()), recipe, seed)
    if "train" in splits:
        train = [tokens.tolist() for tokens in encoded_texts["train"]]
        write_tokens(raw / FOLDERS["train"], train, DOCUMENTS_PER_FILE)
    for split in ("validation", "test"):
        if split in splits:
            rng = np.random.default_rng([draw, SPLITS.index(split)])
            pool = passages(encoded_texts[split], recipe.passage)
            known = passages(encoded_texts["train"], recipe.passage)
            losses = bigram_losses(known, pool, recipe.vocabulary).mean(axis=1)
            drawn = stratified(losses, examples[split], rng)
            write_tokens(raw / FOLDERS[split], pool[drawn].tolist(), DOCUMENTS_PER_FILE)


@lru_cache(maxsize=1)  # what all draws of a seed share: the slow part
def _encoded_texts(
    texts: tuple[str, ...], recipe: TextRecipe, seed: int
) -> Mapping[str, list[Tokens]]:
    """By split, the tokens of its documents. Those of the training split made the tokenizer."""
    order = np.random.default_rng([seed, len(SPLITS)]).permutation(len(texts))
    held_out = recipe.held_out_documents
    validation, test, train = (
        [texts[i] for i in part] for part in np.split(order, [held_out, 2 * held_out])
    )
    tokenizer = trained_tokenizer(train, recipe.vocabulary)
    parts = {"train": train, "validation": validation, "test": test}
    return {split: encoded(tokenizer, part) for split, part in parts.items()}


def trained_tokenizer(texts: Sequence[str], vocabulary: int) -> Tokenizer:
    """Byte-pair encoding of `texts`. Every character of other texts must be in these."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=[END_OF_TEXT], show_progress=False
    )
    with _one_thread():
        tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def encoded(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Tokens]:
    """The tokens of each text, with END_OF_TEXT behind them."""
    with _one_thread():
        encodings = tokenizer.encode_batch_fast([f"{text}{END_OF_TEXT}" for text in texts])
    return [np.array(encoding.ids, np.uint16) for encoding in encodings]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Threads of the library would make it complain wherever this process forks later.

    The environment is the only place where it looks for what is wanted.
    """
    name = "TOKENIZERS_PARALLELISM"
    before = os.environ.get(name)
    os.environ[name] = "false"
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


def passages(documents: Sequence[Tokens], length: int) -> Passages:
    """All tokens one after the other, cut into (passages, length); what is left over is left."""
    tokens = np.concatenate(documents)
    return tokens[: len(tokens) // length * length].reshape(-1, length)


def stratified(losses: NDArray, wanted: int, rng: np.random.Generator) -> IntArray:
    """Which passages are drawn, (wanted,): one from each of `wanted` groups of equal losses.

    Each passage is as likely as the others (but for a few that fill no group), and a mean over
    those drawn differs less from draw to draw than that over independent ones.
    """
    candidates = len(losses) // wanted
    if not candidates:
        raise ValueError(f"{len(losses)} passages are too few to draw {wanted}")
    kept = np.sort(rng.permutation(len(losses))[: candidates * wanted])
    groups = kept[np.argsort(losses[kept], kind="stable")].reshape(wanted, candidates)
    return rng.permutation(groups[np.arange(wanted), rng.integers(candidates, size=wanted)])
