"""A linear model under weighted squared error: quadratics whose gradients numpy says exactly.

Submissions train it through a facade of their framework (linear_torch.py, linear_jax.py); rules
train it here, in double precision.
"""

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np

from mlgolf.core.spec import TrainingCompleteError

STEP_HINT = 16
BATCHES = 20  # the last steps lie beyond the hint
FEATURES, EXAMPLES = 5, 8

Params = dict[str, np.ndarray]


def random_batches() -> list[dict[str, np.ndarray]]:
    """inputs (8, 5), targets (8,), weights (8,) of which one is 0."""
    generator = np.random.default_rng(0)
    batches = []
    for _ in range(BATCHES):
        arrays = {
            "inputs": generator.normal(size=(EXAMPLES, FEATURES)),
            "targets": generator.normal(size=EXAMPLES),
            "weights": np.array([1.0] * (EXAMPLES - 1) + [0.0]),
        }
        batches.append({name: array.astype(np.float32) for name, array in arrays.items()})
    return batches


def initial_params() -> Params:
    generator = np.random.default_rng(1)
    values = {"bias": generator.normal(size=()), "weight": generator.normal(size=FEATURES)}
    return {name: value.astype(np.float32) for name, value in values.items()}


def gradients(params: Params, batch: dict[str, np.ndarray]) -> Params:
    """Of the mean over valid examples of (prediction - target)^2 / 2."""
    inputs, targets, weights = (batch[k].astype(float) for k in ("inputs", "targets", "weights"))
    residuals = weights * (inputs @ params["weight"] + params["bias"] - targets) / weights.sum()
    return {"bias": residuals.sum(), "weight": inputs.T @ residuals}


def clipped(gradient: Params, max_norm: float) -> Params:
    norm = np.sqrt(sum((g**2).sum() for g in gradient.values()))
    return {name: g * min(1.0, max_norm / (norm + 1e-6)) for name, g in gradient.items()}


def train_by_rule(
    update: Callable[..., tuple[Any, Any]],
    initial_state: Callable[[np.ndarray], Any],
    factor: Callable[[int], float],
    *,
    learning_rate: float,
    max_norm: float = np.inf,
    **constants: float,
) -> Params:
    """Parameters after all batches under a rule's `update`, applied to each parameter alone."""
    params = {name: value.astype(float) for name, value in initial_params().items()}
    states = {name: initial_state(value) for name, value in params.items()}
    for step, batch in enumerate(random_batches()):
        gradient = clipped(gradients(params, batch), max_norm)
        rate = learning_rate * factor(step)
        for name in params:
            params[name], states[name] = update(
                params[name], gradient[name], states[name], learning_rate=rate, **constants
            )
    return params


def as_hyperparameters(point: dict[str, Any] | None) -> Any:
    return None if point is None else namedtuple("Hyperparameters", point)(**point)


def train_by_submission(
    submission: Any,
    workload: Any,
    params: Any,
    point: dict[str, Any] | None,
    rng: Any,
    steps: int = BATCHES,
) -> Any:
    """Parameters after the first batches, through the five functions in the harness's order.

    Each step is followed by an evaluation; who says that training is complete ends it.
    """
    hyperparameters = as_hyperparameters(point)
    state = submission.init_optimizer_state(workload, params, None, hyperparameters, rng)
    queue, model_state = iter(workload.batches), None
    for step in range(steps):
        batch = submission.data_selection(
            workload, queue, state, params, model_state, hyperparameters, step, rng
        )
        common = {
            "workload": workload,
            "current_params_types": None,
            "hyperparameters": hyperparameters,
            "loss_type": None,
            "eval_results": [],
            "rng": rng,
        }
        try:
            state, params, model_state = submission.update_params(
                **common, current_param_container=params, model_state=model_state, batch=batch,
                optimizer_state=state, global_step=step,
            )  # fmt: skip
        except TrainingCompleteError:
            return params
        if not hasattr(submission, "prepare_for_eval"):
            continue
        state, params, model_state = submission.prepare_for_eval(
            **common, current_param_container=params, model_state=model_state,
            optimizer_state=state, global_step=step + 1,
        )  # fmt: skip
    return params
