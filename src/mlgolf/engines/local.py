"""Trials on this machine: scored ones alone and one after the other."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial

from mlgolf.core.plan import TrialPlan
from mlgolf.core.trial import Trial


class OneAtATime:
    """In this process, so that a debugger and Ctrl-C reach it. The only way to be scored."""

    def run(
        self, plans: Iterable[TrialPlan], play: Callable[[TrialPlan], Trial]
    ) -> Iterator[Trial]:
        return map(play, plans)


class SideBySide:
    """Several at a time, each with its referee in a process: for exploring, never scored."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def run(
        self, plans: Iterable[TrialPlan], play: Callable[..., Trial]
    ) -> Iterator[Trial]:
        """`play` also takes a `slot`, which no two trials under way share."""
        context = multiprocessing.get_context("spawn")
        slots = context.Queue()
        for slot in range(self._workers):
            slots.put(slot)
        pool = ProcessPoolExecutor(self._workers, context, _take_slot, (slots,))
        with pool:
            futures = [pool.submit(partial(_play_in_slot, play), plan) for plan in plans]
            for future in as_completed(futures):
                yield future.result()


_slot = 0


def _take_slot(slots: multiprocessing.Queue) -> None:
    global _slot
    _slot = slots.get()


def _play_in_slot(play: Callable[..., Trial], plan: TrialPlan) -> Trial:
    return play(plan, slot=_slot)


def keep_off(cores: Iterable[int]) -> None:
    """Move this process off the cores that players have, where others are left."""
    others = os.sched_getaffinity(0) - set(cores)
    if others:
        os.sched_setaffinity(0, others)
