"""What a script in JAX tells of its steps: when they are computed, and how long without loading."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import jax

from mlgolf.diagnosis.replay import Replay


class JaxProbe:
    """JAX returns before a step is computed, on a CPU too: what is between steps is part of one.

    So a batch may be loaded while a step is computed: only steps without loading tell.
    """

    asynchronous = True

    def __init__(self) -> None:
        self._replay = Replay(self.synchronize)

    @property
    def rank(self) -> int:
        return jax.process_index()

    @property
    def processes(self) -> int:
        return 1  # each for itself: communication is not measured in JAX

    def agreed(self, steps: int) -> int:
        return steps

    def synchronize(self) -> None:
        jax.block_until_ready([array for array in jax.live_arrays() if not array.is_deleted()])

    def begin(self) -> None: ...

    def end(self) -> None: ...

    def facts(self) -> dict[str, Any]:
        return {
            "framework": "jax", "device": jax.devices()[0].platform, "asynchronous": True,
            **self._replay.facts(),
        }

    def experiments(self) -> Iterator[AbstractContextManager[object]]:
        return self._replay.blocks()
