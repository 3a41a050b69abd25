"""Watches the steps of a training loop, in three lines of it:

    watch = mlgolf.observe(loader)
    for batch in watch:
        with watch.step():
            ...                     # forward, backward, update

What counts are windows, one in each pass over the loader: from before the first load that counts to
the end of the last step. So what a script does between and after its passes is in none of them.
Time in a window is split into loading (until the next batch is there), the step, and what is
between; beside it stands its CPU time, and how many cores other programs used meanwhile. A device
is waited for at the two ends of a window and, for experiments, after steps that warm up; so on a
device that works by itself the wait turns up where the script first asks it for a result.
"""

import atexit
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from mlgolf.core.text import number_of
from mlgolf.diagnosis.core_use import CoreSeconds, core_seconds
from mlgolf.diagnosis.data_kind import DataKind, data_kind
from mlgolf.diagnosis.process_memory import peak_of_process
from mlgolf.diagnosis.steps_file import free_file, of_process

ORDER = "MLGOLF_DIAGNOSE"  # by this variable `mlgolf diagnose` asks for more than the times
FILE = Path("steps.json")  # where the times go otherwise
WARM_UP = 3  # steps that are not counted: they compile, allocate and fill caches
WARM_UP_SECONDS = 10.0  # after which fewer will do
MOST_WITHOUT_STEP = 1000  # batches in a row, in experiments: the script passes over this batch
HOW = (
    "Put the loop under a watch: watch = mlgolf.observe(loader), then `for batch in watch:` and "
    "`with watch.step():` around forward, backward and update (docs/diagnose.md)."
)


