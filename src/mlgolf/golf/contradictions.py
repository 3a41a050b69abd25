"""Rules that can be read and make no sense: bounds that nothing meets, or that say nothing.

What only a trial of the game shows is in `vacuous.py`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlgolf.core.cells import split_name
from mlgolf.core.competition import Competition
from mlgolf.core.errors import MLGolfError, RulesError
from mlgolf.core.host_measure import measured_by, scored
from mlgolf.core.quantities import REGULARISER, Quantity, quantities, quantity, value_in
from mlgolf.core.rules import Constraint, Rules, WorkloadRules
from mlgolf.core.workload import SPLITS
from mlgolf.golf.findings import Finding, Passed, Said
from mlgolf.golf.game_files import GameFiles, game_files
from mlgolf.golf.place import Place
from mlgolf.workloads.graph.graph import Graph

LOSSES = ("loss", "loss_max")
# Metrics that depend on which output of an example is the largest, or on the order of outputs.
OF_ORDER = ("accuracy", "average_precision", "error_rate")


def rule_checks(files: GameFiles, competition: Competition) -> Iterator[Said]:
    """Args: competition: as it was read from these files."""
    found = [*_impossible(files, competition), *_doubtful(files, competition)]
    yield from found or [Passed("rules: no bound contradicts another, or the objective")]


def contradictions(name: str, competition: Competition) -> list[str]:
    """What `rule_checks` find that a run may be played under, with file and line.

    Args:
      name: what the competition is called by, as for `load_competition`.
      competition: that one, or some of its workloads.
    Raises: RulesError that lists what no model fulfils.
    """
    files = game_files(name if Path(name).exists() else split_name(name)[0])
    if impossible := dict.fromkeys(map(str, _impossible(files, competition))):
        raise RulesError("\n".join([f"{name}: no model fulfils its rules:", *impossible]))
    return [*dict.fromkeys(map(str, _doubtful(files, competition)))]


def _impossible(files: GameFiles, competition: Competition) -> Iterator[Finding]:
    """What no model fulfils."""
    rules = competition.rules
    for name, row in competition.workloads.items():
        place = Place(files, name, rules)
        yield from _of_noise(place, rules)
        yield from _of_signs(place, rules, row)
        yield from _of_splits(place, rules, row, _splits(competition, name))


def _doubtful(files: GameFiles, competition: Competition) -> Iterator[Finding]:
    """What says nothing, or hardly what is meant."""
    rules = competition.rules
    for name, row in competition.workloads.items():
        place = Place(files, name, rules)
        yield from _of_constraints(place, rules)
        yield from _of_order(place, rules, row, _shapes(competition, name))
        yield from _of_numbers(place, rules, row)
        yield from _of_pace(place, rules, row)


def faults_of_the_measure(files: GameFiles, competition: Competition) -> Iterator[Finding]:
    """Why the host's regulariser cannot be measured, on random parameters of each network."""
    rules = competition.rules
    if rules.regulariser is None:
        return
    for name in competition.workloads:
        try:
            measured = measured_by(rules, quantity(REGULARISER))
            value_in(measured, scored(rules, _random_model(_shapes(competition, name))))
        except RulesError as error:
            where = ("rules", REGULARISER)
            yield files.finding(files.rules, where, f"{'.'.join(where)}: {error}")


def _splits(competition: Competition, name: str) -> tuple[str, ...]:
    """Those that a workload has; all, where it cannot be said."""
    try:
        return competition.workload_of(name).size(competition.played_as(name)[1]).splits
    except MLGolfError:
        return SPLITS


def _shapes(competition: Competition, name: str) -> Mapping[str, tuple[int, ...]]:
    """Of the network's tensors, by name; of any tensor, where there is no network."""
    try:
        model = competition.workload_of(name).size(competition.played_as(name)[1]).model
    except MLGolfError:
        model = None
    return model.tensors if isinstance(model, Graph) else {"weight": (2, 2)}


def _of_constraints(place: Place, rules: Rules) -> Iterator[Finding]:
    names = [constraint.quantity for constraint in rules.constraints]
    for at, constraint in enumerate(rules.constraints):
        name, where = constraint.quantity, ("constraints", at)
        if name in names[:at]:
            yield place.of_rules(
                where, f"{name} is bounded twice. Only the tighter bound counts; remove the other"
            )
        if name == rules.objective and not constraint.bounded.accumulates:
            yield place.of_rules(
                where, f"{name} is the objective, too: models are scored by it, so bound "
                "something else"
            )  # fmt: skip
        if other := _meant_for(constraint):
            yield place.of_rules(
                (*where, "bound"), f"{name} is bounded by {constraint.bound!r}, the number for "
                f"{other}; its own is {constraint.bounded.usual_bound!r}"
            )  # fmt: skip


def _meant_for(constraint: Constraint) -> str | None:
    """Another quantity that goes by the name of this bound."""
    if constraint.bound == constraint.bounded.usual_bound:
        return None
    return next((q.name for q in quantities().values() if q.usual_bound == constraint.bound), None)


