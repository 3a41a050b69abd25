"""Steps on a batch that is loaded already, where a step may return before it has been computed.

What real steps take more is waiting for batches. The device is waited for at the two ends only.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

REPLAYS = 20  # steps


class Replay:
    def __init__(
        self, synchronize: Callable[[], object], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._synchronize, self._clock = synchronize, clock
        self.on, self.count = False, 0
        self._began = self._took = 0.0

    def blocks(self, count: int = REPLAYS) -> Iterator[AbstractContextManager[object]]:
        """One around each step. Between them the script may do what it does between steps."""
        self.count = count
        for number in range(count):
            yield self._replaying(is_first=number == 0, is_last=number == count - 1)

    def facts(self) -> dict[str, float]:
        """Seconds per step; none before the last block is over."""
        return {"replay": self._took / self.count} if self._took else {}

    @contextmanager
    def _replaying(self, *, is_first: bool, is_last: bool) -> Iterator[None]:
        if is_first:
            self._synchronize()
            self.on, self._began = True, self._clock()
        yield
        if is_last:
            self._synchronize()
            self.on, self._took = False, self._clock() - self._began
