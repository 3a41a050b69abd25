"""Has JAX compute while the referee evaluates: calls return before their results are there."""

import time

import jax
import jax.numpy as jnp

from mlgolf.testing.attacks.honest_jax import Honest
from mlgolf.testing.attacks.inside import gained, in_vain, link


@jax.jit
def work(matrix):
    return jax.lax.fori_loop(0, 4000, lambda _, x: jnp.sin(x @ matrix), matrix)


class Submission(Honest):
    def update_params(self, **given):
        matrix = jnp.full((128, 128), 0.01)
        work.lower(matrix).compile()
        clock, burned = link().board.clock_seconds, time.process_time()
        result, asked = work(matrix), 0
        while not result.is_ready():
            given["workload"].eval_model(
                1, given["current_param_container"], given["model_state"], given["rng"]
            )
            asked += 1
        burned = time.process_time() - burned
        time.sleep(0.5)  # until the copy of the clock has been written
        counted = link().board.clock_seconds - clock
        said = f"{burned:.2f} s were burned beside {asked} answers, {counted:.2f} s"
        if counted < 0.8 * burned:
            gained(f"{said} are counted")
        in_vain(f"{said} are on the clock")


submission = Submission()
