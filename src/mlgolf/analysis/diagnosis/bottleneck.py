"""What holds a training step back: shares of its time, the rules that hold, and the bottleneck.

Takes measurements, gives numbers and words. Nothing is measured here, so a diagnosis can be made
again from its JSON. Shares add up to 1 and exclude one another: what a wrong number of threads
costs is taken out first, then what starting operations costs; the rest is computing or moving
bytes, in the proportion that a profiler found between products with convolutions and all other
operations; without a profile in that of the roofline, which is a bound. Memory has no share: it
holds a step back by what cannot be run. Where real steps take far longer than their parts by
themselves, the difference is a part of its own, named by how busy the cores were; a small one is
left out.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mlgolf.analysis.diagnosis.operation_times import OperationTimes
from mlgolf.analysis.diagnosis.roofline import Floor
from mlgolf.core.text import number_of, significant

Part = Literal[
    "input", "copies", "overhead", "compute", "bandwidth", "optimizer", "threads", "interconnect",
    "other_programs", "unexplained",
]
Bottleneck = Part | Literal["memory"]

# From which share of a step on a part is said to hold it back. That of input and communication is
# in common use; the others say that the part is at least as long as what is beside it.
THRESHOLDS: Mapping[Part, float] = {
    "input": 0.1, "copies": 0.1, "interconnect": 0.1, "threads": 0.15, "overhead": 0.3,
    "optimizer": 0.3, "compute": 0.4, "bandwidth": 0.4, "other_programs": 0.1, "unexplained": 0.1,
}  # fmt: skip
NEARLY_FULL = 0.9  # of the memory that there is
HIDDEN = 0.8  # of a step on a device: asked for sooner than that, it waits for the device alone
NOTICED = 0.05  # of a step: what passes between steps is told from there on
FAR_LONGER = 2.5  # times as long as its parts by themselves: then a step is more than they are
LONGER = 1.5  # the same: told from there on
BUSY = 0.8  # of the cores in use, and others on one in ten of them at least: programs wait
OTHERS = 0.1
IDLE = 0.5  # of the time of a step without loading: with less CPU time the process mostly waits
FAR_FROM_ROOF = 20  # times as long as its operations need: slow ones alone seldom explain that
FEW = 5  # repeats: fewer than that are told
WORTH_MORE = 1.1  # times as many examples per second, which a larger batch would give


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """Seconds of a step; NaN and empty for what was not measured.

    What works without waiting is timed by its fastest block, since others only ever slow it down.
    What waits for a batch is a mean: a loader that is slow now and then is slow.
    """

    real: float  # a step as it is trained, loading and copies included
    replay: float = math.nan  # the same on one batch that is kept on the device
    alone: float = math.nan  # the same where `replay` is of real steps, less loading
    load: float = math.nan  # the loader alone, for the batches of a step
    between: float = math.nan  # what a script does outside loading and step; in no part
    workers: int = 0  # processes that load; `load` is then what is still waited for
    copy: float = math.nan  # from host memory to the device
    forward: float = math.nan
    backward: float = math.nan
    optimizer: float = math.nan
    issued: float = math.nan  # until all of a step was asked for, on a device that was idle
    compiled: float = math.nan  # replay as one compiled or captured step
    one_device: float = math.nan  # the same as `alone`, without what devices say to one another
    processes: int = 1  # that train together
    gradient_bytes: float = math.nan  # of one step: what several devices have to sum
    batch_size: int = 0
    by_batch: Mapping[int, float] = field(default_factory=dict)  # replay, by batch size
    repeats: int = 0  # how often the last batch was repeated; 0 where it is not known
    cpu: float = math.nan  # of the process, on all its cores, in a real step
    own_cores: float = math.nan  # that the process used while its steps were timed, a mean
    other_cores: float = math.nan  # that other programs used meanwhile
    cores: int = 0  # that there are
    threads: int = 0
    by_threads: Mapping[int, float] = field(default_factory=dict)  # replay, by threads
    floor: Floor | None = None
    profile: OperationTimes | None = None  # of the repeated step
    device: str = "cpu"
    peak_memory: float = math.nan  # bytes
    memory_limit: float = math.nan
    ran_out: bool = False  # of memory, at the batch size that was asked for
    asked_batch_size: int = 0  # differs from batch_size if it ran out of memory
    largest_batch: int = 0  # that was seen to fit; 0 if none was looked for
    largest_is_limit: bool = False  # whether twice as large was seen not to fit


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule that holds."""

    bottleneck: Bottleneck
    share: float  # of the step's time; of memory: of the examples per second that are missed
    bound: float  # how many times as fast the step is without that share, at most (Amdahl)
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    measured: Measurements
    step_seconds: float  # of all parts together
    shares: Mapping[Part, float]  # they add up to 1
    bottleneck: Bottleneck
    findings: tuple[Finding, ...]  # the bottleneck first, then by share
    notes: tuple[str, ...]