class Probe(Protocol):
    """What a framework adds: see `probe_torch.py`."""

    @property
    def asynchronous(self) -> bool:
        """Whether a step may return before it has been computed."""
        ...

    @property
    def rank(self) -> int:
        """Of this process among those that train together; 0 for the first, or for one alone."""
        ...

    @property
    def processes(self) -> int:
        """That train together."""
        ...

    def agreed(self, steps: int) -> int:
        """The least number that one of them offers. Each of them asks once, at the same step."""
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
        clock: Callable[[], float] = time.perf_counter, place: str = "",
    ) -> None:
        """Args:
          probe: called at the first step, when the script has chosen its framework.
          place: the file and line that made the watch.
        """
        self._loader, self._wish, self._find_probe, self._clock = loader, wish, probe, clock
        self._place = place
        self._probe: Probe | None = None
        self._steps = self._counted = 0  # all that ended well; those of them in a window
        self._real = self._load = self._step = 0.0  # seconds, of the steps that counted
        self._cpu = 0.0  # the same of this process, on all cores
        self._cpu_before = 0.0  # when the window that is open began
        self._first_step = math.nan  # when it began
        self._warm_step = 0.0  # seconds of the last that warmed up, on a device that was waited for
        self._cores: CoreSeconds | None = None  # when steps began to count
        self._data: DataKind | None = None
        self._loading = 0.0  # since the last step: a step may take several batches, or skip some
        self._opened: float | None = None  # when the window that is open began
        self._last_end = 0.0  # of a step
        self._blocks: Iterator[AbstractContextManager[object]] | None = None  # of experiments
        self._ahead: AbstractContextManager[object] | None = None  # the next of them
        self._experimental = 0  # steps in experiments so far
        self._is_told = False  # that the file cannot be written
        self._began = time.time()  # as files are dated
        self._file: Path | None = None  # once it is written
        self._rank = 0  # among processes that train together
        self._last_warm = 0.0  # seconds of the last step that warmed up
        self._has_agreed = False  # with the processes that train together

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
                if not self._steps:
                    self._data = data_kind(batch)
                yield batch
                if self._has_enough():
                    self._close()
                    yield from self._experiments(batch)
                self._open()
                before = clock()
        finally:  # also where the loop is left by a break
            self._close()
        self.finish()  # there may be another pass

    def step(self) -> AbstractContextManager[object]:
        """A block around forward, backward and update."""
        if self._blocks is not None:
            # Taken one by one: how many there are depends on how long they take.
            block, self._ahead = self._ahead or next(self._blocks, None), None
            self._experimental += 1
            return block or nullcontext()
        if not self._steps and self._probe is None:
            self._probe = self._find_probe()
        if math.isnan(self._first_step):
            self._first_step = self._clock()
        return _Step(self._ended, self._clock)

    def finish(self, *, is_last: bool = False) -> None:
        """Write the times, if there are any; at the end of the script say so if there are none."""
        self._close()
        if self._counted or self._wish.experiments:  # whoever asks for experiments tells a person
            try:
                self.write()
            except OSError as error:  # training goes on
                self._say(f"the times of steps cannot be written: {error}")
        elif is_last:
            self._say(why_none_counted(self.record()))

    def _exit(self) -> None:
        """The script ends. After experiments or an error of its own there is nothing to say."""
        if self._blocks is None:
            self.finish(is_last=not hasattr(sys, "last_value"))

    def _say(self, text: str) -> None:
        if not self._is_told:
            print(f"mlgolf: {self._place}: {text}", file=sys.stderr)
        self._is_told = True

    def write(self) -> None:
        self._close()
        if self._file is None:
            asked = of_process(self._wish.file, self._rank)
            self._file = free_file(asked, self._place, self._began)
            if self._file != asked:
                self._say(
                    f"{asked} was written by something else, or is in use: the times of steps go "
                    f"into {self._file}"
                )
        self._file.write_text(json.dumps(self.record(), indent=1) + "\n")

    def record(self) -> dict[str, Any]:
        """Seconds per step, means over the steps that counted; none of them without such steps."""
        count = self._counted
        times = {
            "real": self._real, "load": self._load, "step": self._step,
            "between": self._real - self._load - self._step, "cpu": self._cpu,
        }
        # Processes that train together would count one another as other programs.
        is_alone = self._probe is None or self._probe.processes == 1
        cores = self._cores.until(core_seconds()) if self._cores is not None and is_alone else {}
        return {
            "steps": self._steps, "counted": count,
            **({name: seconds / count for name, seconds in times.items()} if count else {}),
            "workers": int(getattr(self._loader, "num_workers", 0)),
            "peak_memory": peak_of_process(), "data": self._data, "place": self._place, **cores,
            **(self._probe.facts() if self._probe is not None else {}),
        }

    def _ended(self, began: float) -> None:
        """A step ended well. What was loaded since the one before was loaded for it."""
        self._steps += 1
        if self._opened is None:
            self._time_warm_step(began)
            self._last_warm = self._clock() - began
            return
        self._last_end = self._clock()
        self._counted += 1
        self._step += self._last_end - began
        self._load += self._loading
        self._loading = 0.0

    def _time_warm_step(self, began: float) -> None:
        """Where a step returns early, only waiting for one tells how many there is time for."""
        probe = self._probe
        if probe is not None and probe.asynchronous and self._wish.experiments:
            probe.synchronize()
            self._warm_step = self._clock() - began

    def _has_enough(self) -> bool:
        wish = self._wish
        if not self._counted or wish.steps is None:
            return False
        now = self._clock()
        seconds = self._real + now - (now if self._opened is None else self._opened)
        seconds = max(seconds, self._counted * self._warm_step)
        return self._counted >= wish.steps or seconds >= wish.seconds

    def _experiments(self, batch: Any) -> Iterator[Any]:
        """The last batch until all experiments have had their step; then the script ends here.

        A batch may have several steps, and a step several batches.
        """
        if self._probe is not None and self._wish.experiments:
            self._blocks, idle = self._probe.experiments(), 0
            self._ahead = next(self._blocks, None)
            while self._ahead is not None and idle < MOST_WITHOUT_STEP:
                before = self._experimental
                yield batch
                idle = idle + 1 if self._experimental == before else 0
                self._ahead = self._ahead or next(self._blocks, None)
        self.write()
        raise SystemExit(0)

    def _open(self) -> None:
        """A window begins, if none is open: before a load, once the steps have warmed up."""
        if self._opened is not None or self._blocks is not None or not self._is_warm():
            return
        self._agree()
        if self._probe is not None:
            self._probe.synchronize()
            self._probe.begin()
        self._cores = self._cores or core_seconds()
        self._cpu_before = time.process_time()
        self._opened = self._last_end = self._clock()
        self._loading = 0.0

    def _agree(self) -> None:
        """Processes that train together stop at the same step, or they would wait for ever."""
        probe, wish = self._probe, self._wish
        if probe is not None:
            self._rank = probe.rank  # the script may part from the others before it ends
        if self._has_agreed or probe is None or probe.processes == 1 or wish.steps is None:
            return
        fits = wish.seconds / self._last_warm if self._last_warm > 0 else math.inf
        steps = probe.agreed(max(1, int(min(fits, wish.steps))))
        self._wish, self._has_agreed = replace(wish, steps=steps, seconds=math.inf), True

    def _is_warm(self) -> bool:
        if self._probe is not None and self._probe.processes > 1:
            return self._steps >= WARM_UP  # a clock would tell each of them something else
        is_slow = self._steps > 0 and self._clock() - self._first_step >= WARM_UP_SECONDS
        return self._steps >= WARM_UP or is_slow

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
        self._cpu += time.process_time() - self._cpu_before
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
    caller = sys._getframe(1)
    place = f"{caller.f_code.co_filename}:{caller.f_lineno}"
    watch = StepWatch(loader, wish, find_probe, place=place)
    atexit.register(watch._exit)
    return watch


def why_none_counted(told: Mapping[str, Any]) -> str:
    """Of a record in which no step counts. What was done, and what to do."""
    steps = told["steps"]
    if not steps:
        return f"watch.step() was never called, so no step was timed. {HOW}"
    if steps > WARM_UP:
        return f"found {steps} steps, none of them in a loop over the watch. {HOW}"
    return (
        f"found {number_of(steps, 'step')}; the first {WARM_UP} warm up and are not counted, so "
        "give it 10 or more"
    )
