"""What every submission needs, in plain Python: points, batches, the mean loss, schedules.

Public in `mlgolf.torch` and `mlgolf.jax`, which add what differs: gradients and clipping; and in
JAX the schedules, since a step that is compiled knows its number only as an array.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from mlgolf.core import spec
from mlgolf.core.published import published_batch_size

WARMUP = 0.05  # share of the step hint that schedules warm up for, if nothing else is said


def chosen_point(
    hyperparameters: spec.Hyperparameters, default: Mapping[str, Any]
) -> dict[str, Any]:
    """The hyperparameters by name; `default` in self-tuning, where they are None."""
    return dict(default) if hyperparameters is None else hyperparameters._asdict()


def data_selection(
    workload: spec.Workload, input_queue: Iterator[dict[str, Any]],
    optimizer_state: spec.OptimizerState, current_param_container: spec.ParameterContainer,
    model_state: spec.ModelAuxiliaryState, hyperparameters: spec.Hyperparameters, global_step: int,
    rng: spec.RandomState,
) -> dict[str, Any]:
    """AlgoPerf's function of this name, for a submission that takes the batches as they come."""
    return next(input_queue)


def get_batch_size(workload_name: str) -> int:
    """AlgoPerf's function of this name, for a submission that takes the published batch sizes.

    Raises: ValueError for other workloads: a trial then takes that of the workload's baseline.
    """
    return published_batch_size(workload_name)


def mean_loss(
    workload: spec.Workload, params: spec.ParameterContainer, model_state: spec.ModelAuxiliaryState,
    batch: dict[str, Any], rng: spec.RandomState, point: Mapping[str, Any], *,
    update_batch_norm: bool = True,
) -> tuple[Any, spec.ModelAuxiliaryState]:
    """Mean loss over the valid examples of a batch, and the model state after it.

    Args:
      point: hyperparameters by name. Its dropout_rate (else the workload's own) and its
        label_smoothing (else 0) count here.
      update_batch_norm: of several passes over one batch, only the first is to move the batch
        norm's statistics.
    Returns: (loss, model_state); the loss is an array of shape (), and can be differentiated.
    """
    logits, model_state = workload.model_fn(
        params=params,
        augmented_and_preprocessed_input_batch=batch,
        model_state=model_state,
        mode=spec.ForwardPassMode.TRAIN,
        rng=rng,
        update_batch_norm=update_batch_norm,
        **({"dropout_rate": point["dropout_rate"]} if "dropout_rate" in point else {}),
    )
    loss = workload.loss_fn(
        label_batch=batch["targets"],
        logits_batch=logits,
        mask_batch=batch.get("weights"),
        label_smoothing=point.get("label_smoothing", 0.0),
    )
    return loss["summed"] / loss["n_valid_examples"], model_state


def constant(done: Any) -> float:
    """The schedule that leaves the learning rate as it is."""
    return 1.0


def warmup_cosine(done: float, warmup: float = WARMUP, end: float = 1.0) -> float:
    """What the peak learning rate is multiplied by: linear from 0 to 1, half a cosine to 0, and 0.

    Args: done, warmup, end: what is done, where the warm-up ends and where the cosine does, either
      in steps or in shares of the step hint; 0 <= warmup < end.
    """
    if done < warmup:
        return done / warmup
    return (1 + math.cos(math.pi * _decayed(done, warmup, end))) / 2


def warmup_linear(
    done: float, warmup: float = WARMUP, end: float = 1.0, end_factor: float = 0.0
) -> float:
    """Linear from 0 to 1, linear to `end_factor`, and level. Arguments as of `warmup_cosine`."""
    if done < warmup:
        return done / warmup
    return 1 - (1 - end_factor) * _decayed(done, warmup, end)


def _decayed(done: float, warmup: float, end: float) -> float:
    """Share of the decay that is done."""
    return min((done - warmup) / (end - warmup), 1.0)
