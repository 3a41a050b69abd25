"""Whether runs tell how to divide compute between parameters and tokens.

Without that no best size follows from a fit, and no plan. It takes both exponents. E, and A or B
alone, may stay unknown: constants move together, and losses near the runs are known all the same.
"""

import math
from collections.abc import Collection

from mlgolf.analysis.scaling.law import Numbers, ScalingLaw
from mlgolf.analysis.scaling.minimise import FURTHEST
from mlgolf.core.text import enumerated

EXPONENTS = ("alpha", "beta")


def ran_away(value: Numbers) -> bool:
    """Whether a parameter stopped only where the optimiser stops all of them. NaN: it did."""
    return not (math.exp(1e-6 - FURTHEST) < value < math.exp(FURTHEST - 1e-6))


def why_no_sizes(law: ScalingLaw, not_identified: Collection[str]) -> str:
    """What keeps a fit from telling best sizes, and what to do; empty if nothing does."""
    unknown = [
        name for name in ("A", "B", *EXPONENTS)
        if name in not_identified and (name in EXPONENTS or ran_away(getattr(law, name)))
    ]  # fmt: skip
    if not unknown:
        return ""
    verb = "is" if len(unknown) == 1 else "are"
    return (
        f"{enumerated(unknown)} {verb} not identified: the runs fit about as well with values as "
        "far off as one likes, so they do not tell how to divide compute between parameters and "
        "tokens. Give runs of one size with other token counts and of other sizes with the same "
        f"token count, or fix it in mlgolf fit: --given {unknown[-1]}=VALUE"
    )
