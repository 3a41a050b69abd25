"""From a class, or a function that builds, to the optimizers of a model: nothing left out."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import nn

from mlgolf.backends.optimizer_arguments import Arguments
from mlgolf.backends.short_form import complaint
from mlgolf.core.errors import SubmissionError


class Unserved(Exception):
    """An optimizer that cannot be built or stepped, and why; what to do depends on the reason."""


Optimizer = Any  # a torch.optim.Optimizer, or what wraps one: param_groups, step, zero_grad
_MEMBERS = ("param_groups", "step", "zero_grad")

PROVIDED: Mapping[str, Callable[[nn.Module], Any]] = {
    "model": lambda model: model,
    "module": lambda model: model,
    "named_parameters": lambda model: list(model.named_parameters()),
    "named_params": lambda model: list(model.named_parameters()),
    "params": lambda model: list(model.parameters()),
    "parameters": lambda model: list(model.parameters()),
}


def build_optimizers(
    build: Callable[..., Any], arguments: Arguments, point: Mapping[str, Any], model: nn.Module
) -> list[Optimizer]:
    """The optimizers that `build` makes for a model.

    Args: point: values by argument of `build`.
    Raises: Unserved if it fails; SubmissionError if it lacks an argument, if what it makes are no
      optimizers, or if they do not train each parameter once.
    """
    arguments.check_complete(point)
    inputs = {name: PROVIDED[name](model) for name in arguments.given}
    try:
        made = build(**inputs, **point)
    except Exception as error:
        raise Unserved(f"{arguments.name} cannot be built: {complaint(error)}.") from error
    optimizers = list(made) if isinstance(made, list | tuple) else [made]
    for optimizer in optimizers:
        _check_members(optimizer, arguments.name)
    _check_coverage(optimizers, model, arguments.name)
    return optimizers


def _check_members(optimizer: Any, name: str) -> None:
    lacking = [member for member in _MEMBERS if not hasattr(optimizer, member)]
    if lacking:
        raise SubmissionError(
            f"{name} gave a {type(optimizer).__name__}, which has no {', no '.join(lacking)}. "
            "It must give one optimizer, or a list of optimizers; a schedule is an argument of "
            "from_optimizer."
        )


def _check_coverage(optimizers: list[Optimizer], model: nn.Module, name: str) -> None:
    trained = Counter(id(p) for optimizer in optimizers for p in parameters_of(optimizer))
    left = {n: p for n, p in model.named_parameters() if p.requires_grad and id(p) not in trained}
    if left:
        raise SubmissionError(
            f"{name} leaves {_listed(left)} untrained. Give every parameter to an optimizer; one "
            "that shall stay as it is gets requires_grad_(False) in the function that builds."
        )
    twice = {n: p for n, p in model.named_parameters() if trained[id(p)] > 1}
    if twice:
        raise SubmissionError(
            f"{name} trains {_listed(twice)} twice. Give every parameter to one optimizer."
        )


def parameters_of(optimizer: Optimizer) -> list[nn.Parameter]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def _listed(names: Iterable[str]) -> str:
    first, *rest = names
    return f"{first} and {len(rest)} more" if rest else first
