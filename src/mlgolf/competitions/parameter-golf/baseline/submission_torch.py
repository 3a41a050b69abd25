"""Baseline: NadamW, its weights rounded to bfloat16 whenever the model is judged."""

import torch

from mlgolf.algorithms.nadamw.submission_torch import init_optimizer_state, update_params
from mlgolf.torch import data_selection, get_batch_size

__all__ = [
    "data_selection", "get_batch_size", "init_optimizer_state", "prepare_for_eval", "update_params"
]


@torch.no_grad()
def prepare_for_eval(
    workload, current_param_container, current_params_types, model_state, hyperparameters,
    loss_type, optimizer_state, eval_results, global_step, rng,
):  # fmt: skip
    for weights in current_param_container.parameters():
        weights.copy_(weights.bfloat16())
    return optimizer_state, current_param_container, model_state
