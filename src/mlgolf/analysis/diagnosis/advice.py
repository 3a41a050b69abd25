"""What to try against a bottleneck, ranked by how much faster a step would be.

A method is known by what it relieves and loads; what share of that it takes away is arithmetic of
its defaults, or its published claim, and stands with the method's name in `mlgolf.diagnosis`. A
setting (threads, batch, workers of the loader) is judged by the measurements themselves.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mlgolf.analysis.diagnosis.bottleneck import (
    Diagnosis,
    Measurements,
    amdahl,
    in_ms,
    larger_batch_gain,
)
from mlgolf.core.text import enumerated

UNKNOWN = 0.1  # the share that a method takes away if nobody has said how much
FUSED = 0.5  # of an optimizer's time: its update takes 2 to 4 times as long without
LEAST = 1.01  # what speeds up less is not worth a line


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodFacts:
    """What advice needs to know of a method."""

    name: str
    relieves: tuple[str, ...]
    loads: tuple[str, ...] = ()
    takes_away: float = math.nan  # of the time of what it relieves; NaN: not known
    source: str = ""  # of that share, as the end of a sentence
    only_for: str = ""  # the kind of data, where it is not known whether these are of it
    limits: str = ""  # why it takes nothing away here


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    method: str
    expected_gain: float  # times as fast: 1.25 is a step in 1 / 1.25 of the time
    why: str
    loads_bottleneck: bool = False


def advised(found: Diagnosis, methods: Iterable[MethodFacts], cores: int = 1) -> list[Advice]:
    """Best first; what loads the bottleneck last, however much it relieves elsewhere."""
    advice = [*_settings(found, cores), *filter(None, (_of(method, found) for method in methods))]
    return sorted(advice, key=lambda one: (one.loads_bottleneck, -one.expected_gain))


def _of(method: MethodFacts, found: Diagnosis) -> Advice | None:
    relieved = {part: share for part, share in found.shares.items() if part in method.relieves}
    taken = UNKNOWN if math.isnan(method.takes_away) else method.takes_away
    gain = amdahl(taken * sum(relieved.values()))
    if found.bottleneck in method.loads:
        return Advice(
            method=method.name, expected_gain=1.0, loads_bottleneck=True,
            why=f"not here: it adds to {found.bottleneck}, which is the bottleneck",
        )
    if found.bottleneck == "memory" and "memory" in method.relieves:
        gain = max(gain, 1 + taken * (larger_batch_gain(found.measured) - 1))
        return Advice(
            method=method.name, expected_gain=gain,
            why=f"needs less memory for a batch{_for(method)}; {method.source}",
        )
    if gain < LEAST:
        return None
    if method.limits:
        return Advice(method=method.name, expected_gain=1.0, why=method.limits)
    return Advice(method=method.name, expected_gain=gain, why=_because(method, relieved, taken))


def _because(method: MethodFacts, relieved: Mapping[str, float], taken: float) -> str:
    parts = enumerated(
        f"{part} ({share:.0%} of the step)" for part, share in relieved.items() if share >= 0.01
    )
    how = f"takes about {taken:.0%} off {parts}{_for(method)}"
    return f"{how}; {method.source or 'how much is not known, so little is assumed'}"


def _for(method: MethodFacts) -> str:
    return f", if these are {method.only_for}" if method.only_for else ""


def _settings(found: Diagnosis, cores: int) -> Iterator[Advice]:
    """What needs no method, judged by what was measured."""
    measured, shares = found.measured, found.shares
    if (gain := amdahl(shares.get("other_programs", 0))) >= LEAST:
        yield Advice(
            method="quiet_machine", expected_gain=gain,
            why="run it when nothing else uses the cores, or on cores of its own (taskset)",
        )
    yield from _threads(measured)
    waiting = shares.get("input", 0)
    if (gain := _hidden_loading(measured, waiting, cores)) >= LEAST:
        yield Advice(
            method="loader_workers", expected_gain=gain,
            why=f"load the next batches while a step computes, with {cores} cores: loading is "
            f"{waiting:.0%} of the step",
        )
    # On a CPU there is no other memory to copy to: what it takes is Python around the batch.
    gain = amdahl(shares.get("copies", 0))
    if measured.device != "cpu" and gain >= LEAST:
        yield Advice(
            method="pinned_memory", expected_gain=gain,
            why="copy from pinned memory while the step before computes",
        )
    if (gain := amdahl(FUSED * shares.get("optimizer", 0))) >= LEAST:
        yield Advice(
            method="fused_optimizer", expected_gain=gain,
            why=f"one pass over the parameters takes about half of the optimizer's "
            f"{shares['optimizer']:.0%} of the step",
        )
    yield from _batches(found)


def _threads(measured: Measurements) -> Iterator[Advice]:
    """The step with the best number of threads, and loading as long as it was."""
    by_threads = measured.by_threads
    if measured.threads not in by_threads or not measured.real > 0:
        return
    best = min(by_threads, key=lambda n: by_threads[n])
    saved = (1 - by_threads[best] / by_threads[measured.threads]) * min(
        measured.real, measured.replay
    )  # `replay` of a script is its real steps, so also what other programs held up
    if best != measured.threads and (gain := amdahl(saved / measured.real)) >= LEAST:
        yield Advice(
            method="threads", expected_gain=gain,
            why=f"the step took {in_ms(by_threads[best])} ms with {best} and "
            f"{in_ms(by_threads[measured.threads])} ms with {measured.threads}",
        )


def _batches(found: Diagnosis) -> Iterator[Advice]:
    measured = found.measured
    gain = larger_batch_gain(measured)
    if measured.ran_out:
        yield Advice(
            method="gradient_accumulation", expected_gain=1.0,
            why=f"sum the gradients of batches of {measured.largest_batch or 'fewer'} examples: "
            "the same update in less memory, and no faster",
        )
    elif gain >= LEAST:
        fits = not measured.largest_batch or measured.largest_batch >= 2 * measured.batch_size
        if fits:
            yield Advice(
                method="larger_batch", expected_gain=gain,
                why=f"examples per second at a batch of {2 * measured.batch_size:,}, by the sweep; "
                "how many steps it saves is another question",
            )


def _hidden_loading(measured: Measurements, waiting: float, cores: int) -> float:
    """Loading on other cores takes a step no longer than the slower of the two.

    Where workers load already and a step still waits, they all are at it for the whole step.
    """
    if cores < 2 or not measured.real > 0 or waiting <= 0:
        return 1.0
    load = measured.load if measured.load > 0 else waiting * measured.real
    if measured.workers:
        load = measured.real * measured.workers
    step = (1 - waiting) * measured.real
    return measured.real / max(step, load / (cores - 1), 1e-12)
