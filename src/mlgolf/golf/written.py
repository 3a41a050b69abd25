"""The files of a new game, as text."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from mlgolf.core.quantities import quantity
from mlgolf.core.toml_files import toml_string
from mlgolf.golf.examples import Examples

SHOWN_CLASSES = 100
FEWEST_UNITS, MOST_UNITS, EXAMPLES_A_UNIT = 32, 512, 3
RECORDED = ("l1", "l2", "frobenius", "nuclear", "nonzeros")  # of these, what is not the objective


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What a game says of itself."""

    name: str
    title: str
    objective: str
    budget_seconds: float
    licence: str
    origin: str
    train: int  # examples
    twin: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FitNumbers(Numbers):
    """Of a game that bounds how well a model fits: the mean loss, and that of the worst example."""

    train_loss: float
    train_loss_max: float


def competition_toml(numbers: FitNumbers, examples: Examples) -> str:
    classifies = bool(examples.classes)
    unit = "nats" if classifies else "of the targets' variance"
    metric = "error_rate" if classifies else "loss"
    chance = (
        f"{examples.chance_loss:.4g} nats: it says how often each of the {len(examples.classes)} "
        "classes occurs" if classifies
        else f"{examples.chance_loss:.4g}, the variance of the targets: it says their mean"
    )
    beside, every = _beside, numbers.budget_seconds / 60
    recorded = ", ".join(f'"{name}"' for name in RECORDED if name != numbers.objective)
    return f"""\
# A game of ML Golf: the simplest model that fits the data. What each line means: docs/games.md.
schema_version = 2
name = {toml_string(numbers.name)}
title = {toml_string(numbers.title)}
size = "game"

[rules]
contracts = ["entry", "submission"]
{beside(f'objective = "{numbers.objective}"', quantity(numbers.objective).meaning)}
constraints = [
  {{ quantity = "train_loss", bound = "train_loss" }},
  {{ quantity = "train_loss_max", bound = "train_loss_max" }},
  {{ quantity = "time", bound = "budget_seconds" }},
]
every_split_at = 1              # the twin set is measured at each; nobody is told
feedback = ["train", "model"]
# Measured beside the objective: the report shows which goes with the error on the twin set.
recorded = [{recorded}]
keep_model = true               # yours to use, and to find the examples that cost most
weight_noise = 1e-3             # bounds hold for weights that are each off by a thousandth, too
hardware = "laptop"
code_bytes = 50_000             # of an entry's files, weights that it brings along included

[rules.tuning.self]
studies = 5                     # seeds; the score is the median over them
budget_factor = 1.0

[rules.aggregation]
reached_share = 0.8             # of the seeds must keep the bounds
workloads = "geometric_mean_ratio"

[workloads.{numbers.name}]
workload = "graph"
{beside(f'metric = "{metric}"', "of the twin set, on the side")}
goal = "minimise"
step_hint = 3000                # for submissions, whose schedules have a length
{beside(f"eval_every_seconds = {every:.4g}", "models are judged no more often")}
provenance = "bounds from the loss of a constant answer, by mlgolf game new; not yet tried"

# The best constant answer has a mean loss of {chance}.
# A model that fits has 1% of it, and no example has more than 10 times that. Make the bounds
# tighter if you know that the data have no noise, and wider if some targets are wrong.
[workloads.{numbers.name}.bounds]
{beside(f"train_loss = {numbers.train_loss:g}", f"{unit}, mean over the training examples")}
{beside(f"train_loss_max = {numbers.train_loss_max:g}", f"{unit}, of the worst one")}
budget_seconds = {numbers.budget_seconds:g}

[workloads.{numbers.name}.definition]
graph = "graph.toml"
data = "data.toml"
"""


def data_toml(
    numbers: Numbers, file: str, content: bytes, keys: Mapping[str, Any],
    comments: Sequence[str] = (),
) -> str:
    """Args: keys: of data.toml, how the file is read."""
    lines = {
        "file": file, "sha256": hashlib.sha256(content).hexdigest(), **keys,
        "train": numbers.train, "twin": numbers.twin,
        "licence": numbers.licence, "origin": numbers.origin,
    }
    return "".join([
        *(f"# {comment}\n" for comment in comments[:SHOWN_CLASSES]),
        *(f"{key} = {_value(value)}\n" for key, value in lines.items()),
    ])


def graph_toml(examples: Examples) -> str:
    """Two layers that suit the shape of an example."""
    dtype = "int32" if examples.kind == "text" else "float32"
    loss = "cross_entropy" if examples.classes else "squared_error"
    outputs = len(examples.classes) or 1
    head = f"""\
loss = "{loss}"

[inputs]
shape = {list(examples.shape)}
dtype = "{dtype}"
"""
    return head + "".join(
        f"\n[[layers]]\n{''.join(f'{key} = {_value(value)}' + chr(10) for key, value in one)}"
        for one in (layer.items() for layer in [*_body(examples), _dense("outputs", outputs)])
    )


def hidden_units(examples: Examples) -> int:
    """Of a table's network. Measured numbers have noise, which takes many more to fit exactly."""
    if examples.classes:
        return FEWEST_UNITS
    return min(MOST_UNITS, max(FEWEST_UNITS, len(examples.targets) // EXAMPLES_A_UNIT))


def _body(examples: Examples) -> list[dict[str, Any]]:
    rectified = {"name": "rectified", "kind": "relu"}
    if examples.kind == "vectors":
        return [_dense("hidden", hidden_units(examples)), rectified]
    flat = {"name": "flat", "kind": "flatten"}
    if examples.kind == "text":
        table = {"name": "characters", "kind": "embedding", "entries": examples.entries, "width": 8}
        return [table, flat, _dense("hidden", 64), rectified]
    stride = max(1, round(min(examples.shape[1:]) / 8))  # 8 rows or columns are left, or fewer
    size = max(3, 2 * stride - 1)
    filters = {
        "name": "filters", "kind": "convolution", "filters": 8,
        "size": [size, size], "stride": [stride, stride],
    }
    return [filters, rectified, flat]


def _dense(name: str, units: int) -> dict[str, Any]:
    return {"name": name, "kind": "dense", "units": units}


def readme(numbers: FitNumbers, template: Path) -> str:
    return Template(template.read_text(encoding="utf-8")).substitute(
        name=numbers.name, title=numbers.title, noun=quantity(numbers.objective).noun,
        meaning=quantity(numbers.objective).meaning, train_loss=f"{numbers.train_loss:g}",
        train_loss_max=f"{numbers.train_loss_max:g}", budget=f"{numbers.budget_seconds:g}",
        licence=numbers.licence, origin=numbers.origin,
    )


def open_readme(numbers: Numbers, template: Path) -> str:
    return Template(template.read_text(encoding="utf-8")).substitute(
        title=numbers.title, budget=f"{numbers.budget_seconds:g}", licence=numbers.licence,
        origin=numbers.origin,
    )


def _beside(line: str, comment: str) -> str:
    return f"{line:<31} # {comment}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return toml_string(value) if isinstance(value, str) else repr(value)
