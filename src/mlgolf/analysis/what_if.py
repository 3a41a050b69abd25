"""The same step on another machine: each part of its time grows with what it is bound by.

After the way of data-stall analysis (Mohan et al., 2021, arXiv:2007.06775): loading goes on beside
the step where the machine has cores for it, so that a step takes as long as the slower of the two.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mlgolf.analysis.bottleneck import Bottleneck, Diagnosis
from mlgolf.analysis.roofline import Ceilings


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An instance type. Rates are those of the data sheet, of which `reached` is to be had."""

    name: str
    cores: int  # physical, or virtual where that is what is sold
    memory_bytes: float  # of the host
    accelerator: str  # "" for none
    accelerators: int
    device_memory_bytes: float  # of one accelerator; of the host if there is none
    flops: float  # FLOP per second of one device, in float32
    flops_tf32: float  # the same with the shorter mantissa of TF32; 0 for none
    bandwidth: float  # bytes per second, read and written
    host_link: float  # bytes per second from host to device; 0 for none
    network: float  # bytes per second between instances
    dollars_per_hour: float  # 0 where it is not known
    date: str
    source: str


REACHED = 0.8  # of a data sheet's rates; measured ceilings are typically 70 to 90% of them


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    instance: Instance
    step_seconds: float
    seconds: Mapping[str, float]  # of each part, on one device
    bottleneck: Bottleneck
    gain: float  # times as fast as here
    notes: tuple[str, ...]


def on_instance(
    found: Diagnosis, here: Ceilings, instance: Instance, *, cores: int, batch_bytes: float
) -> WhatIf:
    """Args: cores: of this machine that load. batch_bytes: of one batch, copied to a device."""
    measured = found.measured
    now = {part: share * found.step_seconds for part, share in found.shares.items()}
    computing = here.flops / (REACHED * instance.flops)
    moving = here.bandwidth / (REACHED * instance.bandwidth)
    by_optimizer = now["optimizer"] * moving  # an update reads and writes every parameter
    loading = measured.load if measured.load > 0 else now["input"]
    if measured.workers and now["input"] > 0:  # they are at it for the whole step, and not enough
        loading = measured.real * measured.workers
    seconds = {
        "input": loading * max(1, cores) / max(1, instance.cores // max(1, instance.accelerators)),
        "copies": batch_bytes / instance.host_link if instance.host_link else 0.0,
        "overhead": _starting(found),
        "compute": now["compute"] * computing,
        "bandwidth": now["bandwidth"] * moving,
        "optimizer": by_optimizer,
    }
    step = sum(seconds.values()) - seconds["input"]
    takes = max(step, seconds["input"])
    notes = ["starting an operation takes as long there as here"]
    too_large = measured.peak_memory > instance.device_memory_bytes
    if too_large:
        notes.append("the step does not fit into the memory there")
    if instance.accelerators > 1:
        notes.append(
            "per accelerator; what they say to one another is not included, nor what goes over the "
            f"network of {instance.network / 1e9:.3g} GB/s"
        )
    if instance.accelerator:
        notes.append(f"rates of {instance.accelerator} in float32, by its data sheet")
    if instance.flops_tf32:
        notes.append(
            f"in TF32 products are {instance.flops_tf32 / instance.flops:.2g} times as fast: JAX "
            "uses it, PyTorch after torch.set_float32_matmul_precision('high')"
        )
    if instance.host_link and not batch_bytes:
        notes.append("the bytes of a batch are not known, so copies to the device count as 0")
    parts = {name: took for name, took in seconds.items() if name != "input"}
    bound: Bottleneck = "input" if seconds["input"] > step else max(parts, key=lambda n: parts[n])  # type: ignore[assignment]
    if too_large:
        bound = "memory"
    return WhatIf(
        instance=instance, step_seconds=takes, seconds=seconds, bottleneck=bound,
        gain=found.step_seconds / takes if takes else float("inf"), notes=tuple(notes),
    )


def _starting(found: Diagnosis) -> float:
    """Seconds of starting operations: also those that are hidden or small beside the rest here."""
    now, floor = found.shares["overhead"] * found.step_seconds, found.measured.floor
    return now if floor is None or math.isnan(floor.overhead) else max(now, floor.overhead)
