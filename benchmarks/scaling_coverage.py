"""How often do the intervals of `mlgolf fit` hold the truth? Simulated, 500 times each.

    scaling_coverage.py [--simulations 500] [--draws 400] [--seed 0]

Runs have the parameters and tokens of the 240 published ones of Chinchilla, or of 60 of them drawn
at random, and the losses of a known law with noise of log loss: normal (0.4%), Laplace (0.3% mean
size) or Student's t with 3 degrees (0.25% scale). Printed: how often the 95% interval holds
the true ln A, ln B, ln E, alpha, beta, the exponent a, tokens per parameter and loss at 5.76e23
FLOP, of the bootstrap and, for the first five, of profiles. The last lines are means over cases.
"""

import argparse

import numpy as np
from common import print_machine

from mlgolf.analysis.scaling.fitting import fit_scaling_law
from mlgolf.analysis.scaling.form import Form, ScalingRuns
from mlgolf.analysis.scaling.law import ScalingLaw
from mlgolf.analysis.scaling.table import Choice, Columns, read_runs
from mlgolf.data.tables import published_table

TRUTH = ScalingLaw(E=1.817, A=478.0, B=2143.0, alpha=0.3473, beta=0.3672)
FLOP = 5.76e23
NAMES = ("A", "B", "E", "alpha", "beta", "a", "D/N", "loss")
NOISES = {
    "normal": lambda rng, n: 0.004 * rng.standard_normal(n),
    "Laplace": lambda rng, n: rng.laplace(scale=0.003, size=n),
    "Student": lambda rng, n: 0.0025 * rng.standard_t(3, size=n),
}


def derived(law: ScalingLaw) -> dict:
    best = law.best_for(FLOP)
    return {
        "a": law.params_exponent, "D/N": best.tokens / best.params, "loss": law.loss(*best)
    }  # fmt: skip


def held(runs: ScalingRuns, draws: int, seed: int) -> tuple[list[bool], list[bool]]:
    fit = fit_scaling_law(runs, draws=draws, seed=seed)
    truth = {name: getattr(TRUTH, name) for name in NAMES[:5]}
    intervals = dict(fit.intervals)
    for name, true in derived(TRUTH).items():
        truth[name] = float(true)
        intervals[name] = fit.estimate(lambda law, name=name: derived(law)[name])[1]
    profiles = {name: one.interval for name, one in fit.profiles.items()}
    return (
        [intervals[name][0] <= truth[name] <= intervals[name][1] for name in NAMES],
        [profiles[name][0] <= truth[name] <= profiles[name][1] for name in NAMES[:5]],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=500)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print_machine()
    rng = np.random.default_rng(asked.seed)
    published = read_runs(
        published_table("chinchilla_runs"), Columns(), Choice(without="outlier_top5_loss")
    ).runs
    form = Form(runs=published)
    theta = form.theta_of({name: getattr(TRUTH, name) for name in NAMES[:5]})
    exact = np.exp(form.predicted(theta[None])[0][0])
    print(f"{'noise':8} runs  {'  '.join(f'{name:>5}' for name in NAMES)}   by profiles")
    shares, by_profile = [], []
    for noise, draw in NOISES.items():
        for count in (240, 60):
            found = []
            for seed in range(asked.simulations):
                rows = rng.permutation(len(published))[:count]
                loss = exact[rows] * np.exp(draw(rng, count))
                runs = ScalingRuns(
                    params=published.params[rows], tokens=published.tokens[rows], loss=loss
                )
                found.append(held(runs, asked.draws, seed))
            boot = 100 * np.mean([one for one, _ in found], axis=0)
            profile = 100 * np.mean([one for _, one in found], axis=0)
            shares.append(boot)
            by_profile.append(profile)
            numbers = "  ".join(f"{share:5.1f}" for share in boot)
            profiled = "  ".join(f"{share:5.1f}" for share in profile)
            print(f"{noise:8} {count:4}  {numbers}   {profiled}", flush=True)
    print(
        f"bootstrap: mean {np.mean(shares):.1f}%, from {np.min(shares):.1f} to "
        f"{np.max(shares):.1f}; profiles: mean {np.mean(by_profile):.1f}%, from "
        f"{np.min(by_profile):.1f} to {np.max(by_profile):.1f}"
    )


if __name__ == "__main__":
    main()
