"""SGD with Nesterov momentum in plain numpy: the formula, to compare the submission with.

Sources: Sutskever, Martens, Dahl and Hinton (2013), "On the importance of initialization and
momentum in deep learning", ICML, in the form that evaluates the gradient at the parameters held,
as in Bengio et al. (2013), arXiv:1212.0901, equation 7; weight decay is L2, added to the gradient.
Schedule: mlcommons/algorithmic-efficiency (archived_paper_baselines/nesterov).
"""

from mlgolf.core.arrays import FloatArray


def update(
    params: FloatArray,
    gradient: FloatArray,
    momentum: FloatArray,
    *,
    learning_rate: float,
    beta: float,
    weight_decay: float,
) -> tuple[FloatArray, FloatArray]:
    """One step on one parameter of any shape: (params, momentum) after it. Momentum starts at 0."""
    gradient = gradient + weight_decay * params
    momentum = beta * momentum + gradient
    return params - learning_rate * (gradient + beta * momentum), momentum


def learning_rate_factor(
    step: int, step_hint: int, warmup_factor: float, decay_steps_factor: float, end_factor: float
) -> float:
    """What the peak learning rate is multiplied by at update `step`, counted from 0; in [0, 1].

    Straight up from 0 during the warm-up; straight down to `end_factor` over `decay_steps_factor`
    of the steps that are left until `step_hint`; level from there.
    """
    warmup_steps = int(warmup_factor * step_hint)
    if step < warmup_steps:
        return step / warmup_steps
    decay_steps = int((step_hint - warmup_steps) * decay_steps_factor)
    progress = min((step - warmup_steps) / max(decay_steps, 1), 1.0)
    return 1 - (1 - end_factor) * progress
