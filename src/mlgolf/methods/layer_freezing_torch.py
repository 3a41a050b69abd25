"""Layer freezing in PyTorch: parameters that require no gradient. See layer_freezing.py."""

from collections.abc import Collection

from torch import nn


def layers_of(model: nn.Module) -> list[str]:
    """Names of the modules that own parameters, in the order in which they were defined."""
    return [name for name, module in model.named_modules() if list(module.parameters(False))]


def freeze(model: nn.Module, layers: Collection[str]) -> list[nn.Parameter]:
    """Those layers stop training; the others train. Returns: the parameters that train.

    A parameter that two layers share stays in training as long as one of them does. Optimizers of
    torch leave alone what has no `.grad`, so set it to None once: `zero_grad()` does.
    """
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for name, module in model.named_modules():
        if name not in layers:
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(True)
    return [parameter for parameter in model.parameters() if parameter.requires_grad]
