"""What a model is for, read from a small TOML file.

    requests = 1e9            # over its life
    prompt_tokens = 500
    answer_tokens = 200
    most_seconds = 3          # of a request; may be left out
    cache_bytes_per_token = 131072   # keys and values of one request; may be left out
    bandwidth_utilisation = 0.6      # share that decoding reaches; may be left out

    [value]                   # dollars per request, by loss
    loss = [3.0, 2.5, 2.2, 2.0]
    dollars = [0, 0.0004, 0.0015, 0.003]

    [latency]                 # share of that value that is left; may be left out
    seconds = [1, 3, 10]
    share = [1, 0.9, 0.2]

    [[measured]]              # of an exported model; may be left out, or given for several devices
    device = "H100 SXM 80GB"
    deploy = "deploy.json"    # what mlgolf deploy --json printed
    params = 1.2e8
    tokens = 512              # of one run of it, of all examples of its batch

What was measured replaces, for that device, the share of the peak that answers are assumed to
reach. Between points values are interpolated monotonically (PCHIP); beyond them they stay what they
are at the end, and a plan that lies there says so.
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator

from mlgolf.analysis.planning.offers import Device
from mlgolf.analysis.planning.service import Curve, Service
from mlgolf.analysis.scaling.law import INFERENCE_FLOP
from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import RunFolderError, UnknownName

NUMBERS = ("requests", "prompt_tokens", "answer_tokens")
OPTIONAL = ("most_seconds", "cache_bytes_per_token", "bandwidth_utilisation")
KNOWN = (*NUMBERS, *OPTIONAL, "value", "latency", "measured")


def read_service(path: Path, devices: Mapping[str, Device]) -> Service:
    """Args: devices: those that may have been measured.

    Raises: RunFolderError naming file, key, what was found and what is allowed.
    """
    try:
        record = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunFolderError(f"{path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise RunFolderError(f"{path}: {error}") from None
    if unknown := [key for key in record if key not in KNOWN]:
        raise RunFolderError(f"{path}: unknown key {unknown[0]}. Known: {', '.join(KNOWN)}")
    requests, prompt, answer = (_positive(path, record, key) for key in NUMBERS)
    loss, dollars = _points(path, record, "value", "loss", "dollars")
    if (np.diff(dollars) > 0).any():
        raise RunFolderError(
            f"{path}: value: found more dollars at a higher loss; a lower loss is worth as much "
            "or more"
        )
    share = None
    if "latency" in record:
        share = _curve(*_points(path, record, "latency", "seconds", "share"))
    others = {key: _positive(path, record, key) for key in OPTIONAL if key in record}
    if (reached := others.get("bandwidth_utilisation", 0)) > 1:
        raise RunFolderError(
            f"{path}: bandwidth_utilisation: found {reached:g}, allowed is above 0, at most 1"
        )
    return Service(
        requests=requests, prompt_tokens=prompt, answer_tokens=answer, value=_curve(loss, dollars),
        share=share, loss_range=(float(loss[0]), float(loss[-1])),
        measured_utilisation=dict(
            _measured(path, part, devices) for part in _parts(path, record, "measured")
        ), source=str(path), **others,
    )  # fmt: skip


def _parts(path: Path, record: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    parts = record.get(key, [])
    if not isinstance(parts, list) or not all(isinstance(part, Mapping) for part in parts):
        raise RunFolderError(
            f"{path}: {key}: found {parts!r}, allowed are tables that begin with [[{key}]]"
        )
    return parts


def _measured(
    path: Path, part: Mapping[str, Any], devices: Mapping[str, Device]
) -> tuple[str, float]:
    """A device, and the share of its peak that a measured model reached."""
    name, file = str(part.get("device", "")), path.parent / str(part.get("deploy", ""))
    if name not in devices:
        raise UnknownName(f"device of {path}, measured", name, known=devices)
    if not devices[name].bf16 > 0:
        raise RunFolderError(
            f"{path}: measured: {name} has no peak in 16 bits, which answers are computed in. Give "
            "it one in the table of prices (column fp16_bf16), or leave this part out"
        )
    try:
        seconds = json.loads(file.read_text(encoding="utf-8"))["latency"]["p50_ms"] / 1000
    except OSError as error:
        raise RunFolderError(f"{path}: measured.deploy: {file}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise RunFolderError(
            f"{path}: measured.deploy: {file} has no latency. Make it by mlgolf deploy --json"
        ) from None
    work = INFERENCE_FLOP * _positive(path, part, "params") * _positive(path, part, "tokens")
    share = work / (seconds * devices[name].bf16)
    if not 0 < share <= 1:
        raise RunFolderError(
            f"{path}: measured: {file} says that {name} reached {share:.3g} of its peak, at most 1 "
            "can be. Correct params, tokens or device"
        )
    return name, share


def _positive(path: Path, record: Mapping[str, Any], key: str) -> float:
    value = record.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
        found = "nothing" if value is None else repr(value)
        raise RunFolderError(f"{path}: {key}: found {found}, allowed is a number above 0")
    return float(value)


def _points(
    path: Path, record: Mapping[str, Any], key: str, x: str, y: str
) -> tuple[FloatArray, FloatArray]:
    part = record.get(key)
    try:
        points = sorted(zip(part[x], part[y], strict=True))  # type: ignore[index]
        found = np.array(points, dtype=float)
    except (KeyError, TypeError, ValueError):
        found = np.empty((0, 2))
    if len(found) < 2 or not np.isfinite(found).all() or (np.diff(found[:, 0]) == 0).any():
        raise RunFolderError(
            f"{path}: {key}: found {part!r}, allowed are lists {x} and {y} of the same length, two "
            f"numbers at least, each {x} once"
        )
    return found[:, 0], found[:, 1]


def _curve(x: FloatArray, y: FloatArray) -> Curve:
    inner = PchipInterpolator(x, y)

    def curve(at: FloatArray) -> FloatArray:
        return inner(np.clip(at, x[0], x[-1]))

    return curve
