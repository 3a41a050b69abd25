"""What a script in JAX tells of its steps: when they are computed. Nothing is counted or tried."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import jax


class JaxProbe:
    """JAX returns before a step is computed, on a CPU too: what is between steps is part of one."""

    asynchronous = True

    def synchronize(self) -> None:
        jax.block_until_ready([array for array in jax.live_arrays() if not array.is_deleted()])

    def begin(self) -> None: ...

    def end(self) -> None: ...

    def facts(self) -> dict[str, Any]:
        return {"framework": "jax", "device": jax.devices()[0].platform, "asynchronous": True}

    def experiments(self) -> Iterator[AbstractContextManager[object]]:
        return iter(())
