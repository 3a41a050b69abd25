"""What a model's `loss` returns, in PyTorch, from the losses of examples or of their parts."""

import torch
from torch import Tensor


def masked_losses(losses: Tensor, mask_batch: Tensor | None) -> dict[str, Tensor]:
    """`summed` and `n_valid_examples`, scalars, and `per_example`, (B,).

    Args:
      losses: (B,), or (B, ...) of the parts of each example, such as tokens. Parts are summed, and
        they are what `n_valid_examples` counts.
      mask_batch: 0 for what counts for nothing, else 1: of the shape of the losses, or one for each
        example. None if all count.
    """
    parts = losses.reshape(len(losses), -1)
    if mask_batch is None:
        valid = torch.tensor(float(parts.numel()), device=parts.device)
    else:
        mask = mask_batch.reshape(len(parts), -1).expand_as(parts)
        parts, valid = parts.masked_fill(mask == 0, 0) * mask, mask.sum()  # not even a NaN counts
    per_example = parts.sum(dim=1)
    return {"summed": per_example.sum(), "n_valid_examples": valid, "per_example": per_example}
