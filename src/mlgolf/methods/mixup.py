"""Mixup: each example is blended with a partner from the same batch, and so are their targets.

Source: Zhang et al. (2018), arXiv:1710.09412.
Claim: better generalisation of classifiers, given enough training. No speed by itself.
Relieves: nothing. Loads: next to nothing, as the partner is in the batch already; a second batch
would load the input pipeline twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlgolf.core.arrays import Batch, map_arrays
from mlgolf.core.errors import MethodError
from mlgolf.methods.arrays import Arrays, arrays_of, images_of
from mlgolf.methods.protocol import Transform


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixup(Transform):
    """One share for a batch, drawn from Beta(alpha, alpha); the larger part is the example's own.

    Integer targets (B,) become probabilities (B, classes), which the losses of workloads take.
    """

    name = "mixup"

    alpha: float = 0.2  # as for ImageNet; 1.0 for CIFAR-10
    classes: int | None = None  # needed for integer targets
    any_inputs: bool = False  # not images alone; only where every number is a measure, and no name

    def check(self) -> None:
        self.require("alpha", self.alpha > 0, "above 0")
        self.require("classes", self.classes is None or self.classes > 1, "at least 2, or None")

    def at(self, progress: float) -> float:
        """alpha; 0 where nothing is blended."""
        return self.alpha if self.is_active(progress) else 0.0

    def transform(self, batch: Batch, rng: np.random.Generator, progress: float) -> Batch:
        """Raises: MethodError for inputs that are no images unless `any_inputs`, of integers, for
        integer targets without `classes`, and for a batch with weights.
        """
        alpha = self.at(progress)
        if alpha == 0:
            return batch
        if "weights" in batch:
            raise MethodError(
                "mixup: found weights in the batch, so some of it is padding and would be blended "
                "in. Give whole batches without weights, or leave mixup out."
            )
        share = float(rng.beta(alpha, alpha))
        share = max(share, 1 - share)
        partners = rng.permutation(len(batch["targets"]))

        def blend(array: Any) -> Any:
            return arrays_of(array).blended(array, partners, share)

        # Clicks hold names of categories as float32: a blend of two would be the name of a third.
        images = batch["inputs"] if self.any_inputs else images_of(batch, self.name)
        inputs = map_arrays(self._real, images)
        targets = map_arrays(self._as_probabilities, batch["targets"])
        return {**batch, "inputs": map_arrays(blend, inputs), "targets": map_arrays(blend, targets)}

    def _real(self, array: Any) -> Any:
        if arrays_of(array).is_integer(array):
            raise MethodError(
                "mixup: found integers as inputs; only real numbers can be blended. "
                "Blend embeddings in your model, or leave mixup out."
            )
        return array

    def _as_probabilities(self, targets: Any) -> Any:
        arrays: Arrays = arrays_of(targets)
        if not arrays.is_integer(targets):
            return targets
        if targets.ndim != 1:
            raise MethodError(
                f"mixup: found integer targets of shape {tuple(targets.shape)}; it is for one "
                "label an example, (B,). Leave mixup out for this workload."
            )
        if self.classes is None:
            raise MethodError(
                "mixup: found integer targets, and not how many classes there are. "
                "Say Mixup(classes=…), or hand the workload to `compose`."
            )
        return arrays.one_hot(targets, self.classes)


def classes_of(workload: Any) -> int | None:
    """How many outputs a workload's readout has: the length of its bias; None without one."""
    found = list(_vectors(workload.param_shapes, workload.is_output_params))
    return found[0] if len(found) == 1 else None


def _vectors(shapes: Mapping[str, Any], is_output: Any) -> Any:
    """Lengths of the vectors below the keys that name the readout."""
    for key, tree in shapes.items():
        if is_output(key):
            leaves: list[Any] = []
            map_arrays(leaves.append, tree)
            yield from (s.shape_tuple[0] for s in leaves if len(s.shape_tuple) == 1)
