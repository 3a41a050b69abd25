"""Games that can be won without learning anything, found by trying.

Each check is given what it needs and reads no files but to say where a number stands.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.arrays import IntArray
from mlgolf.core.quantities import quantity
from mlgolf.core.rules import Rules, WorkloadRules
from mlgolf.core.target import Target
from mlgolf.golf.findings import Passed, Said
from mlgolf.golf.least_loss import LeastLoss, least_constant_loss
from mlgolf.golf.place import Place
from mlgolf.golf.source_rows import in_words, source_file
from mlgolf.golf.trying import Arrays, Trying
from mlgolf.workloads.graph.graph import Graph

SEEDS = (0, 1, 2)  # of untrained models
NEVER = 30.0  # nats: the logit of what never happens is so far below the others
BITS = ("bit", "bits")
ROUNDING = 1e-6  # relative, of losses in 32 bits
_OF_TRAIN = {"train/loss": "mean", "train/loss_max": "worst"}


# --- bounds that nothing has to be learned for ---


def idle_bounds(place: Place, trying: Trying) -> Iterator[Said]:
    """Bounds on the fit that an all-zero model or an untrained one meets."""
    bounds = trying.fit_bounds
    if not bounds:
        yield _without_bounds(place, trying.rules)
        return
    named = {"an all-zero model": trying.zeros}
    named |= {f"an untrained model (seed {seed})": trying.untrained(seed) for seed in SEEDS}
    found = {name: trying.values(arrays) for name, arrays in named.items()}
    for name, values in found.items():
        if all(bound.met(values[bound.metric]) for bound in bounds):
            reached = ", ".join(f"{b} is met by {values[b.metric]:.3g}" for b in bounds)
            yield place.of_row(
                ("bounds",), f"{name} keeps every bound on the fit ({reached}), so nothing has to "
                "be learned; tighten them"
            )  # fmt: skip
            return
    yield from _each_alone(place, bounds, found)


def _each_alone(
    place: Place, bounds: list[Target], found: dict[str, dict[str, float]]
) -> Iterator[Said]:
    for bound in bounds:
        reached = {name: values[bound.metric] for name, values in found.items()}
        who = next((name for name, value in reached.items() if bound.met(value)), None)
        if who:
            yield place.of_bound(
                bound.metric, f"{who} meets {bound} already, with {reached[who]:.3g}, so the bound "
                "is idle; tighten it, or remove it"
            )  # fmt: skip
    for name in ("an all-zero model", f"an untrained model (seed {SEEDS[0]})"):
        if not any(b.met(found[name][b.metric]) for b in bounds):
            has = [f"{b.metric} {found[name][b.metric]:.3g} (allowed {b.value:g})" for b in bounds]
            yield Passed(f"bounds: {name} misses all, with {', '.join(has)}")


def _without_bounds(place: Place, rules: Rules) -> Said:
    if rules.objective_quantity.is_of_the_model:
        return place.of_rules(
            ("constraints",), "nothing bounds how well a model fits, so the one with the least "
            f"{rules.objective} need not fit anything: add a bound such as "
            '{ quantity = "train_loss_max", bound = "train_loss_max" }'
        )  # fmt: skip
    return Passed(f"bounds: none is on the fit, as the objective is {rules.objective}")


# --- what no model reaches, and what a constant reaches ---


def reachable_bounds(
    place: Place, rules: Rules, row: WorkloadRules, least: LeastLoss, rows: IntArray
) -> Iterator[Said]:
    """Bounds on the training loss against the least loss that equal inputs leave possible.

    Args: rows: (examples,), the place of each in the host's data.
    """
    groups = sorted(sorted(rows[group].tolist()) for group in least.disagreeing)
    places = [place for group in groups for place in group]
    said = (
        f"{len(places)} examples ({in_words(source_file(row), places)}) have the inputs of another "
        f"one and other targets, so no model gets below a mean loss of {least.mean:.4g} and "
        f"{least.worst:.4g} for the worst"
    )
    fine = True
    for bound in rules.targets(row):
        kind = _OF_TRAIN.get(quantity(bound.metric).column_for(row.metric))
        if kind and places and bound.value < getattr(least, kind) * (1 - ROUNDING):
            fine = False
            yield place.of_bound(bound.metric, f"{bound} cannot be reached: {said}")
    if fine:
        clean = "no two examples have the same inputs and different targets"
        yield Passed(f"duplicates: {said if places else clean}")


def constants(
    place: Place, rules: Rules, row: WorkloadRules, targets: NDArray, form: str,
    trying: Trying | None, graph: Graph | None, rivals: dict[str, float],
) -> Iterator[Said]:
    """What a model reaches that gives one output, whatever its inputs are.

    Args:
      trying, graph: to try such models; None: only the losses of the best constant are known.
      rivals: the objective of par and of the baseline, as far as they are known.
    """
    least = least_constant_loss(targets, form)
    bounds = [b for b in rules.targets(row) if not quantity(b.metric).accumulates]
    if trying and graph:
        tried = [trying.values(m) for m in constant_models(graph, trying.zeros, targets, form)]
    else:
        tried = [_by_formula(bounds, rules, row, least, len(targets))]
    keeping = [v for v in tried if all(b.met(v.get(b.metric, np.nan)) for b in bounds)]
    fit = [b for b in bounds if not quantity(b.metric).is_of_the_model]
    if keeping and fit:
        reached = ", ".join(f"{b.metric} {keeping[0][b.metric]:.3g}" for b in fit)
        yield place.of_row(
            ("bounds",), f"a model that gives every example the same output keeps all bounds, with "
            f"{reached}; tighten them"
        )  # fmt: skip
        return
    if keeping and (found := _as_good(keeping, rules, row, rivals)):
        yield place.of_rules(("objective",), found)
        return
    yield Passed(
        f"constant: one output for all examples has a loss of at least {least.mean:.3g} in the "
        f"mean and {least.worst:.3g} for the worst"
    )


def _by_formula(
    bounds: list[Target], rules: Rules, row: WorkloadRules, least: LeastLoss, examples: int
) -> dict[str, float]:
    """Losses alone; for an objective in bits, what labels cost without the model."""
    names = {rules.objective, *(b.metric for b in bounds)}
    found = {}
    for name in names:
        kind = _OF_TRAIN.get(quantity(name).column_for(row.metric))
        if kind:
            found[name] = float(getattr(least, kind))
        elif quantity(name).unit in BITS:
            found[name] = examples * least.mean / np.log(2)
    return found


def _as_good(
    keeping: list[dict[str, float]], rules: Rules, row: WorkloadRules, rivals: dict[str, float]
) -> str | None:
    """Why an objective that is no measure of the weights is reached by a constant."""
    objective = rules.objective_quantity
    if objective.is_of_the_model or objective.accumulates:
        return None
    goal = objective.goal or row.goal
    for name, value in rivals.items():
        rival = Target(metric=rules.objective, value=value, goal=goal)
        best = next((v[rules.objective] for v in keeping if rival.met(v[rules.objective])), None)
        if best is not None:
            besides = ", its own code left out" if objective.unit in BITS else ""
            return (
                f"a model that gives every example the same output has {rules.objective} "
                f"{objective.number(best)}{besides}, as good as {name} "
                f"({objective.number(value)}): nothing was learned"
            )
    return None


def constant_models(
    graph: Graph, zeros: Arrays, targets: NDArray, form: str
) -> Iterator[Arrays]:
    """All tensors 0 but the last bias: the best for the mean, then for the worst example.

    None where the last layer with tensors has no bias that reaches the output as it is.
    """
    last = graph.layers[-1].name
    name = f"{last}.bias"
    if name not in zeros or zeros[name].shape != graph.output_shape[-1:]:
        return
    for output in _constant_outputs(targets, form, zeros[name].size):
        yield {**zeros, name: output.astype(zeros[name].dtype)}


def _constant_outputs(targets: NDArray, form: str, width: int) -> Iterator[NDArray]:
    if form == "cross_entropy":
        counts = np.bincount(targets[targets >= 0].ravel(), minlength=width)
        shares = counts / max(counts.sum(), 1)
        yield np.where(counts > 0, np.log(np.maximum(shares, 1e-300)), -NEVER)
        yield np.where(counts > 0, 0.0, -NEVER)
        return
    rows = targets.reshape(-1, width).astype(np.float64)
    middle = (rows.min(axis=0) + rows.max(axis=0)) / 2
    for output in (rows.mean(axis=0), middle):
        if form == "sigmoid_cross_entropy":
            p = np.clip(output, np.exp(-NEVER), 1 - np.exp(-NEVER))
            output = np.log(p) - np.log1p(-p)
        yield output
