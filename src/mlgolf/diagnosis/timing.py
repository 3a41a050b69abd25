"""Seconds of several pieces of work, taken in turns so that a busy moment hits all of them."""

import time
from collections.abc import Callable, Mapping, Sequence

ROUNDS = 9
BLOCK_SECONDS = 0.05  # a block is repeated calls, with synchronisation at its ends only
MOST_CALLS = 200  # in a block
Work = Callable[[], object]


def clock_for(device: str, threads: int) -> Callable[[], float]:
    """CPU time where one thread of this machine does all the work: others do not disturb that.

    Not for what waits, such as a loader. The process must have been started with one thread
    (`environment.py`): a compiler with threads of its own would have the time of all of them.
    """
    return time.process_time if device == "cpu" and threads == 1 else time.perf_counter


def in_turns(
    works: Mapping[str, Work], synchronize: Callable[[], None], *, seconds: float,
    clock: Callable[[], float] = time.perf_counter,
    of: Callable[[Sequence[float]], float] = min,
) -> dict[str, float]:
    """Seconds of one call of each, by its blocks.

    Args:
      seconds: for all of them; each is measured once at least, however long it takes.
      of: the blocks of each. By default the fastest, since whatever else ran disturbed the others;
        the mean for what is slow now and then by itself, such as a loader.
    """
    calls: dict[str, int] = {}
    taken: dict[str, list[float]] = {}
    spent = 0.0
    for name, work in works.items():
        work()  # it may compile or allocate
        once = _block(work, 1, synchronize, clock)
        calls[name] = _calls(once)
        taken[name] = [once] if calls[name] == 1 else []  # what fills a block counts as one
        spent += sum(taken[name])
    began = clock()
    while spent + clock() - began <= seconds or not all(taken.values()):
        for name, work in works.items():
            taken[name].append(_block(work, calls[name], synchronize, clock))
        if min(map(len, taken.values())) >= ROUNDS:
            break
    return {name: of(found) for name, found in taken.items()}


def _calls(once: float) -> int:
    """How many of such seconds fill a block."""
    return min(MOST_CALLS, max(1, round(BLOCK_SECONDS / once))) if once > 0 else MOST_CALLS


def _block(
    work: Work, calls: int, synchronize: Callable[[], None], clock: Callable[[], float]
) -> float:
    synchronize()
    began = clock()
    for _ in range(calls):
        work()
    synchronize()
    return (clock() - began) / calls
