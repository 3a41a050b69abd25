"""How long a step would take at least, by what a machine can compute and move.

An operation takes at least as long as its FLOP need at the machine's best rate, and as long as its
bytes need at its best bandwidth; the longer of the two bounds it. Which operations there are is
counted, and the ceilings are measured, in `mlgolf.diagnosis`.
Source: Williams, Waterman and Patterson (2009), doi:10.1145/1498765.1498785.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CACHED = 2**20  # bytes: what a core's own cache holds, on machines of today


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One kind of operation of a step, of one size. A multiply-add counts as two FLOP."""

    name: str
    count: int  # how often a step does it; 0: not known, as of what a compiler has joined
    flop: float  # of all of them
    bytes: float  # read and written by all of them, without what a cache saves
    dtype: str = "float32"  # of its result; "tf32" where products of float32 may be less exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """What a machine reached: of large products, of large copies, and of operations on nothing."""

    flops: float  # FLOP per second, in float32
    bandwidth: float  # bytes per second, those read and those written together
    cached_bandwidth: float = 0.0  # the same of small copies, which caches hold; 0: not known
    launch_seconds: float = 0.0  # of one operation on a few numbers
    machine: str = ""
    threads: int = 1
    measured: str = ""  # the day
    flops_by_type: Mapping[str, float] = field(default_factory=dict)  # of other types

    @property
    def ridge(self) -> float:
        """FLOP per byte above which an operation is bound by compute."""
        return self.flops / self.bandwidth

    def flops_for(self, dtype: str) -> float:
        """Of products in a type; those of float32 where that type was not measured."""
        return self.flops_by_type.get(dtype, self.flops)

    def bandwidth_for(self, bytes_each: float) -> float:
        """Of an operation that touches so many bytes."""
        in_cache = self.cached_bandwidth > 0 and bytes_each <= CACHED
        return self.cached_bandwidth if in_cache else self.bandwidth

    def attainable(self, intensity: float) -> float:
        """FLOP per second, at most, of what does so many FLOP for a byte."""
        return min(self.flops, intensity * self.bandwidth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The least seconds of a step, by what bounds its operations."""

    compute: float
    bandwidth: float
    overhead: float  # of starting the operations; NaN where their number is not known
    flop: float
    bytes: float
    operations: int  # 0 where it is not known
    thin_products: float = 0.0  # of `bandwidth`: products of few FLOP per byte, as with a vector

    @property
    def intensity(self) -> float:
        return self.flop / self.bytes if self.bytes else math.nan


def floor_of(operations: Iterable[Operation], ceilings: Ceilings) -> Floor:
    """Each operation is bound by the one or the other, and each is started."""
    seconds = {"compute": 0.0, "bandwidth": 0.0}
    flop = moved = thin = 0.0
    count, is_known = 0, True
    for operation in operations:
        computing = operation.flop / ceilings.flops_for(operation.dtype)
        each = operation.bytes / max(1, operation.count)
        moving = operation.bytes / ceilings.bandwidth_for(each)
        seconds["compute" if computing >= moving else "bandwidth"] += max(computing, moving)
        thin += moving if moving > computing > 0 else 0.0
        flop, moved, count = flop + operation.flop, moved + operation.bytes, count + operation.count
        is_known = is_known and operation.count > 0
    overhead = count * ceilings.launch_seconds if is_known else math.nan
    return Floor(
        **seconds, overhead=overhead, flop=flop, bytes=moved, operations=count if is_known else 0,
        thin_products=thin,
    )
