"""What a model's `loss` returns, in JAX, from the losses of examples or of their parts."""

import jax.numpy as jnp
from jax import Array


def masked_losses(losses: Array, mask_batch: Array | None) -> dict[str, Array]:
    """`summed` and `n_valid_examples`, scalars, and `per_example`, (B,).

    Args:
      losses: (B,), or (B, ...) of the parts of each example, such as tokens. Parts are summed, and
        they are what `n_valid_examples` counts.
      mask_batch: 0 for what counts for nothing, else 1: of the shape of the losses, or one for each
        example. None if all count.
    """
    parts = losses.reshape(len(losses), -1)
    if mask_batch is None:
        valid = jnp.float32(parts.size)
    else:
        mask = jnp.broadcast_to(mask_batch.reshape(len(parts), -1), parts.shape)
        parts, valid = parts * mask, mask.sum()
    per_example = parts.sum(axis=1)
    return {"summed": per_example.sum(), "n_valid_examples": valid, "per_example": per_example}
