"""Watches the steps of a training loop, in three lines of it:

    watch = mlgolf.observe(loader)
    for batch in watch:
        with watch.step():
            ...                     # forward, backward, update

What counts are windows, one in each pass over the loader: from before the first load that counts to
the end of the last step. So what a script does between and after its passes is in none of them.
Time in a window is split into loading (until the next batch is there), the step, and what is
between. A device is waited for at the two ends of a window and nowhere else; so on a device that
works by itself the wait turns up where the script first asks it for a result.
"""

import atexit
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mlgolf.diagnosis.process_memory import peak_of_process

ORDER = "MLGOLF_DIAGNOSE"  # by this variable `mlgolf diagnose` asks for more than the times
FILE = Path("steps.json")  # where the times go otherwise
WARM_UP = 3  # steps that are not counted: they compile, allocate and fill caches
MOST_WITHOUT_STEP = 1000  # batches in a row, in experiments: the script passes over this batch


class Probe(Protocol):
    """What a framework adds: see `probe_torch.py`."""

    @property
    def asynchronous(self) -> bool:
        """Whether a step may return before it has been computed."""
        ...

    def synchronize(self) -> None: ...

    def begin(self) -> None:
        """From here on steps count. There is a beginning and an end for each pass."""
        ...

    def end(self) -> None: ...

    def facts(self) -> dict[str, Any]:
        """Of the steps that counted, and of experiments."""
        ...

    def experiments(self) -> Iterator[AbstractContextManager[object]]:
        """Blocks to put around steps that follow, with something changed in each."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How much is counted."""

    file: Path = FILE
    steps: int | None = None  # None: all of them
    seconds: float = float("inf")
    experiments: bool = False  # after the steps that count; then the script is ended


class StepWatch:
    """An iterable of batches that keeps the time of its loop."""

    def __init__(
        self, loader: Iterable[Any], wish: Wish, probe: Callable[[], Probe | None] = lambda: None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Args: probe: called at the first step, when the script has chosen its framework."""
        self._loader, self._wish, self._find_probe, self._clock = loader, wish, probe, clock
        self._probe: Probe | None = None
        self._steps = self._counted = 0  # all that ended well; those of them in a window
        self._real = self._load = self._step = 0.0  # seconds, of the steps that counted
        self._loading = 0.0  # since the last step: a step may take several batches, or skip some
        self._opened: float | None = None  # when the window that is open began
        self._last_end = 0.0  # of a step
        self._blocks: deque[AbstractContextManager[object]] | None = None  # of experiments to come

    def __iter__(self) -> Iterator[Any]:
        clock = self._clock
        try:
            self._open()
            before = clock()
            batches = iter(self._loader)  # a loader may start its workers here
            while True:
                try:
                    batch = next(batches)
                except StopIteration:
                    break
                self._loading += clock() - before
                yield batch
                if self._has_enough():
                    self._close()
                    yield from self._experiments(batch)
                self._open()
                before = clock()
        finally:  # also where the loop is left by a break
            self._close()
        self.write()  # there may be another pass

    def step(self) -> AbstractContextManager[object]:
        """A block around forward, backward and update."""
        if self._blocks is not None:
            return self._blocks.popleft() if self._blocks else nullcontext()
        if not self._steps and self._probe is None:
            self._probe = self._find_probe()
        return _Step(self._ended, self._clock)

    def write(self) -> None:
        self._close()
        self._wish.file.write_text(json.dumps(self.record(), indent=1) + "\n")

    def record(self) -> dict[str, Any]:
        """Seconds per step, means over the steps that counted; none of them without such steps."""
        count = self._counted
        times = {
            "real": self._real, "load": self._load, "step": self._step,
            "between": self._real - self._load - self._step,
        }
        return {
            "steps": self._steps, "counted": count,
            **({name: seconds / count for name, seconds in times.items()} if count else {}),
            "workers": int(getattr(self._loader, "num_workers", 0)),
            "peak_memory": peak_of_process(),
            **(self._probe.facts() if self._probe is not None else {}),
        }

    def _ended(self, began: float) -> None:
        """A step ended well. What was loaded since the one before was loaded for it."""
        self._steps += 1
        if self._opened is None:
            return
        self._last_end = self._clock()
        self._counted += 1
        self._step += self._last_end - began
        self._load += self._loading
        self._loading = 0.0

    def _has_enough(self) -> bool:
        wish = self._wish
        if not self._counted or wish.steps is None:
            return False
        now = self._clock()
        seconds = self._real + now - (now if self._opened is None else self._opened)
        return self._counted >= wish.steps or seconds >= wish.seconds

    def _experiments(self, batch: Any) -> Iterator[Any]:
        """The last batch until all experiments have had their step; then the script ends here.

        A batch may have several steps, and a step several batches.
        """
        if self._probe is not None and self._wish.experiments:
            self._blocks = deque(self._probe.experiments())
            left, idle = len(self._blocks), 0
            while self._blocks and idle < MOST_WITHOUT_STEP:
                yield batch
                idle = idle + 1 if len(self._blocks) == left else 0
                left = len(self._blocks)
        self.write()
        raise SystemExit(0)

    def _open(self) -> None:
        """A window begins, if none is open: before a load, once the steps have warmed up."""
        if self._opened is not None or self._blocks is not None or self._steps < WARM_UP:
            return
        if self._probe is not None:
            self._probe.synchronize()
            self._probe.begin()
        self._opened = self._last_end = self._clock()
        self._loading = 0.0

    def _close(self) -> None:
        """The window ends with its last step: what came later is no part of it.

        Where a step returns before it has been computed, it ends when the device is done.
        """
        if self._opened is None:
            return
        end = self._last_end
        if self._probe is not None:
            self._probe.synchronize()
            self._probe.end()
            if self._probe.asynchronous and end > self._opened:
                end = self._clock()
        self._real += end - self._opened
        self._opened = None


class _Step(AbstractContextManager):
    """One step. One that raises does not count."""

    __slots__ = ("_began", "_clock", "_ended")

    def __init__(self, ended: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._ended, self._clock = ended, clock

    def __enter__(self) -> None:
        self._began = self._clock()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self._ended(self._began)


def observe(loader: Iterable[Any], file: str | Path = FILE) -> StepWatch:
    """Keep the time of a loop over `loader`; when the script ends, the times go into `file`.

    Run by `mlgolf diagnose script.py` it also tries a few steps with other threads, counts what
    operations there are, and then ends the script.
    """
    from mlgolf.diagnosis.probes import find_probe

    order = json.loads(os.environ.get(ORDER, "{}"))
    wish = Wish(**{**order, "file": Path(order.get("file", file))})
    watch = StepWatch(loader, wish, find_probe)
    atexit.register(lambda: None if watch._blocks is not None else watch.write())
    return watch
