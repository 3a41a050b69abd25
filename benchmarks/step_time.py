"""A training step in JAX against the same step in PyTorch, and what compiling it takes.

    step_time.py [WORKLOAD ...]        at mini size; all of the mini competition if none is named

NadamW plays under the referee in both frameworks, which take turns. The steps are those between two
evaluations, so that what is compiled once does not count; what came before the first evaluation,
beyond its steps, is printed beside: import of the submission, initial values, compilation. How much
the referee adds to a bare loop, in either, is measured by referee_overhead.py.
"""

import statistics
import sys

import numpy as np
from common import print_machine, spread
from played import played, windows_of

from mlgolf.core.competition import load_competition
from mlgolf.core.trial import Trial

ROUNDS = 3
WINDOW, WINDOWS = 100, 8  # steps from one evaluation to the next, as in mini, and how many
FRAMEWORKS = ("torch", "jax")


def per_step(trial: Trial) -> tuple[float, float]:
    """(milliseconds a step, seconds before the first step's turn)."""
    each = np.diff(trial.seconds) / np.diff(trial.steps)
    step = float(np.median(each))
    return 1e3 * step, float(trial.seconds[0] - step * trial.steps[0])


def main() -> None:
    print_machine()
    for name in sys.argv[1:] or load_competition("mini").workloads:
        rules = windows_of(name, WINDOW, WINDOWS)
        found: dict[str, list[tuple[float, float]]] = {framework: [] for framework in FRAMEWORKS}
        for _ in range(ROUNDS):
            for framework in FRAMEWORKS:
                (one,) = played(rules, framework=framework)
                found[framework].append(per_step(one.trial))
        ratios = [j[0] / t[0] for t, j in zip(found["torch"], found["jax"], strict=True)]
        told = "; ".join(
            f"{framework} {spread([ms for ms, _ in values])} ms a step, "
            f"{statistics.median(before for _, before in values):.2f} s before the first"
            for framework, values in found.items()
        )
        print(f"{name}: JAX / PyTorch = {spread(ratios)}; {told}", flush=True)


if __name__ == "__main__":
    main()
