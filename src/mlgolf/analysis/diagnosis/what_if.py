"""The same step on another machine: each part of its time grows with what it is bound by.

After the way of data-stall analysis (Mohan et al., 2021, arXiv:2007.06775): loading goes on beside
the step where the machine has cores for it, so that a step takes as long as the slower of the two.
Several accelerators each have a batch of this size, and sum their gradients by a ring (Patarasuk
and Yuan, 2009, doi:10.1016/j.jpdc.2008.09.002): each sends 2 (k - 1) / k times the bytes of them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mlgolf.analysis.diagnosis.bottleneck import Bottleneck, Diagnosis, Part, in_ms, in_words
from mlgolf.analysis.diagnosis.roofline import Ceilings
from mlgolf.core.text import bytes_in_words, enumerated


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
    device_link: float = 0.0  # the same from one accelerator to the others; 0: over the network
    network: float  # bytes per second between instances
    dollars_per_hour: float  # 0 where it is not known
    date: str
    source: str


NOT_THERE = ("other_programs", "unexplained", "threads")  # what a step need not lose elsewhere
LEAST_TOLD = 0.01  # of a step
REACHED = 0.8  # of a data sheet's rates; measured ceilings are typically 70 to 90% of them


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    instance: Instance
    step_seconds: float
    seconds: Mapping[Part, float]  # of each, on one device
    bottleneck: Bottleneck
    gain: float  # times as fast as here, without what is not there
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
    seconds: dict[Part, float] = {
        "input": loading * max(1, cores) / max(1, instance.cores // max(1, instance.accelerators)),
        "copies": batch_bytes / instance.host_link if instance.host_link else 0.0,
        "overhead": _starting(found),
        "compute": now["compute"] * computing,
        "bandwidth": now["bandwidth"] * moving,
        "optimizer": by_optimizer,
        "interconnect": _or_zero(summing(measured.gradient_bytes, instance)),
    }
    step = sum(seconds.values()) - seconds["input"]
    takes = max(step, seconds["input"])
    here_alone = found.step_seconds - sum(now.get(part, 0.0) for part in NOT_THERE)
    notes = ["starting an operation takes as long there as here"]
    if here_alone < (1 - LEAST_TOLD) * found.step_seconds:
        notes.append(
            f"compared with {in_ms(here_alone)} ms here: the step without "
            f"{enumerated(in_words(part) for part in NOT_THERE if now.get(part, 0.0) > 0)}, which "
            "another machine need not have"
        )
    too_large = measured.peak_memory > instance.device_memory_bytes
    if too_large:
        notes.append("the step does not fit into the memory there")
    if instance.accelerators > 1:
        notes.append(_together(measured.gradient_bytes, instance))
    if instance.accelerator:
        notes.append(f"rates of {instance.accelerator} in float32, by its data sheet")
    if instance.flops_tf32:
        notes.append(
            f"in TF32 products are {instance.flops_tf32 / instance.flops:.2g} times as fast: JAX "
            "uses it, PyTorch after torch.set_float32_matmul_precision('high')"
        )
    if instance.host_link and not batch_bytes:
        notes.append("the bytes of a batch are not known, so copies to the device count as 0")
    parts: dict[Part, float] = {part: took for part, took in seconds.items() if part != "input"}
    bound: Bottleneck = "input" if seconds["input"] > step else max(parts, key=lambda n: parts[n])
    if too_large:
        bound = "memory"
    return WhatIf(
        instance=instance, step_seconds=takes, seconds=seconds, bottleneck=bound,
        gain=here_alone / takes if takes else math.inf, notes=tuple(notes),
    )


def summing(gradient_bytes: float, instance: Instance, instances: int = 1) -> float:
    """Seconds to sum the gradients of all accelerators; NaN where their bytes are not known.

    Within an instance over the link that joins its accelerators, if it has one.
    """
    devices = instance.accelerators * instances
    if devices <= 1:
        return 0.0
    link = instance.device_link if instances == 1 and instance.device_link else instance.network
    return 2 * (devices - 1) / devices * gradient_bytes / (REACHED * link)


def _together(gradient_bytes: float, instance: Instance) -> str:
    """What is said of several accelerators."""
    count = instance.accelerators
    each = f"{count} accelerators, each with a batch of this size"
    if math.isnan(gradient_bytes):
        return (
            f"{each}; the bytes of the gradients are not known, so summing them counts as 0"
        )
    link = instance.device_link or instance.network
    return (
        f"{each}; summing {bytes_in_words(int(gradient_bytes))} of gradients by a ring takes "
        f"{in_ms(summing(gradient_bytes, instance))} ms at {link / 1e9:.3g} GB/s, "
        "counted as if nothing hid it: what overlaps the backward pass costs nothing. Between two "
        f"such instances it would take {in_ms(summing(gradient_bytes, instance, 2))} ms over the "
        f"network of {instance.network / 1e9:.3g} GB/s"
    )


def _or_zero(seconds: float) -> float:
    return 0.0 if math.isnan(seconds) else seconds


def _starting(found: Diagnosis) -> float:
    """Seconds of starting operations: also those that are hidden or small beside the rest here."""
    now, floor = found.shares["overhead"] * found.step_seconds, found.measured.floor
    return now if floor is None or math.isnan(floor.overhead) else max(now, floor.overhead)
