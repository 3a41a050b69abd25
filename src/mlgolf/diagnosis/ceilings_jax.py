"""The ceilings of this machine in JAX, in float32, with the threads that XLA was started with."""

import jax
import jax.numpy as jnp

from mlgolf.analysis.diagnosis.roofline import Ceilings
from mlgolf.diagnosis.timing import clock_for, in_turns

SIZE = {"cpu": 1536}  # of the sides of the product; 8192 elsewhere
COPIED = {"cpu": 2**26}  # bytes; 2**29 elsewhere
SECONDS = 4.0


def device() -> str:
    found = jax.devices()[0]
    return "cpu" if found.platform == "cpu" else found.device_kind


def measured(threads: int) -> Ceilings:
    """What starts is a compiled function.

    Args: threads: that this process was started with (`environment.py`).
    """
    kind = jax.devices()[0].platform
    side, copied = SIZE.get(kind, 8192), COPIED.get(kind, 2**29)
    left, right = (jnp.ones((side, side), jnp.float32) for _ in range(2))
    source, nothing = jnp.zeros(copied // 4, jnp.float32), jnp.zeros(4)
    product, plus = jax.jit(jnp.matmul), jax.jit(lambda x: x + 1)
    # In place: memory that is new to the process takes longer to write than to fill.
    over = jax.jit(lambda x: x + 1, donate_argnums=0)
    held = [source]
    last: list[jax.Array] = [nothing]

    def keep(value: jax.Array) -> None:
        last[0] = value

    def move() -> None:
        held[0] = over(held[0])
        keep(held[0])

    works = {
        "product": lambda: keep(product(left, right)), "copy": move,
        "nothing": lambda: keep(plus(nothing)),
    }  # fmt: skip
    took = in_turns(
        works, lambda: jax.block_until_ready(last[0]), seconds=SECONDS,
        clock=clock_for(kind, threads),
    )
    return Ceilings(
        flops=2 * side**3 / took["product"], bandwidth=2 * copied / took["copy"],
        launch_seconds=took["nothing"],
    )