def in_words(part: str) -> str:
    """The name of a part or a bottleneck, for a sentence."""
    return part.replace("_", " ")


def in_ms(seconds: float) -> str:
    return significant(1e3 * seconds, 3)


def amdahl(share: float) -> float:
    """How many times as fast a step is at most, if that share of it takes no time."""
    return math.inf if share >= 1 else 1 / (1 - share)


def fixed_seconds(by_batch: Mapping[int, float]) -> float:
    """What a step takes whatever its batch: where a straight line through the sweep begins.

    NaN with fewer than two sizes; never below 0, nor above the fastest step.
    """
    if len(by_batch) < 2:
        return math.nan
    mean_size = sum(by_batch) / len(by_batch)
    mean_time = sum(by_batch.values()) / len(by_batch)
    spread = sum((size - mean_size) ** 2 for size in by_batch)
    slope = sum((s - mean_size) * (t - mean_time) for s, t in by_batch.items()) / spread
    return min(max(0.0, mean_time - slope * mean_size), min(by_batch.values()))


def parts_of(measured: Measurements) -> dict[Part, float]:
    """Seconds of each part of a step. What was not measured counts as 0.

    A step waits for a batch no longer than loading takes: where real steps took far longer than
    that beside replayed ones, it waited for something else; a little longer is left out.
    """
    real = measured.real
    replay = max(0.0, min(_or(measured.replay, real), real))
    copies = min(_or(measured.copy, 0.0), real - replay)
    alone = _alone(measured)
    itself = alone if replay > FAR_LONGER * alone else replay
    threads = itself * too_many_threads(measured)
    interconnect = _between_devices(measured, itself - threads)
    left = itself - threads - interconnect  # what a step takes with the right threads, by itself
    scale = left / replay if replay else 0.0
    optimizer = min(_or(measured.optimizer, 0.0) * scale, left)
    network = left - optimizer
    starting = _overhead(measured, optimizer / scale if scale else 0.0)
    overhead = min(starting * left / itself if itself else 0.0, network)
    seconds: dict[Part, float] = {
        "input": min(real - replay - copies, _or(measured.load, math.inf)), "copies": copies,
        "threads": threads,
        "interconnect": interconnect, "optimizer": optimizer, "overhead": overhead,
    }  # fmt: skip
    seconds["compute"] = _computing(measured, network, overhead)
    seconds["bandwidth"] = network - overhead - seconds["compute"]
    explained = sum(seconds.values())
    is_far = itself < replay or real > FAR_LONGER * explained
    beyond, busy = max(0.0, real - explained) if is_far else 0.0, is_busy(measured)
    seconds["other_programs"] = beyond if busy else 0.0
    seconds["unexplained"] = 0.0 if busy else beyond
    return seconds


def _alone(measured: Measurements) -> float:
    """Seconds of the repeated step; NaN where it was not repeated apart from `replay`.

    Threads wait for one another, so that other programs hold several up far more than one, also
    where the step is repeated: on busy cores the best that no more threads reached is taken.
    """
    if not _threads_were_held_up(measured):
        return measured.alone
    counts = [count for count in measured.by_threads if count <= measured.threads]
    return min((measured.by_threads[count] for count in counts), default=measured.alone)


def _threads_were_held_up(measured: Measurements) -> bool:
    """By others. Where there are more threads than cores, by themselves."""
    return is_busy(measured) and measured.threads <= measured.cores


def is_busy(measured: Measurements) -> bool:
    """Whether other programs had the cores while steps were timed. Not where it is not known."""
    used = measured.own_cores + measured.other_cores
    return used >= BUSY * measured.cores and measured.other_cores >= OTHERS * measured.cores


def too_many_threads(measured: Measurements) -> float:
    """Share of a replayed step that fewer threads would save. More of them are advice, no loss."""
    if _threads_were_held_up(measured):
        return 0.0
    now = measured.by_threads.get(measured.threads, math.nan)
    fewer = [took for count, took in measured.by_threads.items() if count < measured.threads]
    return max(0.0, 1 - min(fewer) / now) if fewer and now > 0 else 0.0


