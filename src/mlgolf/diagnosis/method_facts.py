"""What each method of `mlgolf.methods` takes away from what it relieves, with where that is from.

Arithmetic of a method's own knobs where there is any, as a mean over a whole training; else its
published claim. docs/methods.md says what was measured here. A method that is not listed is assumed
to take away little.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlgolf.analysis.diagnosis.advice import MethodFacts
from mlgolf.diagnosis.data_kind import DataKind
from mlgolf.methods import (
    METHODS,
    ColOut,
    DataEchoing,
    ProgressiveResizing,
    RegularisationCurriculum,
    SelectiveBackprop,
    SequenceLengthWarmup,
    Transform,
)

FOR: Mapping[str, DataKind] = {  # methods that only fit one kind of data
    "colout": "images", "progressive_resizing": "images", "channels_last": "images",
    "regularisation_curriculum": "images", "sequence_length_warmup": "tokens",
}
_MOMENTS = (np.arange(1000) + 0.5) / 1000  # of training
_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16", "svebf16")  # flags of processors


class Saving(NamedTuple):
    share: float  # of the time of what a method relieves
    source: str


# Nobody computes these: they were published, of whole steps. Of a part that is not the whole step
# they are taken all the same, which is a low estimate.
CLAIMS: Mapping[str, Saving] = {
    "layer_freezing": Saving(0.05, "5% more throughput on ResNet-50, as Composer says"),
    "mixed_precision": Saving(
        0.33, "whole steps are 1.5 times as fast, the low end of what is published"
    ),
    "compile": Saving(
        0.29, "whole steps are 1.41 times as fast, the mean over 180 models on one A100"
    ),
}


def savings(data: DataKind | None = None) -> dict[str, Saving]:
    """By method, with its defaults. Args: data: None where it is not known."""
    scale = SelectiveBackprop().scale if data == "images" else 1.0
    by_knobs: dict[str, tuple[float, str]] = {
        "colout": (
            _mean(lambda at: 1 - _left(ColOut(), at)), "fewer rows and columns until it hands over"
        ),
        "selective_backprop": (
            _by_selection(SelectiveBackprop(scale=scale)),
            f"a pass forward at scale {scale:g} chooses, while it is active",
        ),
        "progressive_resizing": (
            _mean(lambda at: 1 - _left(ProgressiveResizing(), at)), "1 less the mean of scale²"
        ),
        "regularisation_curriculum": (
            _mean(lambda at: 1 - _left(RegularisationCurriculum(), at)), "smaller images at first"
        ),
        "sequence_length_warmup": (
            _mean(lambda at: 1 - SequenceLengthWarmup().at(at)),
            "fewer tokens at first, at most, where whole sequences are long",
        ),
        "data_echoing": (
            1 - 1 / DataEchoing().times,
            f"each batch is trained on {DataEchoing().times} times; fewer new examples may cost "
            "steps",
        ),
    }
    computed = {
        name: Saving(share, f"{source}; by its defaults, over a whole training")
        for name, (share, source) in by_knobs.items()
    }
    return {**computed, **CLAIMS}


def _mean(share: Callable[[float], float]) -> float:
    """Over a whole training."""
    return float(np.mean([share(float(progress)) for progress in _MOMENTS]))


def _left(transform: Transform, progress: float) -> float:
    """Share of a step's computing that is left where a transform makes images smaller."""
    match transform:
        case ColOut():
            rows, columns = transform.at(progress)
            return (1 - rows) * (1 - columns)
        case ProgressiveResizing():
            return transform.at(progress) ** 2
        case RegularisationCurriculum():
            return float(np.prod([_left(one, progress) for one in transform.at(progress)]))
    return 1.0


def _by_selection(method: SelectiveBackprop) -> float:
    """A pass forward is a third of a step; every so many steps is an ordinary one."""
    chosen = 1 - 1 / method.interrupt if method.interrupt else 1.0
    cost = method.scale**2 / 3 + method.keep
    active = _mean(lambda progress: float(method.at(progress) < 1))
    return max(0.0, chosen * active * (1 - cost))


def method_facts(
    device: str, data: DataKind | None = None, flags: frozenset[str] | None = None
) -> list[MethodFacts]:
    """Args:
      device: cpu or another.
      data: what a step trains on; None: not known, so that methods say what they are for.
      flags: of the processor; None: those of this machine.
    """
    processor, known = _flags() if flags is None else flags, savings(data)
    unknown = Saving(float("nan"), "")
    return [
        MethodFacts(
            name=name, relieves=kind.relieves, loads=kind.loads,
            takes_away=known.get(name, unknown).share, source=known.get(name, unknown).source,
            only_for="" if data else FOR.get(name, ""),
            limits=_limits(name, device, processor),
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
