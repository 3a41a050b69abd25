"""What the `show` commands print: rules as sentences, numbers as tables with their units."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from rich.table import Table

from mlgolf.backends import load_backend
from mlgolf.core.competition import Competition, competition_names, load_competition
from mlgolf.core.errors import FrameworkMissing
from mlgolf.core.hardware import load_hardware
from mlgolf.core.quantities import SQUARED_ERROR, bound_noun, declared_by, quantities, quantity
from mlgolf.core.registry import algorithm_folder, load_workload
from mlgolf.core.rules import WorkloadRules
from mlgolf.core.target import Goal
from mlgolf.core.text import enumerated, number_of
from mlgolf.core.workload import Size, Workload
from mlgolf.report.terminal import text_table
from mlgolf.report.words import (
    hardware_in_words,
    how_ranked,
    pretraining_in_words,
    price_in_words,
    question,
    tuning_in_words,
)
from mlgolf.workloads.cost_shares import CostShare, read_cost_shares

Part = str | Table


def competition_shown(name: str) -> Iterator[Part]:
    competition = load_competition(name)
    rules = competition.rules
    yield f"{competition.with_round(competition.name)}: {competition.title}"
    scored = [competition.workloads[workload] for workload in competition.scored_workloads]
    yield question(rules, scored)
    hardware, own = load_hardware(rules.hardware), tuning_in_words(rules.tuning)
    yield " ".join(filter(None, [hardware_in_words(hardware), price_in_words(rules), *own]))
    yield pretraining_in_words(rules.pretraining)
    if rules.disclosures == "required":
        yield (
            "Each submission must come with a submission.toml: its authors and licence, what it "
            "was tuned on, and what was learned elsewhere."
        )
    yield how_ranked(competition, rules.tuning.rulesets[0], below="")
    if differing := _interpretations(competition):
        yield f"Ambiguous rules, where not by default: {', '.join(differing)}."
    workloads = number_of(len(competition.workloads), "workload")
    yield f"{workloads}, at size {competition.size}:"
    yield from _played(competition)
    yield _targets(competition)
    yield _budgets(competition)
    if variants := _held_out(competition):
        yield (
            "Held-out variants: who does not reach the target there has not reached that of the "
            f"workload. {', '.join(variants)}."
        )
    yield from _origins(competition)
    if competition.notice:
        yield competition.notice


def _interpretations(competition: Competition) -> list[str]:
    chosen = competition.rules.aggregation.interpretations
    return [
        f"{name} {getattr(chosen, name)} ({field.description})"
        for name, field in type(chosen).model_fields.items()
        if getattr(chosen, name) != field.default
    ]


def _played(competition: Competition) -> Iterator[Table]:
    """What rows are that are called otherwise, and how much of the data they train on."""
    rows = [
        [
            name, n.workload or name, n.variant or "–",
            "all" if n.data_fraction is None else f"{n.data_fraction:g}",
        ]
        for name, n in competition.workloads.items()
        if n.definition is None and (n.workload not in (None, name) or n.data_fraction is not None)
    ]
    if rows:
        yield text_table("what is played", ["workload", "plays", "variant", "training data"], rows)


def _targets(competition: Competition) -> Table:
    """The metric of each workload, and every value that its rules or its board compare it with."""
    signs = {Goal.MINIMISE: "≤", Goal.MAXIMISE: "≥"}
    names = [name for name in _bounds(competition) if not _is_budget(competition, name)]
    rules = competition.rules
    asked = {c.bound for c in (*rules.constraints, *rules.trial_chosen_by)}
    heads = [bound_noun(name).removesuffix(" target") for name in names]  # "test"
    unscored = [bound_noun(name) for name in names if name not in asked]
    title = f"targets{'; not scored: ' + ', '.join(unscored) if unscored else ''}"
    rows = [
        [
            name, f"{n.metric} {signs[n.goal]}" if names else n.metric,
            *(_number(n.number(bound)) for bound in names),
        ]
        for name, n in competition.workloads.items()
    ]
    return text_table(title if names else "metric", ["workload", "metric", *heads], rows)


def _budgets(competition: Competition) -> Table:
    """Budgets, and the other numbers of a trial that some workload has."""
    workloads = competition.workloads
    columns = {
        _budget_head(name): [_number(n.number(name)) for n in workloads.values()]
        for name in _bounds(competition) if _is_budget(competition, name)
    } | {
        "step hint": [_number(n.step_hint) for n in workloads.values()],
        "evaluated every": [_interval(n) for n in workloads.values()],
        "best so far": [_number(n.incumbent) for n in workloads.values()],
    }
    known = {head: cells for head, cells in columns.items() if set(cells) != {"–"}}
    rows = [[name, *cells] for name, *cells in zip(workloads, *known.values(), strict=True)]
    return text_table("one trial", ["workload", *known], rows)


def _bounds(competition: Competition) -> list[str]:
    """Names of bounds, in the order in which workloads give them."""
    return list(dict.fromkeys(name for n in competition.workloads.values() for name in n.bounds))


def _is_budget(competition: Competition, bound: str) -> bool:
    """Whether it is on something that accumulates, by the rules or by what is usual."""
    rules = competition.rules
    own = [c.bounded for c in (*rules.constraints, *rules.trial_chosen_by) if c.bound == bound]
    usual = [q for q in quantities().values() if q.usual_bound == bound]
    return any(quantity.accumulates for quantity in (own or usual))


def _budget_head(bound: str) -> str:
    units = {"seconds": " s", "dollars": " dollars", "joules": " J"}
    return f"{bound_noun(bound)}{units.get(bound.rpartition('_')[2], '')}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"


def _interval(workload_rules: WorkloadRules) -> str:
    if workload_rules.eval_every_steps is not None:
        return f"{workload_rules.eval_every_steps} steps"
    return f"{workload_rules.eval_every_seconds:g} s"


def _held_out(competition: Competition) -> list[str]:
    return [
        f"{name} (of {workload_rules.held_out_of})"
        for name, workload_rules in competition.workloads.items() if workload_rules.held_out_of
    ]


def _origins(competition: Competition) -> Iterator[str]:
    """Where the numbers come from, a line for each source."""
    workloads = defaultdict(list)
    for name, workload_rules in competition.workloads.items():
        workloads[workload_rules.provenance].append(name)
    for source, names in workloads.items():
        whose = "all workloads" if len(workloads) == 1 else ", ".join(names)
        yield f"Source of the numbers of {whose}: {source}"


def workload_shown(name: str) -> Iterator[Part]:
    workload = load_workload(name)
    yield name
    yield from _first_lines(Path(str(files(workload.package))))
    loss = workload.loss_type.name.lower().replace("_", " ")
    yield f"Loss: {loss}. Models for {enumerated(workload.frameworks)}. Data: {workload.dataset}."
    if workload.sizes:
        yield _models(workload)
        yield _examples(workload)
    else:
        yield "Its sizes are declared by competitions."
    yield from cost_shares_shown(read_cost_shares(workload))
    for size in _own_data(workload):
        for part in size.published:
            yield f"Data of {size.name}: {part}."
        yield f"Network of {size.name}: {_fields(asdict(size.model))}."
    played = [c for c in competition_names() if name in load_competition(c).workloads]
    if played:
        yield f"Targets and budgets: mlgolf competitions show NAME, of {', '.join(played)}."


def _models(workload: Workload) -> Table:
    rows = [
        [
            size.name, _parameters(workload, size), f"{size.batch_size:,}",
            f"{size.published_batch_size:,}", f"{size.dropout_rate:g}",
        ]
        for size in workload.sizes.values()
    ]
    heads = ["size", "parameters", "batch size", "published as", "dropout rate"]
    return text_table("sizes and variants; the batch size is the baseline's", heads, rows)


def _parameters(workload: Workload, size: Size) -> str:
    """Counted in whichever framework is installed; variants may differ."""
    for framework in workload.frameworks:
        try:
            backend = load_backend(framework)
        except FrameworkMissing:
            continue
        return f"{backend.count_parameters(workload.model(framework, size)):,}"
    return "–"


def _own_data(workload: Workload) -> list[Size]:
    """Sizes without their variants, which share the data of one."""
    names = list(workload.sizes)
    return [
        size for name, size in workload.sizes.items()
        if not any(name.startswith(f"{other}_") for other in names)
    ]


def _examples(workload: Workload) -> Table:
    splits = ("train", "eval_train", "validation", "test")
    rows = [
        [size.name, *(f"{size.examples.get(split, 0):,}" for split in splits)]
        for size in _own_data(workload)
    ]
    heads = ["size", "train", "evaluated of train", "validation", "test"]
    return text_table("examples", heads, rows)


def cost_shares_shown(measured: Mapping[str, CostShare]) -> Iterator[Part]:
    """How much of a step the update takes, small sizes first, where that was measured."""
    if not measured:
        return
    sizes = sorted(measured.items(), key=lambda size: size[1].forward_backward_ms)
    rows = [
        [name, *map(_milliseconds, (row.forward_backward_ms, row.update_ms)), f"{row.share:.2%}"]
        for name, row in sizes
    ]
    heads = ["size", "forward and backward ms", "update ms", "update's share"]
    yield text_table("cost of a training step with NadamW", heads, rows)
    for source in dict.fromkeys(row.provenance for _, row in sizes):
        yield f"Measured by {source}."


def _milliseconds(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def algorithm_shown(name: str) -> Iterator[Part]:
    folder = algorithm_folder(name)
    yield name
    yield from _first_lines(folder)
    has = [f for f in ("torch", "jax") if (folder / f"submission_{f}.py").exists()]
    yield f"Frameworks: {enumerated(has)}. Folder: {folder}"
    space = folder / "tuning_search_space.json"
    yield _space(json.loads(space.read_text())) if space.exists() else "It has no search space."


def quantity_shown(name: str) -> Iterator[Part]:
    measured = quantity(name)
    yield f"{measured.name}: {measured.noun}"
    yield f"{measured.meaning[0].upper()}{measured.meaning[1:]}."
    better = {
        Goal.MINIMISE: "Less is better.", Goal.MAXIMISE: "More is better.",
        None: "Each workload says which way is better.",
    }
    unit = "It has no unit." if measured.unit == "1" else f"Unit: {measured.unit}."
    if measured.unit_under(SQUARED_ERROR) != measured.unit:
        unit = f"Unit: {measured.unit}; where the loss is a squared error it has none."
    known = "as claimed by the submission" if measured.claimed else "by the referee"
    grows = " It only grows while a trial runs." if measured.accumulates else ""
    yield f"{better[measured.goal]} {unit}{grows} Measured {known}."
    yield f"Column of the evaluations: {measured.column_for('NAME OF THE METRIC')}."
    yield f"A bound that each workload gives is usually called {measured.usual_bound}."
    if offered := declared_by(name):
        yield f"Declared by {offered}."


def _space(space: Any) -> Part:
    if isinstance(space, list):
        rows = [[str(n), _fields(point)] for n, point in enumerate(space, start=1)]
        return text_table("points that are tried, in this order", ["point", "values"], rows)
    rows = [[name, *_range(values)] for name, values in space.items()]
    return text_table("search space", ["hyperparameter", "values", "scaling"], rows)


def _range(values: dict[str, Any]) -> Sequence[str]:
    if "feasible_points" in values:
        return [", ".join(f"{value}" for value in values["feasible_points"]), "–"]
    return [f"{values['min']:g} to {values['max']:g}", values.get("scaling", "linear")]


def _fields(record: dict[str, Any]) -> str:
    return "; ".join(f"{name} {_value(value)}" for name, value in record.items())


def _value(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case list() | tuple():
            return " ".join(map(str, value))
    return str(value)


def _first_lines(folder: Path) -> Iterator[str]:
    """The first paragraph of its README, below the heading."""
    readme = folder / "README.md"
    if not readme.exists():
        return
    blocks = (block for block in readme.read_text().split("\n\n") if block.strip())
    text = (" ".join(block.split()) for block in blocks if not block.startswith("#"))
    yield from [block.replace("`", "") for block in text][:1]
