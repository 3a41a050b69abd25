"""A diagnosis in words: tables for a terminal and a page."""

import math
from collections.abc import Iterator

from mlgolf.analysis.diagnosis.advice import Advice
from mlgolf.analysis.diagnosis.bottleneck import Diagnosis, in_ms, in_words
from mlgolf.analysis.diagnosis.roofline import Ceilings
from mlgolf.analysis.diagnosis.what_if import WhatIf
from mlgolf.core.text import bytes_in_words, number_of

PART_HEADS = ("part", "of the step", "ms", "faster at most", "holds it back")
ADVICE_HEADS = ("method", "expected", "why")
SWEEP_HEADS = ("batch", "ms", "examples/s")
THREAD_HEADS = ("threads", "ms")
LEAST_SHARE = 0.005  # of a row
BELOW = 0.8  # times the time at best rates: more than the error of a profile
MOST_ADVICE = 6  # rows that help; what would make things worse is shown besides


def title(name: str, found: Diagnosis) -> str:
    return f"{measured_of(name, found)}: the bottleneck is {in_words(found.bottleneck)}"


def measured_of(name: str, found: Diagnosis) -> str:
    measured = found.measured
    batch = f", batch {measured.batch_size:,}" if measured.batch_size else ""
    threads = f", {number_of(measured.threads, 'thread')}" if measured.threads else ""
    return f"{name}{batch}, {measured.device}{threads}"


def part_rows(found: Diagnosis) -> list[tuple[str, ...]]:
    holding = {finding.bottleneck for finding in found.findings}
    real = found.step_seconds
    ordered = sorted(found.shares.items(), key=lambda item: -item[1])
    return [
        (
            in_words(part), f"{share:.0%}", in_ms(share * real), _factor(1 / (1 - share)),
            "yes" if part in holding else "",
        )
        for part, share in ordered if LEAST_SHARE <= share < 1
    ] + [
        (in_words(part), "100%", in_ms(real), "–", "yes")
        for part, share in ordered if share >= 1
    ]  # fmt: skip


def advice_rows(advice: list[Advice]) -> list[tuple[str, ...]]:
    """The best, and what adds to the bottleneck."""
    helps = [one for one in advice if not one.loads_bottleneck][:MOST_ADVICE]
    shown = [*helps, *(one for one in advice if one.loads_bottleneck)]
    return [(one.method, _factor(one.expected_gain), one.why) for one in shown]


def sweep_rows(found: Diagnosis) -> list[tuple[str, ...]]:
    return [
        (f"{size:,}", in_ms(seconds), f"{size / seconds:,.0f}")
        for size, seconds in sorted(found.measured.by_batch.items())
    ]


def thread_rows(found: Diagnosis) -> list[tuple[str, ...]]:
    return [
        (str(count), in_ms(seconds))
        for count, seconds in sorted(found.measured.by_threads.items())
    ]


def sentences(
    found: Diagnosis, ceilings: Ceilings | None, elsewhere: WhatIf | None
) -> Iterator[str]:
    measured = found.measured
    for finding in found.findings:
        yield f"{in_words(finding.bottleneck)}: {finding.why}"
    if not math.isnan(measured.forward):
        phases = (("forward", measured.forward), ("backward", measured.backward),
                  ("optimizer", measured.optimizer))  # fmt: skip
        yield ", ".join(f"{name} {in_ms(seconds)} ms" for name, seconds in phases)
    if ceilings is not None:
        yield (
            f"this machine, measured {ceilings.measured}: {ceilings.flops / 1e9:.3g} GFLOP/s, "
            f"{ceilings.bandwidth / 1e9:.3g} GB/s, an operation starts in "
            f"{1e6 * ceilings.launch_seconds:.2g} µs ({ceilings.machine})"
        )
    if (floor := measured.floor) is not None and measured.real > 0:
        work = measured.forward + measured.backward
        took = work if work > 0 else measured.real
        counted = f"{number_of(floor.operations, 'operation')}, " if floor.operations else ""
        yield (
            f"forward and backward: {counted}"
            f"{floor.flop / 1e9:.3g} GFLOP, {floor.bytes / 1e9:.3g} GB, "
            f"{floor.flop / took / 1e9:.3g} GFLOP/s and "
            f"{floor.bytes / took / 1e9:.3g} GB/s reached"
        )
        took = {part: found.step_seconds * share for part, share in found.shares.items()}
        yield (
            f"compute takes {in_ms(took['compute'])} ms, at this machine's best rates "
            f"{in_ms(floor.compute)} ms; bandwidth {in_ms(took['bandwidth'])} ms, at best "
            f"{in_ms(floor.bandwidth)} ms"
        )
        if 0 < took["compute"] < BELOW * floor.compute:
            yield (
                "that is faster than the best rates that are kept of this machine, so it was "
                "probably busy when they were measured. Measure them again: --fresh-ceilings"
            )
    yield from _memory(found)
    yield from found.notes
    if elsewhere is not None:
        yield from _elsewhere(elsewhere)


def _memory(found: Diagnosis) -> Iterator[str]:
    measured = found.measured
    if measured.peak_memory > 0:
        limit = measured.memory_limit
        of = f" of {bytes_in_words(int(limit))}" if math.isfinite(limit) else ""
        # Of a script it is that of the whole process.
        what = "memory that a step takes" if measured.batch_size else "memory in use at most"
        yield f"{what}: {bytes_in_words(int(measured.peak_memory))}{of}"
    if measured.largest_batch:
        least = "" if measured.largest_is_limit else "at least "
        yield f"largest batch that fits: {least}{measured.largest_batch:,}"


def _elsewhere(what: WhatIf) -> Iterator[str]:
    where, cores = what.instance, what.instance.cores
    price = f", ${where.dollars_per_hour:.2f} an hour" if where.dollars_per_hour else ""
    yield (
        f"on {where.name} ({number_of(cores, 'core')}, {where.accelerator or 'no accelerator'}"
        f"{price}; {where.date}): the bottleneck would be {what.bottleneck}, a step "
        f"{in_ms(what.step_seconds)} ms, {_factor(what.gain)}"
    )
    yield from what.notes


def _factor(gain: float) -> str:
    return "–" if not math.isfinite(gain) else f"{gain:.3g}×"
