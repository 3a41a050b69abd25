"""Switches that leave the mathematics alone: channels last, mixed precision, compilation.

ChannelsLast. Source: PyTorch's guide to memory formats; no paper. Claim: convolutions without the
transposes that tensor cores, and oneDNN on a CPU, would need. Relieves: bandwidth. It hurts where a
layer lacks support and copies back. In JAX the model and XLA choose the layout, and the switch does
nothing.

MixedPrecision. Source: Micikevicius et al. (2018), arXiv:1710.03740; bfloat16, which needs no scale
of the loss: Kalamkar et al. (2019), arXiv:1905.12322. Claim: the accuracy of single precision at
nearly half the memory; how fast depends on the hardware. Relieves: compute, bandwidth, memory.
Loads: overhead, as casts are kernels; a CPU without bfloat16 instructions becomes slower.

Compile. Source: Ansel et al. (2024), doi:10.1145/3620665.3640366 (torch.compile); JAX's `jit`.
Claim: 1.41 times as fast in training, the geometric mean over 180 models on one A100. Relieves:
overhead and bandwidth, by fewer and fused kernels. Loads: the start, by seconds to minutes of
compilation, which are on the clock; in PyTorch that is as long as a `mini` workload trains. There
it also needs a C++ compiler to build kernels for a CPU.
"""

from dataclasses import dataclass

from mlgolf.methods.protocol import Method


class Switch(Method):
    """On for all of training: neither networks nor optimizers can be swapped under way."""

    __slots__ = ()

    def check(self) -> None:
        self.require("start", self.start == 0, "0: a switch is on for all of training")
        self.require("end", self.end == 1, "1: a switch is on for all of training")

    def at(self, progress: float) -> bool:
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelsLast(Switch):
    name = "channels_last"
    relieves = ("bandwidth",)


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedPrecision(Switch):
    """The network computes in bfloat16; parameters, their updates and the loss are float32."""

    name = "mixed_precision"
    relieves = ("compute", "bandwidth", "memory")
    loads = ("overhead",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compile(Switch):
    """`mode` is that of torch.compile, and means nothing in JAX."""

    name = "compile"
    relieves = ("overhead", "bandwidth")

    mode: str = "default"
