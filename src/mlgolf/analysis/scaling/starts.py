"""Where fits begin: given the exponents, E, A and B are a linear problem that has one solution.

So starts are the solutions over a grid of exponents (variable projection), whatever the units of
parameters and tokens. What a form has beyond the base starts at each of a few usual values.
"""

from itertools import product

import numpy as np
from scipy.optimize import nnls

from mlgolf.analysis.scaling.form import BASE, Form
from mlgolf.core.arrays import FloatArray

EXPONENTS = np.geomspace(0.05, 2, 12)
LEAST_SHARE = 1e-3  # of the loss: a term that the linear problem sets to 0 has no logarithm
USUAL = {"gamma": (1.0, 4.0), "R": (3.0, 30.0), "lever": (1.0,)}


def starts_of(form: Form) -> FloatArray:
    """Returns: (starts, parameters)."""
    runs = form.runs
    others = [
        np.log(USUAL[name.split("_")[0] if name.startswith(("gamma_", "R_")) else "lever"])
        for name in form.names[len(BASE) :]
    ]
    found = []
    for alpha, beta in product(EXPONENTS, EXPONENTS):
        terms = np.stack([runs.params**-alpha, runs.tokens**-beta, np.ones(len(runs))], axis=1)
        relative = terms / runs.loss[:, None]
        size = relative.max(axis=0)
        share, _ = nnls(relative / size, np.ones(len(runs)))
        log_terms = np.log(np.maximum(share, LEAST_SHARE) / size)
        exponents = np.log([alpha, beta])
        found += [[*log_terms, *exponents, *values] for values in product(*others)]
    return np.array(found)
