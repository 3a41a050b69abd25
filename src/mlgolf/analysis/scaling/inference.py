"""The cheapest model of a given loss when it also has to answer requests for its whole life.

    min over N, D of 6 N D + 2 N D_inference   subject to   L(N, D) = loss

The more it will be used, the smaller and the longer trained it should be.

Source: Sardana et al. (2023), https://arxiv.org/abs/2401.00448, equation 2.
"""

import math

from scipy.optimize import minimize_scalar

from mlgolf.analysis.scaling.law import INFERENCE_FLOP, TRAINING_FLOP, ScalingLaw, Sizes
from mlgolf.core.errors import ScoringError

WIDEST = math.log(1e6)  # above the smallest model that reaches the loss at all


def cheapest_for(law: ScalingLaw, loss: float, inference_tokens: float) -> Sizes:
    """Args: law: of numbers, not of draws.

    Raises: ScoringError for a loss that no model reaches, at or below E.
    """
    if loss <= law.E:
        raise ScoringError(
            f"found a loss of {loss:g}, and no model is below E = {float(law.E):g}. Ask for more"
        )
    least = math.log(law.A / (loss - law.E)) / law.alpha

    def log_flop(log_params: float) -> float:
        params = math.exp(log_params)
        tokens = float(law.tokens_for(params, loss))
        return math.log(params) + math.log(
            TRAINING_FLOP * tokens + INFERENCE_FLOP * inference_tokens
        )

    best = minimize_scalar(
        log_flop, bounds=(least + 1e-9, least + WIDEST), method="bounded",
        options={"xatol": 1e-10},
    )  # fmt: skip
    params = math.exp(best.x)
    return Sizes(params, float(law.tokens_for(params, loss)))
