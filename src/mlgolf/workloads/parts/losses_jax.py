"""Losses in JAX, and what a model's `loss` returns from those of examples or of their parts."""

import jax
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
        parts, valid = jnp.where(mask == 0, 0, parts) * mask, mask.sum()  # not even a NaN counts
    per_example = parts.sum(axis=1)
    return {"summed": per_example.sum(), "n_valid_examples": valid, "per_example": per_example}


def softmax_cross_entropy(
    labels: Array, logits: Array, label_smoothing: float | Array = 0.0
) -> Array:
    """(B, ...) of logits (B, ..., classes): the negative log-probability of each label.

    Args:
      labels: (B, ...) integers, or (B, ..., classes) probabilities.
      label_smoothing: the share of a label's probability that is spread over all classes.
    """
    normaliser = jax.nn.logsumexp(logits, axis=-1)
    if labels.ndim == logits.ndim:
        mass, labelled = labels.sum(axis=-1), (labels * logits).sum(axis=-1)
    else:
        mass, labelled = 1.0, jnp.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
    if isinstance(label_smoothing, int | float) and not label_smoothing:
        return mass * normaliser - labelled
    kept = 1 - label_smoothing
    uniform = label_smoothing * (normaliser - logits.mean(axis=-1))
    return kept * (mass * normaliser - labelled) + uniform
