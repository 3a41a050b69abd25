"""Prepares what it needs later while it goes on, and waits for it."""

import jax.numpy as jnp

from mlgolf.testing.attacks.honest_jax import Honest


class Submission(Honest):
    def update_params(self, **given):
        later = jnp.ones((64, 64)) @ jnp.ones((64, 64))
        result = super().update_params(**given)
        later.block_until_ready()
        return result


submission = Submission()
