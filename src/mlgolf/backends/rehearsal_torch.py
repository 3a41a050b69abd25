"""Finding out how an optimizer wants to be called, on a copy of a model with a loss of its own.

Packages declare in words that a step needs a closure or differentiable gradients; what tells is to
try. An optimizer of torch.optim is known by its signature, so in a trial it is not tried.
"""

import copy
import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import torch
from torch import Tensor, nn

from mlgolf.backends.building_torch import Optimizer, Unserved
from mlgolf.backends.short_form import RATE_OF_ZERO, Schedule, complaint
from mlgolf.backends.trainer_torch import Call, Trainer

STEPS = 11  # some do something special at every tenth

Build = Callable[[nn.Module], list[Optimizer]]


def calls_for(
    optimizers: list[Optimizer], build: Build, model: nn.Module, schedule: Schedule,
    graph: bool, *, try_all: bool,
) -> list[Call]:
    """How each of these wants to be called; `build` makes the like of them for a copy of `model`.

    Args: graph: whether gradients must be differentiable in any case. try_all: try also those that
      are known. Random numbers of torch stay as they are.
    Raises: Unserved for one that no call serves.
    """
    if not try_all and all(_is_known(optimizer) for optimizer in optimizers):
        return [_known_call(optimizer, graph) for optimizer in optimizers]
    with torch.random.fork_rng():
        stages = [_Stage(build, model, index, schedule) for index in range(len(optimizers))]
        return [_call_for(stage, graph, must_move=try_all) for stage in stages]


def remedy(build: Build, schedule: Schedule) -> str:
    """What to do about an optimizer that cannot be built, or stepped, as it is."""
    if _works(build, stand_in(), lambda share: 1.0):
        return RATE_OF_ZERO
    if _works(build, nn.Linear(4, 3, bias=False), schedule):
        return (
            "It takes matrices alone. Give a function that splits the parameters: from_optimizer("
            "lambda model, lr=0.02: [Muon([p for p in model.parameters() if p.ndim == 2], lr=lr), "
            "AdamW([p for p in model.parameters() if p.ndim != 2], lr=lr)])."
        )
    return (
        "The short form cannot use it as it is. If it wants parameter groups, give a function that "
        "builds it: from_optimizer(lambda model, lr=1e-3: ...). If it wants something else at each "
        "step, write update_params (docs/submissions.md)."
    )


def stand_in() -> nn.Module:
    """A small model: matrices and vectors, nothing more exotic."""
    return nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3), nn.Linear(3, 2))


def _works(build: Build, model: nn.Module, schedule: Schedule) -> bool:
    try:
        calls_for(build(model), build, model, schedule, False, try_all=True)
    except Exception:
        return False
    return True


def _is_known(optimizer: Optimizer) -> bool:
    return type(optimizer).__module__.startswith("torch.optim.")


def _known_call(optimizer: Optimizer, graph: bool) -> Call:
    closure = _requires_closure(optimizer)
    return Call(closure=closure, gradients=not closure, graph=graph)


def _requires_closure(optimizer: Optimizer) -> bool:
    parameter = _closure_parameter(optimizer)
    if parameter is None or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        return False
    return parameter.default is parameter.empty


def _closure_parameter(optimizer: Optimizer) -> inspect.Parameter | None:
    """The first one of `step`, in torch's convention."""
    return next(iter(inspect.signature(optimizer.step).parameters.values()), None)


class _Stage:
    """Makes one optimizer on a fresh copy of the model, each time it is asked."""

    def __init__(
        self, build: Build, model: nn.Module, index: int, schedule: Schedule
    ) -> None:
        self._build, self._model, self._index = build, model, index
        self.schedule = schedule

    def open(self) -> tuple[nn.Module, Optimizer]:
        model = copy.deepcopy(self._model)
        return model, self._build(model)[self._index]


def _call_for(stage: _Stage, graph: bool, must_move: bool) -> Call:
    first: Exception | None = None
    for call in _attempts(stage, graph):
        try:
            _rehearse(stage, call, must_move)
        except Exception as error:
            first = first or error
        else:
            return call
    _, optimizer = stage.open()
    assert first is not None
    if isinstance(first, Unserved):
        raise first
    name = type(optimizer).__name__
    raise Unserved(f"{name} cannot be stepped: {complaint(first)}.") from first


def _attempts(stage: _Stage, always_graph: bool) -> Iterator[Call]:
    """Calls worth trying, the cheapest first."""
    _, optimizer = stage.open()
    takes_closure = _closure_parameter(optimizer) is not None
    for graph in (True,) if always_graph else (False, True):
        if not _requires_closure(optimizer):
            yield Call(graph=graph)
        if takes_closure:
            yield Call(closure=True, gradients=_looks_at_gradients(stage), graph=graph)


def _looks_at_gradients(stage: _Stage) -> bool:
    """Whether what a step does before it first calls its closure depends on gradients.

    So do methods that climb first (SAM): without them they train on, as something else.
    """
    return not torch.equal(_when_called(stage, True), _when_called(stage, False))


def _when_called(stage: _Stage, gradients: bool) -> Tensor:
    """The parameters, in one piece, as the first call of the closure finds them."""
    torch.manual_seed(0)
    model, optimizer = stage.open()
    found: list[Tensor] = []

    class Called(Exception):
        pass

    def closure() -> Tensor:
        found.append(_flat(model))
        raise Called

    trainer = Trainer([optimizer], [Call(closure=True, gradients=False)])
    if gradients:
        _loss(model).backward()
    with suppress(Exception):  # Called, or what else stops it: both tries are compared as they are
        trainer.step(lambda graph: closure())
    return found[0] if found else _flat(model)


def _rehearse(stage: _Stage, call: Call, must_move: bool) -> None:
    """Some steps, each with an evaluation.

    Raises: whatever the optimizer does; Unserved for a NaN, or if it `must_move` and does not.
    """
    model, optimizer = stage.open()
    trainer, before = Trainer([optimizer], [call]), _flat(model)

    def backward(graph: bool) -> Tensor:
        trainer.zero_grad()
        loss = _loss(model)
        loss.backward(create_graph=graph)
        return loss

    with _silenced_graph_warning():
        for step in range(STEPS):
            trainer.scale_rates(stage.schedule(step / STEPS))
            trainer.step(backward)
            trainer.evaluation_mode()
            if step == 1 and not _flat(model).isfinite().all():
                raise Unserved(f"{type(optimizer).__name__} gives NaN within two steps.")
    if must_move and torch.equal(before, _flat(model)):
        raise Unserved(f"{type(optimizer).__name__} changed no parameter in {STEPS} steps.")


@contextmanager
def _silenced_graph_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*create_graph=True")
        yield


def _loss(model: nn.Module) -> Tensor:
    """With bounded gradients, so that no sensible rate makes it diverge, and positive curvature."""
    terms = [((p + 1) ** 2 + 1).sqrt().mean() for p in model.parameters() if p.requires_grad]
    return torch.stack(terms).sum()


def _flat(model: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])
