"""What 8 bits do to a model: its outputs, quality, size and latency, and which layers cost most."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlgolf.analysis.deployment.latency import Latency, latency
from mlgolf.analysis.deployment.parity import Parity, compare
from mlgolf.analysis.deployment.quality import Quality, quality_of
from mlgolf.analysis.deployment.suspects import CutOff, LayerCost
from mlgolf.core.errors import DeploymentError
from mlgolf.deployment.asking import ask

RUNS, SECONDS = 400, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EightBits:
    """Beside the model in float."""

    how: str
    calibrated: int  # examples that ranges were taken from; 0: none
    parity: Parity
    quality: Quality | None  # of float, and of 8 bits
    size_bytes: float
    latency: Latency
    speedup: float  # of the median run, taken in turns
    layers: tuple[LayerCost, ...]  # the costliest first
    left_out: int  # layers that were not tried alone
    by_channel: Parity | None  # with weights quantised by channel; None: see `refused`
    refused: str  # what ONNX Runtime said of that
    without_worst: Parity | None  # with the costliest layer in float


def in_eight_bits(
    model: Path, data: Path, folder: Path, how: str, found: dict[str, NDArray],
    targets: NDArray | None, batch_size: int, threads: int, compared_in: int,
) -> EightBits:
    """Args: found: outputs of the model in float. Raises: DeploymentError if it cannot be done."""
    whole = folder / "eight_bits.onnx"
    used = ask("quantise", model=model, data=data, to=whole, how=how)
    outputs = _outputs(whole, data, folder, compared_in)
    costs = ask("layer costs", model=model, data=data, how=how, batch_size=compared_in)
    layers = tuple(
        LayerCost(**{**row, "changed": float(row["changed"]), "nodes": tuple(row["nodes"])})
        for row in costs["layers"]
    )
    channels, rest = folder / "by_channel.onnx", folder / "without_worst.onnx"
    by_channel, refused, without_worst = None, "", None
    try:
        ask("quantise", model=model, data=data, to=channels, how=how, per_channel=True)
        by_channel = compare(found, _outputs(channels, data, folder, compared_in))
    except DeploymentError as error:  # its tool fails for some weights that it takes as a whole
        refused = str(error)
    if len(layers) > 1:
        worst = layers[0].nodes
        ask("quantise", model=model, data=data, to=rest, how=how, without=[*worst])
        without_worst = compare(found, _outputs(rest, data, folder, compared_in))
    quality = None
    if targets is not None:
        name = next(iter(found))
        quality = quality_of(found[name], outputs[name], targets)
    seconds = folder / "eight_bits_seconds.npz"
    ask("latency", model=whole, data=data, to=seconds, batch_sizes=[batch_size], threads=threads,
        runs=RUNS, seconds=SECONDS, other=model)  # fmt: skip
    taken = np.load(seconds)
    mine = taken[f"b{batch_size}"]
    return EightBits(
        how=how, calibrated=used["calibrated"], parity=compare(found, outputs), quality=quality,
        size_bytes=float(whole.stat().st_size),
        latency=latency(mine, batch_size=batch_size, threads=threads),
        speedup=float(np.median(taken["other"]) / np.median(mine)), layers=layers,
        left_out=costs["left_out"], by_channel=by_channel, refused=refused,
        without_worst=without_worst,
    )


def _outputs(model: Path, data: Path, folder: Path, batch_size: int) -> dict[str, NDArray]:
    to = folder / "eight_bits_outputs.npz"
    ask("outputs", model=model, data=data, to=to, batch_size=batch_size, repeat=False)
    return dict(np.load(to))


def cut_off_of(model: Path, data: Path, batch_size: int) -> tuple[CutOff, ...]:
    """Of a model that is in 8 bits already."""
    rows = ask("cut off", model=model, data=data, batch_size=batch_size)["cut_off"]
    return tuple(CutOff(**row) for row in rows)
