"""Baseline: magnitude pruning in JAX. A tenth of the weights goes, the others train on.

The smallest ones go, wherever they stand, and never come back.
Source: Han, Pool, Tran and Dally (2015), arXiv:1506.02626.
"""

import jax
import jax.numpy as jnp
import optax

ROUNDS, STEPS, KEPT = 22, 1500, 0.9


def play(game):
    inputs, targets = jnp.array(game.train["inputs"]), jnp.array(game.train["targets"])
    keys = iter(jax.random.split(jax.random.key(game.seed), len(game.graph.tensors)))
    tensors = {
        name: jax.random.uniform(next(keys), shape, minval=-1, maxval=1) * shape[-1] ** -0.5
        for name, shape in game.graph.tensors.items()
    }
    masks = jax.tree.map(jnp.ones_like, tensors)
    optimizer = optax.adam(0.01)

    def loss(tensors, masks):
        t = jax.tree.map(jnp.multiply, tensors, masks)
        hidden = jax.nn.relu(inputs @ t["hidden.weight"].T + t["hidden.bias"])
        logits = hidden @ t["logits.weight"].T + t["logits.bias"]
        return optax.softmax_cross_entropy_with_integer_labels(logits, targets).mean()

    @jax.jit
    def trained(tensors, state, masks):
        def step(_, both):
            tensors, state = both
            updates, state = optimizer.update(jax.grad(loss)(tensors, masks), state)
            return optax.apply_updates(tensors, updates), state

        return jax.lax.fori_loop(0, STEPS, step, (tensors, state))

    state = optimizer.init(tensors)
    for _ in range(ROUNDS):
        tensors, state = trained(tensors, state, masks)
        pruned = jax.tree.map(jnp.multiply, tensors, masks)
        game.submit(pruned)
        sizes = jnp.abs(jnp.concatenate([tensor.ravel() for tensor in pruned.values()]))
        kept = int(KEPT * jnp.count_nonzero(sizes))
        threshold = jnp.sort(sizes)[-kept]
        masks = {name: 1.0 * (jnp.abs(tensor) >= threshold) for name, tensor in pruned.items()}
