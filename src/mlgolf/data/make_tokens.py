"""Small token files in the published format: documentation of Python, in tokens of our own.

A draw decides which documents are held out, some for validation and others for test. All the rest
are the training text, which the tokenizer is trained on: byte pairs, as GPT-2's. Of the held-out
documents' passages, each as long as a row of a batch, the draw then takes those that are evaluated
on.
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
from mlgolf.data.pieces import RAW_FOLDERS
from mlgolf.data.python_docs import documents
from mlgolf.data.recipes import TextRecipe
from mlgolf.data.token_files import write_tokens

END_OF_TEXT = "<|endoftext|>"  # behind each document
DOCUMENTS_PER_FILE = 200  # or passages
LONGEST_HELD_OUT = 1.15  # held-out documents, as a multiple of what so many have on average

Tokens = NDArray[np.uint16]  # of one document
Passages = NDArray[np.uint16]  # (passages, length)


def make_tokens(
    raw: Path, recipe: TextRecipe, examples: Mapping[str, int], draw: int,
    splits: Sequence[str] = SPLITS,
) -> None:
    """Write `raw/{train,val,test}`, each a dataset of its own.

    Args:
      examples: how many rows of validation and test are drawn.
      draw: of which documents are held out, of the order of all, and of the held-out passages.
    """
    encoded_texts = _encoded_texts(tuple(documents()), recipe, draw)
    known = passages(encoded_texts["train"], recipe.passage)
    if "train" in splits:
        train = [tokens.tolist() for tokens in encoded_texts["train"]]
        write_tokens(raw / RAW_FOLDERS["train"], train, DOCUMENTS_PER_FILE)
    for split in ("validation", "test"):
        if split in splits:
            rng = np.random.default_rng([draw, SPLITS.index(split)])
            pool = passages(encoded_texts[split], recipe.passage)
            losses = bigram_losses(known, pool, recipe.vocabulary).mean(axis=1)
            drawn = stratified(losses, examples[split], rng)
            write_tokens(raw / RAW_FOLDERS[split], pool[drawn].tolist(), DOCUMENTS_PER_FILE)


@lru_cache(maxsize=1)  # the slow part, the same for all splits of a draw
def _encoded_texts(
    texts: tuple[str, ...], recipe: TextRecipe, draw: int
) -> Mapping[str, list[Tokens]]:
    """By split, the tokens of its documents. Those of the training split made the tokenizer."""
    per_split = recipe.drawn_documents
    order = drawn_order([len(text) for text in texts], 2 * per_split, draw)
    validation, test, train = (
        [texts[i] for i in part] for part in np.split(order, [per_split, 2 * per_split])
    )
    tokenizer = trained_tokenizer(train, recipe.vocabulary)
    parts = {"train": train, "validation": validation, "test": test}
    return {split: encoded(tokenizer, part) for split, part in parts.items()}


def drawn_order(lengths: Sequence[int], held_out: int, draw: int) -> IntArray:
    """An order of documents, those that are held out first.

    The draw is repeated while these are so long that training rows might be missing.
    Args: lengths: characters of each document. held_out: how many documents are.
    """
    rng = np.random.default_rng([draw, len(SPLITS)])
    most = LONGEST_HELD_OUT * held_out * np.mean(lengths)
    while True:
        order = rng.permutation(len(lengths))
        if np.take(lengths, order[:held_out]).sum() <= most:
            return order


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
