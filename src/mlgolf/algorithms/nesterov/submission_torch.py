"""SGD with Nesterov momentum, linear warm-up and linear decay, in PyTorch on one device."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from mlgolf.core import spec
from mlgolf.core.published import published_batch_size

# In self-tuning: the middle of the search space, each range halved on its logarithmic scale.
SELF_TUNING_POINT = {
    "learning_rate": 0.3,
    "one_minus_beta1": 0.1,
    "weight_decay": 1e-5,
    "warmup_factor": 0.05,
    "decay_steps_factor": 0.9,
    "end_factor": 1e-2,
}


def get_batch_size(workload_name: str) -> int:
    return published_batch_size(workload_name)


def init_optimizer_state(
    workload: spec.Workload,
    model_params: nn.Module,
    model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters,
    rng: spec.RandomState,
) -> dict[str, Any]:
    point = chosen_point(hyperparameters)
    optimizer = torch.optim.SGD(
        model_params.parameters(),
        lr=point["learning_rate"],
        momentum=1 - point["one_minus_beta1"],
        weight_decay=point["weight_decay"],  # added to the gradient, before the momentum
        nesterov=True,
        foreach=True,
    )
    return {"optimizer": optimizer}


def update_params(
    workload: spec.Workload,
    current_param_container: nn.Module,
    current_params_types: spec.ParameterTypeTree,
    model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters,
    batch: dict[str, Tensor],
    loss_type: spec.LossType,
    optimizer_state: dict[str, Any],
    eval_results: list[tuple[int, dict[str, float]]],
    global_step: int,
    rng: spec.RandomState,
    train_state: Any = None,
) -> tuple[dict[str, Any], nn.Module, spec.ModelAuxiliaryState]:
    point, optimizer = chosen_point(hyperparameters), optimizer_state["optimizer"]
    loss, model_state = mean_loss(workload, current_param_container, model_state, batch, rng, point)
    optimizer.zero_grad()
    loss.backward()
    if "grad_clip" in point:
        nn.utils.clip_grad_norm_(current_param_container.parameters(), point["grad_clip"])
    factor = learning_rate_factor(global_step, workload.step_hint, point)
    optimizer.param_groups[0]["lr"] = point["learning_rate"] * factor
    optimizer.step()
    return optimizer_state, current_param_container, model_state


def prepare_for_eval(
    workload: spec.Workload,
    current_param_container: nn.Module,
    current_params_types: spec.ParameterTypeTree,
    model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters,
    loss_type: spec.LossType,
    optimizer_state: dict[str, Any],
    eval_results: list[tuple[int, dict[str, float]]],
    global_step: int,
    rng: spec.RandomState,
) -> tuple[dict[str, Any], nn.Module, spec.ModelAuxiliaryState]:
    return optimizer_state, current_param_container, model_state


def data_selection(
    workload: spec.Workload,
    input_queue: Iterator[dict[str, Tensor]],
    optimizer_state: dict[str, Any],
    current_param_container: nn.Module,
    model_state: spec.ModelAuxiliaryState,
    hyperparameters: spec.Hyperparameters,
    global_step: int,
    rng: spec.RandomState,
) -> dict[str, Tensor]:
    return next(input_queue)


def chosen_point(hyperparameters: spec.Hyperparameters) -> dict[str, Any]:
    """The hyperparameters by name; those of self-tuning where there is no tuner."""
    return SELF_TUNING_POINT if hyperparameters is None else hyperparameters._asdict()


def mean_loss(
    workload: spec.Workload,
    params: nn.Module,
    model_state: spec.ModelAuxiliaryState,
    batch: dict[str, Tensor],
    rng: spec.RandomState,
    point: dict[str, Any],
) -> tuple[Tensor, spec.ModelAuxiliaryState]:
    """Mean loss over the valid examples of a batch, and the model state after it."""
    logits, model_state = workload.model_fn(
        params=params,
        augmented_and_preprocessed_input_batch=batch,
        model_state=model_state,
        mode=spec.ForwardPassMode.TRAIN,
        rng=rng,
        update_batch_norm=True,
        **({"dropout_rate": point["dropout_rate"]} if "dropout_rate" in point else {}),
    )
    loss = workload.loss_fn(
        label_batch=batch["targets"],
        logits_batch=logits,
        mask_batch=batch.get("weights"),
        label_smoothing=point.get("label_smoothing", 0.0),
    )
    return loss["summed"] / loss["n_valid_examples"], model_state


def learning_rate_factor(step: int, step_hint: int, point: dict[str, Any]) -> float:
    """Linear from 0 to 1 over the warm-up, linear to `end_factor`, then level."""
    warmup_steps = int(point["warmup_factor"] * step_hint)
    if step < warmup_steps:
        return step / warmup_steps
    decay_steps = int((step_hint - warmup_steps) * point["decay_steps_factor"])
    progress = min((step - warmup_steps) / max(decay_steps, 1), 1.0)
    return 1 - (1 - point["end_factor"]) * progress
