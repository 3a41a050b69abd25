"""A submission from a PyTorch optimizer, in five lines:

import torch
from mlgolf.torch import from_optimizer

submission = from_optimizer(torch.optim.AdamW, search_space={
    "learning_rate": {"min": 1e-4, "max": 1e-2, "scaling": "log"},
    "weight_decay": {"feasible_points": [0.01, 0.1]}})
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from mlgolf.backends.short_form import (
    WARMUP,
    Schedule,
    ShortForm,
    arguments_of,
    chosen_schedule,
    values,
)
from mlgolf.core import spec
from mlgolf.core.errors import SubmissionError


def from_optimizer(
    optimizer: type[torch.optim.Optimizer] | Any,
    *,
    search_space: dict[str, Any] | list[dict[str, Any]] | None = None,
    schedule: str | Schedule = "warmup_cosine",
    batch_size: int | None = None,
) -> "TorchSubmission":
    """A submission that trains every workload with `optimizer`.

    Args:
      optimizer: a class such as torch.optim.AdamW, called with the parameters; with
        functools.partial some of its arguments can be fixed.
      search_space: in AlgoPerf's form. Its keys are arguments of the optimizer, which get the
        value of the point ("learning_rate" is `lr`), or dropout_rate, or label_smoothing. In
        self-tuning, where there is no point, the optimizer's own defaults hold.
      schedule: what the learning rate is multiplied by: "warmup_cosine" (5% of the workload's
        step hint up from 0, then a cosine to 0), "constant", or a function of the share of the
        step hint that is done: 0.0 at the first update, 1.0 and more from the step hint on.
      batch_size: global and meant for full size; None: that of the workload's published baseline.
    Raises: SearchSpaceError for a key that nothing takes; UnknownName for a schedule;
      SubmissionError for an optimizer without a learning rate.
    """
    names = [name for name in arguments_of(optimizer) if name != "params"]
    if "lr" not in names:
        raise SubmissionError(f"{optimizer} has no argument lr, so no schedule can act on it.")
    arguments = {"learning_rate": "lr"} | {name: name for name in names}
    chosen = chosen_schedule(schedule, SCHEDULES)
    return TorchSubmission(optimizer, arguments, search_space, chosen, batch_size)


class TorchSubmission(ShortForm):
    """AlgoPerf's five functions around one optimizer."""

    def init_optimizer_state(
        self,
        workload: spec.Workload,
        model_params: nn.Module,
        model_state: spec.ModelAuxiliaryState,
        hyperparameters: spec.Hyperparameters,
        rng: spec.RandomState,
    ) -> dict[str, Any]:
        arguments = self.optimizer_arguments(hyperparameters)
        return {"optimizer": self.optimizer(model_params.parameters(), **arguments)}

    def update_params(
        self,
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
        optimizer = optimizer_state["optimizer"]
        factor = self.schedule(global_step / workload.step_hint)
        for group in optimizer.param_groups:
            group["lr"] = optimizer.defaults["lr"] * factor
        optimizer.zero_grad()
        loss, model_state = mean_loss(
            workload, current_param_container, model_state, batch, rng, values(hyperparameters)
        )
        loss.backward()
        optimizer.step()
        return optimizer_state, current_param_container, model_state


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


def warmup_cosine(fraction: float) -> float:
    """Linear from 0 to 1 over the warm-up, then half a cosine to 0 at 1, and 0."""
    if fraction < WARMUP:
        return fraction / WARMUP
    progress = min((fraction - WARMUP) / (1 - WARMUP), 1.0)
    return (1 + math.cos(math.pi * progress)) / 2


def constant(fraction: float) -> float:
    return 1.0


SCHEDULES = {"warmup_cosine": warmup_cosine, "constant": constant}
