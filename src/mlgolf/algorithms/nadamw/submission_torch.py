"""NadamW with linear warm-up and cosine decay, in PyTorch on one device."""

# pyright: reportPrivateImportUsage=false
# The operations on lists of tensors have an underscore, and are what torch's own optimizers use.

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from mlgolf.core import spec
from mlgolf.core.published import published_batch_size

# In self-tuning: the middle of the search space. AlgoPerf's published points are for runs of a
# hundred thousand steps; a run of some hundreds wants a larger rate.
SELF_TUNING_POINT = {
    "learning_rate": 0.01,
    "one_minus_beta1": 0.1,
    "beta2": 0.999,
    "weight_decay": 0.05,
    "warmup_factor": 0.05,
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
    optimizer = NadamW(
        list(model_params.parameters()),
        beta1=1 - point["one_minus_beta1"],
        beta2=point["beta2"],
        weight_decay=point["weight_decay"],
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
    # A parameter that the loss does not depend on has a gradient of zero, and decays like the rest.
    gradients = torch.autograd.grad(loss, optimizer.params, materialize_grads=True)
    if "grad_clip" in point:
        clip(gradients, point["grad_clip"])
    factor = learning_rate_factor(global_step, workload.step_hint, point["warmup_factor"])
    optimizer.step(gradients, point["learning_rate"] * factor)
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


def learning_rate_factor(step: int, step_hint: int, warmup_factor: float) -> float:
    """Linear from 0 to 1 over the warm-up, then half a cosine to 0 at `step_hint`."""
    warmup_steps = int(warmup_factor * step_hint)
    if step < warmup_steps:
        return step / warmup_steps
    progress = (step - warmup_steps) / max(step_hint - warmup_steps, 1)
    return (1 + math.cos(math.pi * min(progress, 1.0))) / 2


def clip(gradients: tuple[Tensor, ...], max_norm: float) -> None:
    """Scale the gradients in place so that their joint norm is at most `max_norm`."""
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    torch._foreach_mul_(gradients, torch.clamp(max_norm / (norm + 1e-6), max=1.0))


class NadamW:
    """The update rule, a few operations for all parameters at once. See rule.py for the formula."""

    def __init__(
        self,
        params: list[Tensor],
        beta1: float,
        beta2: float,
        weight_decay: float,
        epsilon: float = 1e-8,
    ) -> None:
        self.params = params
        self.beta1, self.beta2 = beta1, beta2
        self.weight_decay, self.epsilon = weight_decay, epsilon
        self.steps = 0
        self.first_moments = [torch.zeros_like(p, requires_grad=False) for p in params]
        self.second_moments = [torch.zeros_like(p, requires_grad=False) for p in params]

    @torch.no_grad()
    def step(self, gradients: tuple[Tensor, ...], learning_rate: float) -> None:
        self.steps += 1
        torch._foreach_lerp_(self.first_moments, gradients, 1 - self.beta1)
        torch._foreach_mul_(self.second_moments, self.beta2)
        torch._foreach_addcmul_(self.second_moments, gradients, gradients, 1 - self.beta2)

        ahead = torch._foreach_lerp(self.first_moments, gradients, 1 - self.beta1)
        scales = torch._foreach_sqrt(self.second_moments)
        torch._foreach_div_(scales, math.sqrt(1 - self.beta2**self.steps))
        torch._foreach_add_(scales, self.epsilon)

        torch._foreach_mul_(self.params, 1 - learning_rate * self.weight_decay)
        rate = learning_rate / (1 - self.beta1**self.steps)
        torch._foreach_addcdiv_(self.params, ahead, scales, -rate)

    def state_dict(self) -> dict[str, Any]:
        moments = {"first_moments": self.first_moments, "second_moments": self.second_moments}
        return {"steps": self.steps, **moments}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]
        torch._foreach_copy_(self.first_moments, state["first_moments"])
        torch._foreach_copy_(self.second_moments, state["second_moments"])
