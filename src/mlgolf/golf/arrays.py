"""Two arrays, inputs with a row for each example and targets: in an npz, or made by a program."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.errors import DataError
from mlgolf.golf.examples import Examples, Kind, Wishes, as_npz, as_targets, check_count
from mlgolf.workloads.graph.generated import generated

PROGRAM = "generate.py"
LOOKED_AT = [0]  # the seed of the draw that a new game is cut to; each run has its own
USUAL_TARGETS = ("targets", "target", "labels", "label", "y", "Y", "y_train")


def read_arrays(path: Path, wishes: Wishes) -> Examples:
    """Raises: DataError, a line for each problem."""
    return _examples(path, _loaded(path), wishes)


def read_program(path: Path, wishes: Wishes) -> Examples:
    """Of a program with a function `generate(rng)`, which a blind game calls for each run.

    Raises: DataError, also for arrays that are not yet as a game takes them: nothing stands between
      the program and the game.
    """
    arrays = generated(path, LOOKED_AT)
    if {*arrays} != {"inputs", "targets"}:
        raise DataError(
            f"{path}: generate(rng) returned {', '.join(arrays) or 'nothing'}; expected are "
            "inputs and targets"
        )
    found = _examples(path, arrays, replace(wishes, target="targets"))
    given = arrays["targets"]
    if found.classes and not np.array_equal(found.targets, given.reshape(len(given))):
        raise DataError(
            f"{path}: found the classes {', '.join(found.classes)}; expected are whole numbers "
            "from 0, all of which are drawn"
        )
    if found.shape != arrays["inputs"].shape[1:]:
        raise DataError(
            f"{path}: found inputs {arrays['inputs'].shape}; expected for {found.kind} are "
            f"(examples, {', '.join(map(str, found.shape))})"
        )
    as_given = {} if found.classes else {"targets": given.reshape(len(given))}
    return replace(
        found, file=PROGRAM, content=path.read_bytes(), keys={**found.keys, "blind": True},
        comments=(),
        guesses=(*found.guesses, "each run makes examples of its own: blind in data.toml"),
        **as_given,
    )


def _examples(path: Path, arrays: dict[str, NDArray], wishes: Wishes) -> Examples:
    inputs_name, targets_name, guesses = _names(path, arrays, wishes)
    inputs, given = arrays[inputs_name], arrays[targets_name]
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    problems = _problems(path, inputs_name, inputs, targets_name, given)
    targets = None
    try:
        targets = as_targets(given, wishes.numbers) if given.ndim == 1 else None
    except DataError as error:
        problems.append(f"{path}, array {targets_name!r}: {error}")
    if problems or targets is None:
        raise DataError("\n".join(problems))
    kind: Kind = wishes.kind or ("images" if inputs.ndim in (3, 4) else "vectors")
    if wishes.kind is None:
        guesses += (f"the inputs are {kind}: give --kind if they are something else",)
    inputs, keys, entries = _as_kind(path, inputs, kind)
    return Examples(
        shape=inputs.shape[1:], targets=targets.values, kind=kind, classes=targets.classes,
        entries=entries, file="data.npz", content=as_npz(inputs=inputs, targets=targets.values),
        keys=keys, comments=targets.comments, guesses=(*guesses, *targets.guesses),
    )


def _loaded(path: Path) -> dict[str, NDArray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{path}: not an .npz of plain arrays: {error}") from None


def _names(
    path: Path, arrays: dict[str, NDArray], wishes: Wishes
) -> tuple[str, str, tuple[str, ...]]:
    has = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "none"
    if wishes.target is not None and wishes.target not in arrays:
        raise DataError(f"{path}: no array {wishes.target!r}; it has {has}")
    if len(arrays) != 2:
        raise DataError(f"{path}: expected two arrays, inputs and targets; it has {has}")
    usual = [name for name in arrays if name in USUAL_TARGETS]
    target = wishes.target or (usual[0] if len(usual) == 1 else min(
        arrays, key=lambda name: arrays[name].ndim
    ))  # fmt: skip
    (inputs,) = (name for name in arrays if name != target)
    guess = f"the targets are the array {target!r}: give --target ARRAY if they are the other"
    return inputs, target, () if wishes.target else (guess,)


def _problems(
    path: Path, inputs_name: str, inputs: NDArray, targets_name: str, targets: NDArray
) -> list[str]:
    problems = []
    if inputs.ndim not in (2, 3, 4) or inputs.dtype.kind not in "fiub" or 0 in inputs.shape:
        problems.append(
            f"{path}, array {inputs_name!r}: found {inputs.dtype} {inputs.shape}; inputs are "
            "numbers: (examples, numbers), (examples, rows, columns) or "
            "(examples, channels, rows, columns)"
        )
    elif not np.isfinite(inputs).all():
        wrong = ~np.isfinite(inputs).reshape(len(inputs), -1).all(axis=1)
        problems.append(
            f"{path}, array {inputs_name!r}: {wrong.sum()} examples have values that are missing "
            f"or not finite, the first is number {int(wrong.argmax())} (from 0)"
        )
    if targets.ndim != 1:
        problems.append(
            f"{path}, array {targets_name!r}: found the shape {targets.shape}; targets are one "
            "number for each example"
        )
    elif inputs.ndim and len(inputs) != len(targets):
        problems.append(f"{path}: found {len(inputs)} inputs and {len(targets)} targets")
    try:
        check_count(len(targets) if targets.ndim else 0, "example")
    except DataError as error:
        problems.append(f"{path}: {error}")
    return problems


def _as_kind(path: Path, inputs: NDArray, kind: Kind) -> tuple[NDArray, dict, int]:
    """Inputs in the shape of their kind, lines of data.toml, and for a text the number of ids."""
    if kind == "vectors":
        return inputs.reshape(len(inputs), -1), {"standardise": True}, 0
    if kind == "text":
        if inputs.ndim != 2 or inputs.dtype.kind not in "iu" or inputs.min() < 0:
            raise DataError(
                f"{path}: found inputs {inputs.dtype} {inputs.shape}; a text is (examples, length) "
                "of whole numbers from 0"
            )
        return inputs.astype(np.int32), {}, int(inputs.max()) + 1
    return as_channels(path, inputs), {"divide_by": float(max(inputs.max(), 1))}, 0


def as_channels(path: Path, images: NDArray) -> NDArray:
    """(examples, channels, rows, columns), also of images whose channels come last, or of grey."""
    if images.ndim == 3:
        return images[:, None]
    if images.ndim == 4:
        return images if images.shape[1] <= 4 < images.shape[3] else np.moveaxis(images, 3, 1)
    raise DataError(f"{path}: found inputs of the shape {images.shape}; images have 3 or 4 axes")
