"""How far a model's outputs lie from those of the framework that trained it.

A difference is relative to the largest magnitude of the reference output, so that values near zero
do not decide. A decision is the index of the largest value on the last axis.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.arrays import BoolArray, FloatArray, IntArray
from mlgolf.core.errors import DeploymentError
from mlgolf.core.text import enumerated


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Of one array. All are 0 (cosine 1) for equal arrays; NaN and inf count as equal in place."""

    name: str
    largest: float  # absolute; inf where one of the two is not finite and the other differs
    mean: float  # absolute
    relative: float  # the largest, as a share of the largest magnitude of the reference
    cosine: float  # mean over examples; NaN where something is not finite


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    outputs: tuple[Difference, ...]
    num_examples: int
    by_example: FloatArray  # (examples,), relative difference of the worst output
    changed: IntArray | None  # numbers of the examples whose decision changed; None: no decisions

    @property
    def worst(self) -> Difference:
        return max(self.outputs, key=lambda one: one.relative)

    @property
    def changed_share(self) -> float:
        """NaN for outputs without decisions."""
        return float("nan") if self.changed is None else len(self.changed) / self.num_examples


def compare(reference: Mapping[str, NDArray], found: Mapping[str, NDArray]) -> Parity:
    """An output of another shape differs by infinity.

    Args: reference, found: name -> (examples, ...), of the same names.
    Raises: DeploymentError for other numbers of examples, or none.
    """
    counts = {
        f"{what} {name!r}": len(array) if array.ndim else 0
        for what, arrays in (("reference", reference), ("model's output", found))
        for name, array in arrays.items() if name in reference
    }  # fmt: skip
    if len(set(counts.values())) != 1 or 0 in counts.values():
        told = enumerated(f"{count} in the {name}" for name, count in counts.items())
        raise DeploymentError(
            f"found as numbers of examples {told}; give the outputs of the same examples as the "
            "data, in the same order"
        )
    total = next(iter(counts.values()))
    gaps = {name: _gap(array, found[name]) for name, array in reference.items()}
    outputs = tuple(
        _difference(name, gaps[name], reference[name], found[name]) for name in reference
    )
    by_example = np.max(
        [_relative(gaps[name].reshape(len(gaps[name]), -1).max(axis=1, initial=0.0), array)
         for name, array in reference.items()], axis=0,
    )  # fmt: skip
    changed = [
        changed_decisions(array, found[name]) for name, array in reference.items()
        if has_decisions(array) and array.shape == found[name].shape
    ]  # fmt: skip
    return Parity(
        outputs=outputs, num_examples=total, by_example=by_example,
        changed=np.flatnonzero(np.any(changed, axis=0)) if changed else None,
    )


def has_decisions(outputs: NDArray) -> bool:
    """Whether the last axis may be one of classes."""
    return outputs.ndim >= 2 and outputs.shape[-1] >= 2 and outputs.dtype.kind == "f"


def changed_decisions(reference: NDArray, found: NDArray) -> BoolArray:
    """(examples,): where any decision of an example is another. Of equal values either is right."""
    chosen = np.argmax(np.where(np.isnan(found), -np.inf, found), axis=-1)
    of_chosen = np.take_along_axis(reference, chosen[..., None], axis=-1)[..., 0]
    lost = np.isnan(found).all(axis=-1) & ~np.isnan(reference).all(axis=-1)
    other = (of_chosen < np.nanmax(np.where(np.isnan(reference), -np.inf, reference), axis=-1))
    return (other | lost).reshape(len(found), -1).any(axis=1)


def _gap(reference: NDArray, found: NDArray) -> FloatArray:
    """Absolute differences; inf where only one is finite, or both are infinite and differ."""
    if reference.shape != found.shape:
        return np.full(reference.shape, np.inf)
    one, other = reference.astype(np.float64), found.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.abs(one - other)
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    return np.where(same, 0.0, np.where(np.isnan(gap), np.inf, gap))


def _relative(largest: FloatArray | float, reference: NDArray) -> FloatArray:
    """Shares of the reference's largest magnitude; of a reference of zeros, 0 or inf."""
    finite = np.abs(reference[np.isfinite(reference)].astype(np.float64))
    scale = finite.max(initial=0.0)
    gap = np.asarray(largest, dtype=np.float64)
    with np.errstate(over="ignore"):
        return np.where(gap == 0, 0.0, gap / scale if scale > 0 else np.inf)


def _difference(name: str, gap: FloatArray, reference: NDArray, found: NDArray) -> Difference:
    largest = float(gap.max(initial=0.0))
    return Difference(
        name=name, largest=largest, mean=float(gap.mean()) if gap.size else 0.0,
        relative=float(_relative(largest, reference)), cosine=_cosine(reference, found),
    )


def _cosine(reference: NDArray, found: NDArray) -> float:
    if reference.shape != found.shape:
        return float("nan")
    one = reference.reshape(len(reference), -1).astype(np.float64)
    other = found.reshape(len(found), -1).astype(np.float64)
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return float("nan")
    # Vectors are scaled first: squares of large numbers overflow.
    one, other = (
        a / np.maximum(np.abs(a).max(axis=1, keepdims=True), 1e-300) for a in (one, other)
    )
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    products = (one * other).sum(axis=1)
    both_zero = ~one.any(axis=1) & ~other.any(axis=1)
    cosines = np.where(both_zero, 1.0, products / np.where(norms > 0, norms, 1.0))
    return float(np.clip(cosines, -1.0, 1.0).mean())