def _of_noise(place: Place, rules: Rules) -> Iterator[Finding]:
    if rules.weight_noise >= 1:
        yield place.of_rules(
            ("weight_noise",), f"found {rules.weight_noise:g}, noise as large as the weights, with "
            "which no model keeps a bound; allowed is less than 1, and usual 0.001"
        )  # fmt: skip


def _of_order(
    place: Place, rules: Rules, row: WorkloadRules, shapes: Mapping[str, tuple[int, ...]]
) -> Iterator[Finding]:
    """Who qualifies by the order of outputs alone can scale them down, and all norms with them."""
    metrics = [_metric(constraint.bounded, row) for constraint in rules.constraints]
    by_order = [metric for metric in metrics if metric in OF_ORDER]
    if not by_order or {*metrics} & {*LOSSES} or not _falls_with_scale(rules, shapes):
        return
    yield place.of_rules(
        ("constraints", metrics.index(by_order[0])), f"models qualify by {by_order[0]} and are "
        f"scored by {rules.objective}. Scaling a model by 1e-6 keeps every argmax and shrinks the "
        'norm to nothing: add a bound on a loss, such as { quantity = "train_loss_max", bound = '
        '"train_loss_max" }'
    )  # fmt: skip


def _metric(measured: Quantity, row: WorkloadRules) -> str:
    """What a workload calls it: "error_rate" of "test/error_rate"; empty for clocks and steps."""
    return measured.column_for(row.metric).partition("/")[2]


def _falls_with_scale(rules: Rules, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether the objective falls when all weights are scaled down; norms do, counts do not."""
    if not rules.objective_quantity.is_of_the_model:
        return False
    large = _random_model(shapes)
    small = {name: array * np.float32(1e-6) for name, array in large.items()}
    measured = measured_by(rules, rules.objective_quantity)
    values = [value_in(measured, scored(rules, model)) for model in (small, large)]
    return values[0] < values[1] / 2  # a compressed size may differ a little


def _random_model(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray]:
    rng = np.random.default_rng(0)
    return {n: rng.standard_normal(shape).astype(np.float32) for n, shape in shapes.items()}


def _of_signs(place: Place, rules: Rules, row: WorkloadRules) -> Iterator[Finding]:
    """Losses and measures of weights are never negative."""
    for constraint in rules.constraints:
        name, number = constraint.quantity, row.number(constraint.bound)
        bounded = constraint.bounded
        is_positive = bounded.measure is not None or _metric(bounded, row) in LOSSES
        if number is not None and number < 0 and is_positive:
            yield place.of_bound(
                name, f"found {number:g}, which no model reaches: {name} is never negative"
            )


def _of_numbers(place: Place, rules: Rules, row: WorkloadRules) -> Iterator[Finding]:
    """A mean is at most the maximum, and par is what somebody reached."""
    numbers = {c.quantity: row.number(c.bound) for c in rules.constraints}
    mean, worst = numbers.get("train_loss"), numbers.get("train_loss_max")
    if mean is not None and worst is not None and worst <= mean:
        yield place.of_bound(
            "train_loss_max", f"found {worst:g}, not above the {mean:g} of train_loss. No mean is "
            "above the worst example, so the bound on the mean says nothing: raise this one, or "
            "lower that"
        )  # fmt: skip
    if row.par is not None and row.par.value <= 0 and rules.objective_quantity.measure:
        yield place.of_row(
            ("par", "value"), f"found {row.par.value:g}; {rules.objective} is more than 0"
        )


def _of_pace(place: Place, rules: Rules, row: WorkloadRules) -> Iterator[Finding]:
    every, budget = row.eval_every_seconds, rules.seconds_allowed(row)
    if every is not None and every >= budget:
        yield place.of_row(
            ("eval_every_seconds",), f"found {every:g}, but the budget is {budget:g} s: hardly a "
            "model would be judged; a sixtieth of the budget is usual"
        )  # fmt: skip
    if every is None and rules.admits_own_pace:
        yield place.of_row(
            ("eval_every_steps",), "entries submit when they like, so steps do not say how often "
            "models are judged; give eval_every_seconds"
        )  # fmt: skip


def _of_splits(
    place: Place, rules: Rules, row: WorkloadRules, splits: tuple[str, ...]
) -> Iterator[Finding]:
    """What is measured on a split that there is not keeps no bound."""
    asked: list[tuple[tuple[str | int, ...], Quantity]] = [
        (("objective",), rules.objective_quantity),
        *((("constraints", at), c.bounded) for at, c in enumerate(rules.constraints)),
    ]
    for where, measured in asked:
        split = measured.column_for(row.metric).partition("/")[0]
        if split in SPLITS and split not in splits:
            yield place.of_rules(
                where, f"{measured.name} is measured on the {split} split, and there is none; "
                f"there are {', '.join(splits)}"
            )  # fmt: skip
