"""NadamW that a small model helps, in PyTorch: it chooses the data, or teaches, or both.

The small model is made and trained here, on the clock, before the first step of the large one: a
convolutional network of two layers for images, a table of which token follows which for text. The
point says what it is for, and for how many steps it trains, as a share of the step hint:

    {"methods": ["small_model_selection"], "small_share": 0.2, "learning_rate": …}
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mlgolf.algorithms.nadamw.submission_torch import NadamW, learning_rate_factor
from mlgolf.core import spec
from mlgolf.core.arrays import Batch
from mlgolf.methods import (
    Distillation,
    Methods,
    SmallModelSelection,
    from_point,
    numpy_generator,
    reducible,
    selected,
)
from mlgolf.methods.distillation_torch import distilled
from mlgolf.methods.losses_torch import example_losses
from mlgolf.methods.switched_workload import SwitchedWorkload
from mlgolf.torch import chosen_point, get_batch_size, gradients

__all__ = [
    "data_selection",
    "get_batch_size",
    "init_optimizer_state",
    "prepare_for_eval",
    "update_params",
]

SELF_TUNING_POINT = json.loads(Path(__file__).with_name("tuning_search_space.json").read_text())[0]
SERVED = ("small_model_selection", "distillation")


@dataclass
class State:
    point: dict[str, Any]
    methods: Methods
    optimizer: NadamW
    small: Any = None  # a network, once it is trained


def init_optimizer_state(
    workload: spec.Workload, model_params: nn.Module, model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters, rng: spec.RandomState,
) -> State:
    point = chosen_point(hyperparameters, SELF_TUNING_POINT)
    optimizer = NadamW(
        [*model_params.parameters()], beta1=1 - point["one_minus_beta1"], beta2=point["beta2"],
        weight_decay=point["weight_decay"],
    )  # fmt: skip
    methods = from_point(point, workload, SERVED)
    return State(point=point, methods=methods, optimizer=optimizer)


def data_selection(
    workload: spec.Workload, input_queue: Iterator[dict[str, Any]], optimizer_state: State,
    current_param_container: nn.Module, model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters, global_step: int, rng: spec.RandomState,
) -> Any:
    """The next batch, or those of its examples on which the large model can still gain."""
    state = optimizer_state
    if state.small is None and state.methods.names:
        state.small = trained(
            workload, current_param_container, model_state, input_queue,
            round(state.point["small_share"] * workload.step_hint), rng,
        )  # fmt: skip
    batch = next(input_queue)
    method = state.methods.get(SmallModelSelection)
    if method is None:
        return batch

    def large(batch: Batch) -> Tensor:
        return example_losses(workload)(current_param_container, model_state, batch, rng)

    def small(batch: Batch) -> Tensor:
        return example_losses(by_itself(workload))(state.small, None, batch, rng)

    return selected(
        method, batch, reducible(large, small), numpy_generator(rng),
        global_step / workload.step_hint, global_step,
    )


def update_params(
    workload: spec.Workload, current_param_container: nn.Module,
    current_params_types: spec.ParameterTypeTree, model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters, batch: dict[str, Any], loss_type: spec.LossType,
    optimizer_state: State, eval_results: list[tuple[int, dict[str, float]]],
    global_step: int, rng: spec.RandomState, train_state: Any = None,
) -> spec.UpdateReturn:
    state, point = optimizer_state, optimizer_state.point
    method, progress = state.methods.get(Distillation), global_step / workload.step_hint
    if method is not None and method.at(progress) > 0:
        workload = Taught(workload, method, state.small(batch["inputs"]), progress)
    _, gradient, model_state = gradients(
        workload, current_param_container, model_state, batch, rng, point,
        tensors=state.optimizer.params, max_norm=point.get("grad_clip"),
    )  # fmt: skip
    factor = learning_rate_factor(global_step, workload.step_hint, point)
    state.optimizer.step(gradient, point["learning_rate"] * factor)
    return state, current_param_container, model_state


def prepare_for_eval(
    workload: spec.Workload, current_param_container: nn.Module,
    current_params_types: spec.ParameterTypeTree, model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters, loss_type: spec.LossType, optimizer_state: State,
    eval_results: list[tuple[int, dict[str, float]]], global_step: int, rng: spec.RandomState,
) -> spec.UpdateReturn:
    return optimizer_state, current_param_container, model_state


class Taught(SwitchedWorkload):
    """A workload whose loss has the teacher's term."""

    def __init__(self, workload: Any, method: Distillation, teacher: Tensor, at: float) -> None:
        super().__init__(workload, workload.model_fn)
        self._method, self._teacher, self._at = method, teacher, at

    def loss_fn(self, label_batch: Tensor, logits_batch: Tensor, **others: Any) -> dict[str, Any]:
        loss = self._workload.loss_fn(label_batch=label_batch, logits_batch=logits_batch, **others)
        count = loss["n_valid_examples"]
        mean = distilled(
            self._method, loss["summed"] / count, logits_batch, self._teacher, self._at
        )
        return {**loss, "summed": mean * count}


def trained(
    workload: Any, params: nn.Module, model_state: Any, batches: Iterator[dict[str, Any]],
    steps: int, rng: spec.RandomState,
) -> nn.Module:
    """A small model after so many steps of AdamW. The large one only says how many classes."""
    torch.manual_seed(int(rng[0]))
    batch = next(batches)
    classes = outputs_of(workload, params, model_state, batch, rng).shape[-1]
    model = small_model(batch["inputs"], classes)
    alone = by_itself(workload)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, foreach=True)
    for _ in range(steps):
        _, slopes, _ = gradients(alone, model, None, batch, rng, {})
        for parameter, slope in zip(model.parameters(), slopes, strict=True):
            parameter.grad = slope
        optimizer.step()
        batch = next(batches)
    return model.requires_grad_(False)


def small_model(inputs: Tensor, classes: int) -> nn.Module:
    """(B, C, H, W) images to (B, classes), or (B, L) tokens to (B, L, classes)."""
    if inputs.ndim == 4:
        layers = [
            nn.Conv2d(inputs.shape[1], 8, 3, stride=2), nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.LazyLinear(classes),
        ]  # fmt: skip
    else:
        layers = [nn.Embedding(classes, 32), nn.Linear(32, classes)]
    model = nn.Sequential(*layers).to(inputs.device)
    model(inputs)  # tells the lazy layer its size
    return model


def by_itself(workload: Any) -> SwitchedWorkload:
    """The workload with the small model as its network."""

    def model_fn(
        params: nn.Module, augmented_and_preprocessed_input_batch: Batch, model_state: Any,
        **_: Any,
    ) -> tuple[Tensor, Any]:
        return params(augmented_and_preprocessed_input_batch["inputs"]), model_state

    return SwitchedWorkload(workload, model_fn)


@torch.no_grad()
def outputs_of(
    workload: Any, params: nn.Module, model_state: Any, batch: Batch, rng: Any
) -> Tensor:
    logits, _ = workload.model_fn(
        params=params, augmented_and_preprocessed_input_batch=batch, model_state=model_state,
        mode=spec.ForwardPassMode.EVAL, rng=rng, update_batch_norm=False, dropout_rate=0.0,
    )
    return logits
