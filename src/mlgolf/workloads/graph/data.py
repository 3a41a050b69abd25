"""Examples of a game: from scikit-learn, or from a host's file, to arrays per split.

A batch has `inputs` and `targets`, as the graph declares them, or the task that leaves the model
open. The host's file is checked against its hash before anything is read from it.
"""

import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.arrays import Batch
from mlgolf.core.errors import DataError
from mlgolf.core.text import enumerated
from mlgolf.core.workload import SPLITS, Size
from mlgolf.data.batches import shuffled_batches
from mlgolf.workloads.graph.generated import SUFFIX, generated
from mlgolf.workloads.graph.graph import Inputs
from mlgolf.workloads.graph.spec import Data

DRAWN: tuple[str, ...] = ()  # by default; a blind game draws all its splits
EXAMPLES, DRAW = "examples.npz", "draw"
RENAMING, GENERATING = 1, 2  # what a draw determines, besides which examples a split has
ANOTHER_GAME = (  # what a host does where the hash of a file is not the one that is written down
    "Data that changed are another round: write the new hash there, and raise `round` (1 if it is "
    "not given) in competition.toml"
)
ROWS = "rows.npy"  # of a split: which rows of the source its examples are, from 0


def make(raw: Path, size: Size, seed: int, draw: int, splits: Sequence[str] = SPLITS) -> None:
    """All examples, in the order of their source, and the number that splits are drawn by."""
    number = draw if size.data.blind else size.data.split_seed
    inputs, targets = _read(size.data, number)
    np.savez(raw / EXAMPLES, inputs=inputs, targets=targets)
    (raw / DRAW).write_text(f"{number}\n")


def check_source(size: Size) -> None:
    """Raises: DataError where the host's file, if it is at hand, is not the one that was hashed."""
    if size.data.file is not None and size.data.host_folder is not None:
        _checked_file(size.data)


def prepare(raw: Path, prepared: Path, size: Size, splits: Sequence[str] = SPLITS) -> None:
    """Raises: DataError for examples that the network cannot take, or too few of them."""
    data: Data = size.data
    examples = np.load(raw / EXAMPLES, allow_pickle=False)
    inputs, targets = examples["inputs"], examples["targets"]
    draw = int((raw / DRAW).read_text())
    order = _order(data, len(inputs), draw)
    if len(order) < data.train + data.twin:
        raise DataError(
            f"found {len(order)} examples; train = {data.train} and twin = {data.twin} ask for "
            f"{data.train + data.twin}"
        )
    chosen = {"train": order[: data.train], "test": order[data.train : data.train + data.twin]}
    inputs = _scaled(inputs, data, chosen["train"])
    inputs, targets = _as_declared(inputs, targets, size.model)
    if data.permute_labels:
        targets = _renamed(targets, draw)
    for split in size.splits:
        if split in splits:
            (prepared / split).mkdir(parents=True)
            np.save(prepared / split / "inputs.npy", inputs[chosen[split]])
            np.save(prepared / split / "targets.npy", targets[chosen[split]])
            np.save(prepared / split / ROWS, chosen[split])


def _order(data: Data, examples: int, draw: int) -> NDArray:
    """Rows of the source in the order in which splits take them, without those left out."""
    drawn = data.order == "drawn"
    rows = np.random.default_rng(draw).permutation(examples) if drawn else np.arange(examples)
    return rows[~np.isin(rows, data.leave_out)]


class Examples:
    """One split, open."""

    def __init__(self, inputs: NDArray, targets: NDArray, eval_batch_size: int) -> None:
        self._inputs, self._targets = inputs, targets
        self._eval_batch_size = eval_batch_size

    def train_batches(self, batch_size: int, seed: int) -> Iterator[Batch]:
        rng = np.random.default_rng(seed)
        for chosen in shuffled_batches(len(self._inputs), batch_size, rng):
            yield {"inputs": self._inputs[chosen], "targets": self._targets[chosen]}

    def eval_batches(self) -> Iterator[Batch]:
        for start in range(0, len(self._inputs), self._eval_batch_size):
            rows = slice(start, start + self._eval_batch_size)
            yield {"inputs": self._inputs[rows], "targets": self._targets[rows]}


def open_split(folder: Path, size: Size, split: str) -> Examples:
    inputs, targets = (np.load(folder / f"{name}.npy") for name in ("inputs", "targets"))
    return Examples(inputs, targets, size.eval_batch_size)


# --- from where a host has them ---


def _read(data: Data, draw: int) -> tuple[NDArray, NDArray]:
    """(inputs, targets), a row per example; what generates them is given `draw`. Raises: DataError.
    """
    if data.source is not None:
        return _of_scikit_learn(data.source)
    path = _checked_file(data)
    readers: dict[str, Callable[[Path, Data], tuple[NDArray, NDArray]]] = {
        ".npz": _read_arrays, ".csv": _read_columns, ".txt": _read_text,
        SUFFIX: partial(_generate, draw=draw),
    }
    if path.suffix not in readers:
        raise DataError(f"{path}: found {path.suffix!r}, allowed are {enumerated(readers)}")
    inputs, targets = readers[path.suffix](path, data)
    if len(inputs) != len(targets):
        raise DataError(f"{path}: found {len(inputs)} inputs and {len(targets)} targets")
    return inputs, targets


