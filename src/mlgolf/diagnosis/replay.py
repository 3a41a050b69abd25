"""Steps on a batch that is loaded already, where a step may return before it has been computed.

What real steps take more is waiting for batches. The device is waited for after the first of them,
which says how many more there is time for, and after the last; nowhere else.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

REPLAYS = 20  # steps, at most
REPLAY_SECONDS = 10.0  # for all of them; there is one at least


class Replay:
    def __init__(
        self, synchronize: Callable[[], object], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._synchronize, self._clock = synchronize, clock
        self.on, self.count = False, 0  # whether it goes on; steps in `took`
        self._began = self._took = 0.0

    def blocks(self, count: int = REPLAYS) -> Iterator[AbstractContextManager[object]]:
        """One around each step. Between them the script may do what it does between steps."""
        yield self._replaying(1, is_first=True, is_last=True)
        left = REPLAY_SECONDS - self._took
        more = count - 1 if not self._took else min(count - 1, int(left / self._took))
        for number in range(more):
            yield self._replaying(more, is_first=number == 0, is_last=number == more - 1)

    def facts(self) -> dict[str, float]:
        """Seconds per step, and of how many; none before the first block is over."""
        return {"replay": self._took / self.count, "repeats": self.count} if self._took else {}

    @contextmanager
    def _replaying(self, steps: int, *, is_first: bool, is_last: bool) -> Iterator[None]:
        if is_first:
            self._synchronize()
            self.on, self._began = True, self._clock()
        yield
        if is_last:
            self._synchronize()
            self.on = False
            self._took += self._clock() - self._began
            self.count += steps
