"""The linear problem behind the part of the workload facade that PyTorch submissions use."""

from typing import Any

import numpy as np
import torch
from linear_problem import STEP_HINT, Params, initial_params, random_batches, train_by_submission
from torch import nn

KEY = np.array([1, 2], np.int32)


class Linear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        for name, value in initial_params().items():
            self.register_parameter(name, nn.Parameter(torch.tensor(value)))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs @ self.weight + self.bias


class LinearWorkload:
    """Keeps the keywords it was called with, for a test to look at."""

    step_hint = STEP_HINT

    def __init__(self) -> None:
        self.batches = [
            {name: torch.from_numpy(array) for name, array in batch.items()}
            for batch in random_batches()
        ]
        self.model_keywords: dict[str, Any] = {}
        self.loss_keywords: dict[str, Any] = {}

    def model_fn(
        self, params, augmented_and_preprocessed_input_batch, model_state, mode, rng,
        update_batch_norm, **keywords,
    ):  # fmt: skip
        self.model_keywords = keywords
        return params(augmented_and_preprocessed_input_batch["inputs"]), model_state

    def loss_fn(self, label_batch, logits_batch, mask_batch=None, label_smoothing=0.0):
        self.loss_keywords = {"label_smoothing": label_smoothing}
        per_example = mask_batch * (logits_batch - label_batch) ** 2 / 2
        return {
            "summed": per_example.sum(),
            "n_valid_examples": mask_batch.sum(),
            "per_example": per_example,
        }


def trained(submission: Any, point: dict[str, Any] | None) -> Params:
    """The parameters that a submission arrives at."""
    module = train_by_submission(submission, LinearWorkload(), Linear(), point, KEY)
    return {name: p.detach().numpy() for name, p in module.named_parameters()}