def _overhead(measured: Measurements, optimizer: float) -> float:
    """Seconds of starting operations: by their number, or by what does not grow with the batch.

    The optimizer does not grow with the batch either, nor do gradients of tables of embeddings, so
    that the number of operations, where it is known, bounds what a sweep says. On a device that has
    more to do than has been asked of it, operations are started while it works, and cost nothing.
    """
    saved = max(0.0, measured.replay - measured.compiled) if measured.compiled > 0 else math.nan
    if measured.issued < HIDDEN * measured.replay:
        return _or(saved, 0.0)
    fixed = fixed_seconds(measured.by_batch) - optimizer
    counted = measured.floor.overhead if measured.floor else math.nan
    known = [max(0.0, value) for value in (fixed, counted) if not math.isnan(value)]
    return max(min(known, default=0.0), _or(saved, 0.0))


def _between_devices(measured: Measurements, seconds: float) -> float:
    """What of the seconds of a step is communication that nothing hides."""
    if not math.isnan(measured.one_device):
        together = _or(_alone(measured), seconds)
        return seconds * max(0.0, 1 - measured.one_device / together) if together > 0 else 0.0
    known = measured.profile.communication if measured.profile else 0.0
    return min(_or(known, 0.0), seconds)


def _computing(measured: Measurements, network: float, overhead: float) -> float:
    """Seconds of forward and backward that are bound by computing; all if nothing is known.

    Where most products do few FLOP for each byte, they are bound by bandwidth like all others.
    """
    floor, profile = measured.floor, measured.profile
    if profile is not None:
        are_thin = floor is not None and floor.thin_products > floor.compute
        return 0.0 if are_thin else profile.in_products(network, overhead)
    if floor is None or floor.compute + floor.bandwidth <= 0:
        return network - overhead
    return (network - overhead) * floor.compute / (floor.compute + floor.bandwidth)


def diagnosed(measured: Measurements) -> Diagnosis:
    """Raises: ValueError for a step that took no time, or loaded for longer than it took."""
    if not measured.real > 0 and not measured.ran_out:
        raise ValueError(f"a step takes time, found {measured.real} seconds")
    if measured.replay < 0:
        raise ValueError(
            f"a step without loading takes time, found {measured.replay} seconds of "
            f"{measured.real}, with {measured.load} of loading"
        )
    seconds: dict[Part, float] = parts_of(measured) if measured.real > 0 else {}
    step = sum(seconds.values())
    shares: dict[Part, float] = {part: took / step for part, took in seconds.items()}
    found = [
        Finding(bottleneck=part, share=share, bound=amdahl(share), why=_why(part, share, measured))
        for part, share in shares.items() if share >= THRESHOLDS[part]
    ]
    found.sort(key=lambda finding: -finding.share)
    memory = _memory(measured)
    if memory is not None:
        found = [memory, *found] if measured.ran_out else [*found, memory]
    if not found:
        part = max(shares, key=lambda name: shares[name])
        share = shares[part]
        found = [Finding(
            bottleneck=part, share=share, bound=amdahl(share), why=_why(part, share, measured)
        )]  # fmt: skip
    return Diagnosis(
        measured=measured, step_seconds=step, shares=shares, bottleneck=found[0].bottleneck,
        findings=tuple(found),
        notes=tuple(_notes(measured)),
    )


def _memory(measured: Measurements) -> Finding | None:
    """The batch that was asked for, or one that would be faster, does not fit."""
    missed = 1 - 1 / larger_batch_gain(measured)
    if measured.ran_out:
        fits = measured.largest_batch
        why = f"a batch of {measured.asked_batch_size:,} does not fit into memory" + (
            f"; {fits:,} fits" if fits else ""
        )
        return Finding(bottleneck="memory", share=missed, bound=amdahl(missed), why=why)
    larger_fits = measured.largest_batch >= 2 * measured.batch_size > 0
    full = measured.peak_memory > NEARLY_FULL * measured.memory_limit and not larger_fits
    if full and larger_batch_gain(measured) >= WORTH_MORE:
        share = measured.peak_memory / measured.memory_limit
        why = f"{share:.0%} of the memory is in use, and a larger batch would be faster"
        return Finding(bottleneck="memory", share=missed, bound=amdahl(missed), why=why)
    return None