def _of_scikit_learn(source: str) -> tuple[NDArray, NDArray]:
    import sklearn.datasets

    return getattr(sklearn.datasets, f"load_{source}")(return_X_y=True)


def _checked_file(data: Data) -> Path:
    assert data.file is not None
    if data.host_folder is None:
        raise DataError(
            f"{data.file} is not at hand: give the game's folder as --competition"
        )
    path = data.host_folder / data.file
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    if found != data.sha256:
        raise DataError(
            f"{path}: its SHA-256 is {found}, data.toml has {data.sha256}. {ANOTHER_GAME}"
        )
    return path


def _read_arrays(path: Path, data: Data) -> tuple[NDArray, NDArray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: not an .npz of plain arrays: {error}") from None
    return _chosen(path, arrays, data)


def _generate(path: Path, data: Data, draw: int) -> tuple[NDArray, NDArray]:
    return _chosen(path, generated(path, [draw, GENERATING]), data)


def _chosen(
    path: Path, arrays: Mapping[str, NDArray], data: Data
) -> tuple[NDArray, NDArray]:
    for name in (data.inputs, data.targets):
        if name not in arrays:
            raise DataError(f"{path}: no array {name!r}; it has {', '.join(arrays)}")
    return arrays[data.inputs], arrays[data.targets]


def _read_text(path: Path, data: Data) -> tuple[NDArray, NDArray]:
    """Each character by those before it."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}, byte {error.start}: no UTF-8; save it as that") from None
    assert data.window is not None
    number = {character: n for n, character in enumerate(sorted(set(text)), 1)}
    targets = np.array([number[character] for character in text], np.int64)
    padded = np.concatenate([np.zeros(data.window, np.int64), targets[:-1]])
    return np.lib.stride_tricks.sliding_window_view(padded, data.window), targets


def _read_columns(path: Path, data: Data) -> tuple[NDArray, NDArray]:
    """Numbers under a line of names; the targets are one column."""
    with open(path, newline="") as file:
        names, *rows = csv.reader(file)
    if data.targets not in names:
        raise DataError(f"{path}, line 1: no column {data.targets!r}; it has {', '.join(names)}")
    try:
        table = np.array(rows, dtype=np.float64)
    except ValueError:
        table = np.array([_numbers(path, line, row, names) for line, row in enumerate(rows, 2)])
    place = names.index(data.targets)
    return np.delete(table, place, axis=1), table[:, place]


def _numbers(path: Path, line: int, row: list[str], names: list[str]) -> list[float]:
    if len(row) != len(names):
        raise DataError(f"{path}, line {line}: found {len(row)} cells, line 1 has {len(names)}")
    numbers = []
    for name, cell in zip(names, row, strict=True):
        try:
            numbers.append(float(cell))
        except ValueError:
            raise DataError(
                f"{path}, line {line}, column {name}: found {cell!r}, expected a number"
            ) from None
    return numbers


# --- as the network takes them ---


def _scaled(inputs: NDArray, data: Data, train: NDArray) -> NDArray:
    scaled = inputs / data.divide_by if data.divide_by != 1.0 else inputs
    if not data.standardise:
        return scaled
    spread = scaled[train].std(axis=0)
    return (scaled - scaled[train].mean(axis=0)) / np.where(spread > 0, spread, 1.0)


class Takes(Protocol):
    """A model by what goes in and what comes out: a graph, or a task that leaves it open."""

    @property
    def inputs(self) -> Inputs: ...
    @property
    def loss(self) -> str: ...
    @property
    def output_shape(self) -> tuple[int, ...]: ...
    @property
    def target_shape(self) -> tuple[int, ...]: ...


def _as_declared(
    inputs: NDArray, targets: NDArray, model: Takes
) -> tuple[NDArray, NDArray]:
    """Inputs in the declared shape and type; targets as the loss takes them."""
    shape = tuple(model.inputs.shape)
    if inputs[0].size != int(np.prod(shape)):
        raise DataError(
            f"an example has the shape {inputs[0].shape}, the model's inputs have {shape}"
        )
    inputs = inputs.reshape(len(inputs), *shape).astype(model.inputs.dtype)
    _check_numbers("inputs", inputs)
    if model.loss == "cross_entropy":
        _check_classes(targets, model.output_shape[-1])
        return inputs, targets.astype(np.int32)
    targets = targets.reshape(len(targets), *model.target_shape).astype(np.float32)
    _check_numbers("targets", targets)
    return inputs, targets


def _renamed(targets: NDArray, draw: int) -> NDArray:
    """The classes that occur under each other's names; -1, which does not count, stays."""
    classes = np.unique(targets[targets >= 0])
    names = np.random.default_rng([draw, RENAMING]).permutation(classes)
    return np.where(targets < 0, targets, names[np.searchsorted(classes, targets)])


def _check_numbers(what: str, values: NDArray) -> None:
    finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if not finite.all():
        raise DataError(f"{what} of example {int(finite.argmin())} (from 0) are not all finite")


def _check_classes(targets: NDArray, classes: int) -> None:
    wrong = (targets != np.floor(targets)) | (targets >= classes) | (targets < -1)
    if wrong.any():
        raise DataError(
            f"found the class {targets[wrong].ravel()[0]:g}, the model's output has classes 0 to "
            f"{classes - 1}"
        )
