"""How often do the intervals of `mlgolf ablate` hold the true effect? Simulated, 500 times each.

    ablation_coverage.py [--simulations 500] [--seed 0]

Log times of three methods, all combinations, and of five methods, half of them. Between studies
they have a standard deviation of 3%, and what a study does to all combinations alike one of 5%. In
cases "uneven" combinations with the first method vary twice as much. Printed for 2, 3, 5 and 10
studies: how often intervals of main effects, interactions and shares hold the truth, and how often
Holm's correction finds any effect where there is none.
"""

import argparse

import numpy as np
from common import print_machine

from mlgolf.analysis.ablation.designs import Design, fractional_design, full_design
from mlgolf.analysis.ablation.effects import Effects, Responses, effects_of, with_holm

FACTORS = ("a", "b", "c", "d", "e")
MAINS = {"a": 0.25, "b": 0.1, "c": -0.05, "d": 0.0, "e": 0.02}
PAIRS = {("a", "b"): -0.12, ("b", "c"): 0.08}
STDDEV, OF_STUDY = 0.03, 0.05
DESIGNS = {"3 methods, full": full_design(FACTORS[:3]), "5 methods, half": fractional_design(
    FACTORS, 5
)}  # fmt: skip
KINDS = ("mains", "interactions", "attribution")


def true_values(design: Design) -> np.ndarray:
    """(cells,)"""
    return np.array([
        sum(MAINS[name] for name in cell)
        + sum(more for pair, more in PAIRS.items() if {*pair} <= {*cell})
        for cell in design.cells
    ])


def measured(
    rng: np.random.Generator, design: Design, truth: np.ndarray, studies: int, *, uneven: bool
) -> Effects:
    scale = STDDEV * np.where((design.levels[:, 0] > 0) & uneven, 2.0, 1.0)
    noise = scale[:, None] * rng.standard_normal((len(truth), studies))
    values = truth[:, None] + noise + OF_STUDY * rng.standard_normal(studies)
    return effects_of(design, Responses("w", values, np.zeros(values.shape, bool), matched=True))


def coverage(found: Effects, truth: Effects) -> list[float]:
    return [
        float(np.mean([
            one.interval[0] <= true.estimate <= one.interval[1]
            for one, true in zip(getattr(found, kind), getattr(truth, kind), strict=True)
        ])) for kind in KINDS
    ]  # fmt: skip


def false_alarm(found: Effects, design: Design) -> bool:
    (told,) = with_holm([found], design.aliases)
    return min(effect.adjusted_p for effect in (*told.mains, *told.interactions)) < 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print_machine()
    for name, design in DESIGNS.items():
        values = true_values(design)
        truth = effects_of(
            design, Responses("w", values[:, None], np.zeros((len(values), 1), bool), matched=True)
        )
        for uneven in (False, True):
            for studies in (2, 3, 5, 10):
                rng = np.random.default_rng([asked.seed, len(values), studies, uneven])
                held, alarms = [], []
                for _ in range(asked.simulations):
                    found = measured(rng, design, values, studies, uneven=uneven)
                    held.append(coverage(found, truth))
                    nothing = measured(rng, design, 0 * values, studies, uneven=uneven)
                    alarms.append(false_alarm(nothing, design))
                mains, pairs, shares = np.mean(held, axis=0)
                print(
                    f"{name}, {studies} studies{', uneven' if uneven else ''}: main effects "
                    f"{mains:.1%}, interactions {pairs:.1%}, shares {shares:.1%}; any false "
                    f"effect after Holm {np.mean(alarms):.1%}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
