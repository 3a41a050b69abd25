"""Watches the steps of a training loop, in three lines of it:

    watch = mlgolf.observe(loader)
    for batch in watch:
        with watch.step():
            ...                     # forward, backward, update

Time is split into loading (until the next batch is there), the step, and what is between. A device
is waited for at the first and the last step that is counted, and nowhere else; so on a device that
works by itself the wait turns up where the script first asks it for a result.
"""

import atexit
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mlgolf.diagnosis.process_memory import peak_of_process

ORDER = "MLGOLF_DIAGNOSE"  # by this variable `mlgolf diagnose` asks for more than the times
FILE = Path("steps.json")  # where the times go otherwise
WARM_UP = 3  # steps that are not counted: they compile, allocate and fill caches


class Probe(Protocol):
    """What a framework adds: see `probe_torch.py`."""

    def synchronize(self) -> None: ...

    def begin(self) -> None:
        """From here on steps count."""
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
        self._loads: list[float] = []
        self._steps: list[float] = []
        self._began = self._ended = 0.0
        self._blocks: Iterator[AbstractContextManager[object]] | None = None

    def __iter__(self) -> Iterator[Any]:
        clock, batches = self._clock, iter(self._loader)
        while True:
            before = clock()
            try:
                batch = next(batches)
            except StopIteration:
                self.write()  # there may be another pass
                return
            self._loads.append(clock() - before)
            yield batch
            if self._has_enough():
                self._end()
                yield from self._experiments(batch)

    def step(self) -> AbstractContextManager[object]:
        """A block around forward, backward and update."""
        if self._blocks is not None:
            return next(self._blocks)
        if not self._steps:
            self._probe = self._find_probe()
        if len(self._steps) == WARM_UP:
            self._wait()
            if self._probe is not None:
                self._probe.begin()
            self._began = self._clock()
        return _Step(self._steps, self._clock)

    def write(self) -> None:
        self._end()
        self._wish.file.write_text(json.dumps(self.record(), indent=1) + "\n")

    def record(self) -> dict[str, Any]:
        """Seconds per step, means over the steps that counted; none of them without such steps."""
        count = max(0, len(self._steps) - WARM_UP)
        times = {
            "real": self._ended - self._began, "load": sum(self._loads[WARM_UP:WARM_UP + count]),
            "step": sum(self._steps[WARM_UP:]),
        }  # fmt: skip
        return {
            "steps": len(self._steps), "counted": count,
            **({name: seconds / count for name, seconds in times.items()} if count else {}),
            "peak_memory": peak_of_process(),
            **(self._probe.facts() if self._probe is not None else {}),
        }

    def _has_enough(self) -> bool:
        wish, count = self._wish, len(self._steps) - WARM_UP
        if count < 1 or wish.steps is None:
            return False
        return count >= wish.steps or self._clock() - self._began >= wish.seconds

    def _experiments(self, batch: Any) -> Iterator[Any]:
        """The last batch for each experiment; then the script ends here."""
        if self._probe is not None and self._wish.experiments:
            waiting = list(self._probe.experiments())
            self._blocks = iter(waiting)
            for _ in waiting:
                yield batch
        self.write()
        raise SystemExit(0)

    def _end(self) -> None:
        """Steps up to here count. There may be more, in another pass."""
        if self._blocks is None and len(self._steps) > WARM_UP:
            self._wait()
            self._ended = self._clock()
            if self._probe is not None:
                self._probe.end()

    def _wait(self) -> None:
        if self._probe is not None:
            self._probe.synchronize()


class _Step(AbstractContextManager):
    """The time of one step. A step that raises does not count."""

    __slots__ = ("_began", "_clock", "_steps")

    def __init__(self, steps: list[float], clock: Callable[[], float]) -> None:
        self._steps, self._clock = steps, clock

    def __enter__(self) -> None:
        self._began = self._clock()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self._steps.append(self._clock() - self._began)


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
