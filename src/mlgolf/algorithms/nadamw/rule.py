"""NadamW in plain numpy: the formula, to compare the submissions with. No submission imports it.

Sources: Loshchilov and Hutter (2019), arXiv:1711.05101, algorithm 2, for the decoupled decay;
Dozat (2016), "Incorporating Nesterov momentum into Adam", for the look-ahead of the first moment;
mlcommons/algorithmic-efficiency (archived_paper_baselines/nadamw) for the bias correction, which is
that of Adam for both moments and knows no momentum schedule. torch.optim.NAdam is another rule.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from mlgolf.core.arrays import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    step: int  # completed updates
    first_moment: FloatArray
    second_moment: FloatArray


def initial_state(params: FloatArray) -> State:
    zeros = np.zeros_like(params)
    return State(step=0, first_moment=zeros, second_moment=zeros)


def update(
    params: FloatArray,
    gradient: FloatArray,
    state: State,
    *,
    learning_rate: float,
    beta1: float,
    beta2: float,
    weight_decay: float,
    epsilon: float = 1e-8,
) -> tuple[FloatArray, State]:
    """One step on one parameter of any shape: (params, state) after it."""
    step = state.step + 1
    first = beta1 * state.first_moment + (1 - beta1) * gradient
    second = beta2 * state.second_moment + (1 - beta2) * gradient**2
    ahead = (beta1 * first + (1 - beta1) * gradient) / (1 - beta1**step)
    scale = np.sqrt(second / (1 - beta2**step)) + epsilon
    params = params - learning_rate * (ahead / scale + weight_decay * params)
    return params, replace(state, step=step, first_moment=first, second_moment=second)


def learning_rate_factor(step: int, step_hint: int, warmup_factor: float) -> float:
    """What the peak learning rate is multiplied by at update `step`, counted from 0; in [0, 1].

    Straight up from 0 during the warm-up, then half a cosine down to 0 at `step_hint`, and 0.
    """
    warmup_steps = int(warmup_factor * step_hint)
    if step < warmup_steps:
        return step / warmup_steps
    progress = (step - warmup_steps) / max(step_hint - warmup_steps, 1)
    return (1 + math.cos(math.pi * min(progress, 1.0))) / 2
