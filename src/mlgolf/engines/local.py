"""Trials on this machine: official ones alone and one after the other."""

import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing.synchronize import Event

from mlgolf.core.errors import TrialTaken, WorkerEnded
from mlgolf.core.plan import TrialPlan
from mlgolf.core.protocols import Engine, Play
from mlgolf.core.trial import Trial
from mlgolf.referee import kernel
from mlgolf.referee.cores import keep_in_mind

GUARD = 'if __name__ == "__main__":'


def local_engine(parallel: int) -> Engine:
    """For so many trials at a time."""
    return SideBySide(parallel) if parallel > 1 else OneAtATime()


class OneAtATime:
    """In this process, so that a debugger and Ctrl-C reach it."""

    shares_the_machine = False

    def run(self, plans: Iterable[TrialPlan], play: Play) -> Iterator[Trial]:
        for plan in plans:
            try:
                trial = play(plan)
            except TrialTaken:
                continue
            yield trial


class SideBySide:
    """Several at a time, each with its referee in a process: for exploring."""

    shares_the_machine = True

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def run(self, plans: Iterable[TrialPlan], play: Play) -> Iterator[Trial]:
        """Each worker has one core to itself and its player, as long as there are enough.

        Raises: WorkerEnded if one was killed, or could not be started.
        """
        context = multiprocessing.get_context("spawn")
        cores, started = context.Queue(), context.Event()
        allowed = sorted(os.sched_getaffinity(0))
        for worker in range(self._workers):
            cores.put(allowed[-1 - worker % len(allowed)])
        waiting = iter(plans)
        under_way: set[Future[Trial]] = set()
        with (
            _ends_told(started),
            ProcessPoolExecutor(
                self._workers, context, _take_core, (cores, started, allowed)
            ) as pool,
        ):
            # Plans are taken as workers fall free: what has ended decides what is worth playing.
            while True:
                for plan in islice(waiting, self._workers - len(under_way)):
                    under_way.add(pool.submit(play, plan))
                if not under_way:
                    return
                ended, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for future in ended:
                    if not isinstance(future.exception(), TrialTaken):
                        yield future.result()


def _take_core(cores: multiprocessing.Queue, started: Event, allowed: list[int]) -> None:
    started.set()
    keep_in_mind(allowed)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)  # or it would wait for plans for ever
    os.sched_setaffinity(0, {cores.get()})


@contextmanager
def _ends_told(started: Event) -> Iterator[None]:
    """Raises: WorkerEnded for a worker that ended before its trial."""
    try:
        yield
    except BrokenProcessPool:
        if started.is_set():
            raise WorkerEnded(
                "a process that played trials side by side was killed, perhaps for want of "
                "memory. What has ended is kept: resume the run, or play fewer at a time."
            ) from None
        raise WorkerEnded(
            "the processes that play trials side by side could not start. Each imports the script "
            f"that calls mlgolf: put the call into a file, below the line {GUARD!r}, or play one "
            "trial at a time."
        ) from None
