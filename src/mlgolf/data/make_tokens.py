"""Small token files in the published format: documentation of Python, in tokens of our own.

Some documents are kept for held-out data. All others are the training text, which the tokenizer
is trained on: byte pairs, as GPT-2's. Of the held-out documents' passages, each as long as a row of
a batch, a draw decides which are evaluated on.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

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
    texts = documents()
    order = np.random.default_rng([seed, len(SPLITS)]).permutation(len(texts))
    held_out = recipe.held_out_documents
    validation, test, train = np.split(order, [held_out, 2 * held_out])
    tokenizer = trained_tokenizer([texts[i] for i in train], recipe.vocabulary)
    train_tokens = encoded(tokenizer, [texts[i] for i in train])
    if "train" in splits:
        write_tokens(raw / FOLDERS["train"], train_tokens)
    known = passages(train_tokens, recipe.passage)
    for split, chosen in {"validation": validation, "test": test}.items():
        if split in splits:
            pool = passages(encoded(tokenizer, [texts[i] for i in chosen]), recipe.passage)
            losses = bigram_losses(known, pool, recipe.vocabulary).mean(axis=1)
            rng = np.random.default_rng([draw, SPLITS.index(split)])
            drawn = stratified(losses, examples[split], rng)
            write_tokens(raw / FOLDERS[split], pool[drawn].tolist())


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


def encoded(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """The tokens of each text, with END_OF_TEXT behind them."""
    with _one_thread():
        encodings = tokenizer.encode_batch_fast([f"{text}{END_OF_TEXT}" for text in texts])
    return [cast(list[int], encoding.ids) for encoding in encodings]


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


def passages(documents: Sequence[Sequence[int]], length: int) -> Passages:
    """All tokens one after the other, cut into (passages, length); what is left over is left."""
    tokens = np.concatenate([np.array(document, np.uint16) for document in documents])
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
