"""What each method of `mlgolf.methods` takes away from what it relieves, with where that is from.

Arithmetic of the defaults where there is any, else the published claim; docs/methods.md says what
was measured here. A method that is not listed is assumed to take away little.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from mlgolf.analysis.advice import MethodFacts
from mlgolf.methods import METHODS

# name -> (share of the time of what it relieves, its source)
TAKES_AWAY: Mapping[str, tuple[float, str]] = {
    "colout": (0.28, "15% of rows and of columns are dropped, 1 - 0.85²"),
    "selective_backprop": (0.11, "by its defaults, over a whole training"),
    "progressive_resizing": (0.50, "by its defaults, over a whole training: the mean of scale²"),
    "sequence_length_warmup": (0.33, "1.5 times as fast at equal loss on GPT-2, as Composer says"),
    "data_echoing": (0.50, "each batch is trained on twice; fewer new examples may cost steps"),
    "layer_freezing": (0.05, "5% more throughput on ResNet-50, as Composer says"),
    "mixed_precision": (0.33, "1.5 times as fast, the low end of what is published"),
    "compile": (0.29, "1.41 times as fast, the mean over 180 models on one A100"),
}
DataKind = Literal["images", "tokens", "other"]
FOR: Mapping[str, DataKind] = {  # methods that only fit one kind of data
    "colout": "images", "progressive_resizing": "images", "channels_last": "images",
    "regularisation_curriculum": "images", "sequence_length_warmup": "tokens",
}
_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16", "svebf16")  # flags of processors


def method_facts(
    device: str, data: DataKind | None = None, flags: frozenset[str] | None = None
) -> list[MethodFacts]:
    """Args:
      device: cpu or another.
      data: what a step trains on; None: not known, so that methods say what they are for.
      flags: of the processor; None: those of this machine.
    """
    known = _flags() if flags is None else flags
    return [
        MethodFacts(
            name=name, relieves=kind.relieves, loads=kind.loads,
            takes_away=TAKES_AWAY.get(name, (float("nan"), ""))[0],
            source=TAKES_AWAY.get(name, (0.0, ""))[1],
            only_for="" if data else FOR.get(name, ""),
            limits=_limits(name, device, known),
        )
        for name, kind in METHODS.items()
        if (kind.relieves or kind.loads) and (data is None or FOR.get(name, data) == data)
    ]  # fmt: skip


def _limits(name: str, device: str, flags: frozenset[str]) -> str:
    if name == "mixed_precision" and device == "cpu" and not flags & {*_BFLOAT16}:
        return "no gain here: this processor has no bfloat16 instructions, so casts are added"
    return ""


def _flags() -> frozenset[str]:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("flags", "Features")):
            return frozenset(line.partition(":")[2].split())
    return frozenset()
