"""The switches in PyTorch, for a workload of AlgoPerf's kind or any module. See switches.py.

    model = prepared_model(methods, model)
    forward = switched(methods, model)          # your own loop
    workload = switched_workload(methods, workload)   # a submission
"""

import os
from collections.abc import Callable
from shutil import which
from typing import Any, cast

import torch
from torch import Tensor, nn

from mlgolf.core.arrays import map_arrays
from mlgolf.core.errors import MethodError
from mlgolf.methods.composition import Methods
from mlgolf.methods.switched_workload import SwitchedWorkload
from mlgolf.methods.switches import ChannelsLast, Compile, MixedPrecision


def prepared_model(methods: Methods, model: nn.Module) -> nn.Module:
    """The model with its weights laid out, and compiled, as the methods say; changed in place.

    Raises: MethodError where `compile` has no compiler to build kernels for a CPU with.
    """
    if methods.get(ChannelsLast):
        # pyright does not know the overload with a memory format alone.
        model = cast(Any, model).to(memory_format=torch.channels_last)
    if compiles := methods.get(Compile):
        if _device(list(model.parameters())) == "cpu":
            _check_compiler()
        model = cast(nn.Module, torch.compile(model, mode=compiles.mode))
    return model


def switched(methods: Methods, forward: Callable[..., Any]) -> Callable[..., Any]:
    """The same forward pass, with its inputs laid out and its precision as the methods say.

    What it returns is float32 again, so that the loss is computed in it.
    """
    channels_last, mixed = methods.get(ChannelsLast), methods.get(MixedPrecision)
    if not (channels_last or mixed):
        return forward

    def switched_forward(*given: Any, **named: Any) -> Any:
        if channels_last:
            given, named = map_arrays(_channels_last, (given, named))
        if not mixed:
            return forward(*given, **named)
        device = _device(given, named)
        with torch.autocast(device, dtype=torch.bfloat16):
            outputs = forward(*given, **named)
        return map_arrays(_float, outputs)

    return switched_forward


def switched_workload(methods: Methods, workload: Any) -> Any:
    """A workload whose `model_fn` is switched; the same one where nothing is to be switched."""
    if not (methods.get(ChannelsLast) or methods.get(MixedPrecision)):
        return workload
    return SwitchedWorkload(workload, switched(methods, workload.model_fn))


def _check_compiler() -> None:
    """PyTorch itself looks for it in the first step, after seconds of work."""
    compiler = os.environ.get("CXX", "g++")
    if which(compiler) is None:
        raise MethodError(
            f"compile: found no C++ compiler {compiler!r}, with which torch.compile builds the "
            "network's kernels for a CPU. Install one (on Debian: apt install g++), or leave "
            "compile out."
        )


def _channels_last(value: Any) -> Any:
    is_images = isinstance(value, Tensor) and value.dim() == 4
    return value.contiguous(memory_format=torch.channels_last) if is_images else value


def _float(value: Any) -> Any:
    is_half = isinstance(value, Tensor) and value.dtype is torch.bfloat16
    return value.float() if is_half else value


def _device(*trees: Any) -> str:
    """Where the first tensor among the arguments lies."""
    found: list[str] = []
    map_arrays(lambda v: found.append(v.device.type) if isinstance(v, Tensor) else None, trees)
    return found[0] if found else "cpu"