def larger_batch_gain(measured: Measurements) -> float:
    """Times as many examples per second at the asked or doubled batch, by the sweep; at least 1."""
    size, fixed = measured.batch_size, fixed_seconds(measured.by_batch)
    now = measured.by_batch.get(size, measured.replay)
    if not size or math.isnan(fixed) or not now > 0:
        return 1.0
    larger = max(2 * size, measured.asked_batch_size)
    each = max(0.0, now - fixed) / size
    return max(1.0, (now / size) / (fixed / larger + each)) if fixed or each else 1.0


def _why(part: Part, share: float, measured: Measurements) -> str:
    floor, percent = measured.floor, f"{share:.0%} of the step"
    match part:
        case "input":
            return f"{percent} is waiting for the next batch"
        case "copies":
            return f"{percent} is copying the batch to the device"
        case "threads":
            best = min(measured.by_threads, key=lambda n: measured.by_threads[n])
            return f"{percent} is lost with {measured.threads} threads: {best} would be faster"
        case "interconnect":
            return (
                f"{percent} is communication with other processes that no computing hides, and "
                "waiting for the slowest of them"
            )
        case "other_programs":
            return (
                f"{percent} is beyond loading and the same step repeated; other programs used "
                f"{measured.other_cores:.1f} of {measured.cores} cores meanwhile"
            )
        case "unexplained":
            return f"{percent} is beyond loading and the same step repeated; {_guess(measured)}"
        case "optimizer":
            return f"{percent} is the optimizer's update, which does not depend on the batch"
        case "overhead":
            told = f" {floor.operations:,} operations" if floor and floor.operations else (
                " operations"
            )
            return f"{percent} is starting{told}, whatever they compute"
        case "bandwidth":
            return (
                f"{percent} is in operations that do few FLOP for each byte, as most but products "
                "and convolutions"
            )
        case "compute" if floor is None:
            return f"{percent} is forward and backward; which of it is computing is not known"
        case "compute":
            return f"{percent} is computing: products and convolutions do many FLOP for each byte"


def _guess(measured: Measurements) -> str:
    """What may explain a long step on cores that were free."""
    if measured.cpu < IDLE * measured.replay:
        return (
            f"the process computed for {in_ms(measured.cpu)} of "
            f"{in_ms(measured.replay)} ms and waited otherwise (for a disk, a lock, another "
            "process, or by a limit on its CPU time)"
        )
    return (
        "why cannot be told: the last batch may be a small one, or a step may do more now and then"
    )


def _notes(measured: Measurements) -> list[str]:
    missing = [
        said for value, said in (
            (measured.replay, "waiting for the next batch"), (measured.optimizer, "the optimizer"),
        ) if math.isnan(value)
    ]  # fmt: skip
    notes = [f"not measured, so it counts as 0: {', '.join(missing)}"] if missing else []
    if measured.floor is None and measured.real > 0:
        notes.append("operations were not counted, so moving bytes counts as computing")
    elif measured.floor is not None and measured.profile is None:
        notes.append(
            "operations were not profiled: compute and bandwidth are shared out by the least time "
            "that they need, which is a bound; softmax, activations and norms may take far longer"
        )
    if LONGER < measured.replay / _alone(measured) <= FAR_LONGER:
        notes.append(
            f"a real step took {measured.replay / _alone(measured):.2g} times as long as the same "
            "repeated; its parts count as that much longer"
        )
    itself = _or(_alone(measured), measured.replay) - _or(measured.optimizer, 0.0)
    if measured.floor is not None and itself > FAR_FROM_ROOF * _least(measured.floor):
        notes.append(
            f"the counted operations need {in_ms(_least(measured.floor))} ms at this machine's "
            f"best rates, far less than the {in_ms(itself)} ms of forward and backward: most may "
            "be Python or other libraries, which are not counted"
        )
    if 0 < measured.repeats < FEW:
        notes.append(
            f"a step is slow, so it was repeated {number_of(measured.repeats, 'time')} only, and "
            "other batches or numbers of threads were tried less or not at all"
        )
    if measured.between >= NOTICED * measured.real:
        notes.append(
            f"besides, {in_ms(measured.between)} ms per step pass outside loading and the step "
            "(logging, evaluation): they are in none of the parts"
        )
    return notes


def _least(floor: Floor) -> float:
    return floor.compute + floor.bandwidth + _or(floor.overhead, 0.0)


def _or(value: float, otherwise: float) -> float:
    return otherwise if math.isnan(value) else value
