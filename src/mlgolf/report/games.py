"""The rules of a game in plain words, and the matrix of its cells."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlgolf.core.competition import Competition
from mlgolf.core.hardware import load_hardware
from mlgolf.core.quantities import quantity
from mlgolf.core.text import enumerated, number_of, quoted
from mlgolf.core.workload import Size
from mlgolf.golf.games import Best, division, time_class_of
from mlgolf.report.words import (
    energy_in_words,
    hardware_in_words,
    noun,
    pretraining_in_words,
    question,
    seeds_in_words,
    tuning_in_words,
    valued,
)
from mlgolf.scoring.labels import OUTSIDE, disclosed_in_words

NOTHING = "–"


def game_in_words(game: Competition, given: str) -> Iterator[str]:
    """A paragraph each. `given`: how the game is called on the command line."""
    rules = game.rules
    yield f"{game.with_round(game.name)}: {game.title}"
    for name in game.workloads:
        yield from _workload_in_words(game, name)
    yield f"{hardware_in_words(load_hardware(rules.hardware))} Time class: {time_class_of(game)}."
    (ruleset, *_) = reversed(rules.tuning.rulesets)  # entries tune themselves
    yield seeds_in_words(rules, ruleset)
    yield from _dates(game)
    if rules.tuning.external:
        yield " ".join(tuning_in_words(rules.tuning))
    yield _told(game)
    yield " ".join(_policies(game))
    yield f"Play: mlgolf run MY_ENTRY --competition {quoted(given)}"


def _dates(game: Competition) -> Iterator[str]:
    said = [f"from {game.opens}"] * bool(game.opens) + [f"until {game.closes}"] * bool(game.closes)
    if said:
        yield (
            f"Open {' '.join(said)}, in UTC. A run that is begun on another day is recorded as "
            "unofficial."
        )


def _workload_in_words(game: Competition, name: str) -> Iterator[str]:
    rules, row = game.rules, game.workloads[name]
    measured = quantity(rules.objective)
    yield f"{question(rules, [row])} The {noun(measured.name)} is the {measured.meaning}."
    size = game.workload_of(name).size(game.played_as(name)[1])
    yield _network(game, name, size)
    yield _data(size, (row.definition or {}).get("data", {}))
    yield " ".join(filter(None, [_judged(game, name), energy_in_words(rules, row)]))
    if row.par:
        par = measured.given(row.par.value)
        yield f"Par, the best that is known: {par} ({row.par.provenance})."
    else:
        yield "Par: nothing is known yet."


def _network(game: Competition, name: str, size: Size) -> str:
    if game.workloads[name].definition is None:
        return f"The network is that of the workload {game.played_as(name)[0]}."
    if division(game) == "open":
        task = size.model
        return (
            f"Open division: the contestant brings the model, an ONNX file of at most "
            f"{task.max_bytes:,} bytes. An input has {_by(task.inputs.shape)} numbers, the output "
            f"logits of {task.num_classes} classes. Loss: {task.loss.replace('_', ' ')}."
        )
    graph = size.model
    layers = ", ".join(f"{layer.name} ({layer.kind})" for layer in graph.layers)
    weights = sum(math.prod(shape) for shape in graph.tensors.values())
    tensors = ", ".join(f"{n} {_by(shape)}" for n, shape in graph.tensors.items())
    return (
        f"Closed division: the network is the host's. An input has {_by(graph.inputs.shape)} "
        f"numbers. Layers: {layers}. Loss: {graph.loss.replace('_', ' ')}. {weights:,} weights in "
        f"{number_of(len(graph.tensors), 'tensor')}: {tensors}."
    )


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _data(size: Size, data: Mapping[str, Any]) -> str:
    twin = size.examples.get("test", 0)
    said = [f"Data: {size.examples['train']:,} training examples."]
    if twin:
        said.append(
            f"The twin set, {twin:,} other examples of the same kind, is measured, too, "
            "and never scored."
        )
    if data.get("blind"):
        said.append("Blind: the examples are drawn anew for each run, after the code was hashed.")
    if data.get("permute_labels"):
        said.append("Classes are renamed by a permutation that is drawn with them.")
    said += [f"{key.capitalize()}: {data[key]}." for key in ("licence", "origin") if key in data]
    return " ".join(said)


def _judged(game: Competition, name: str) -> str:
    row, rules = game.workloads[name], game.rules
    often = (
        f"every {row.eval_every_seconds:g} s of the clock" if row.eval_every_seconds is not None
        else f"every {row.eval_every_steps} steps"
    )
    noise = (
        f" Bounds must hold, too, where each weight is off by {100 * rules.weight_noise:g}% at "
        "random (standard deviation)." if rules.weight_noise else ""
    )
    return (
        f"Models are judged at most {often}. The clock stands while one is judged; handing it over "
        f"costs time. The best that keeps all bounds counts.{noise}"
    )


def _told(game: Competition) -> str:
    words = {
        "train": "the training examples", "validation": "the validation examples",
        "test": "the twin set", "model": "the weights",
    }
    split = {split for name in game.workloads for split in game.workload_of(name).size(
        game.played_as(name)[1]
    ).splits}  # fmt: skip
    known = [part for part in words if part == "model" or part in split]
    told = [words[part] for part in known if part in game.rules.feedback]
    untold = [words[part] for part in known if part not in game.rules.feedback]
    hidden = f" It is not told what is measured of {enumerated(untold)}." if untold else ""
    return f"A program is told what is measured of {enumerated(told) or 'nothing'}.{hidden}"


def _policies(game: Competition) -> Iterator[str]:
    rules = game.rules
    yield pretraining_in_words(rules.pretraining)
    yield OUTSIDE
    must = "must" if rules.disclosures == "required" else "may"
    yield f"An entry {must} say what it brings from such runs, in a submission.toml beside it."
    if rules.code_bytes is not None:
        yield f"The files of an entry have at most {rules.code_bytes:,} bytes, stored weights too."
    if rules.code_bytes is None:
        yield "Nothing bounds the weights that an entry's files bring along."
    yield "Nobody can check where weights in an entry's files come from."
    yield from _known_beforehand(
        [(row.definition or {}).get("data", {}) for row in game.workloads.values()]
    )


def _known_beforehand(data: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Of blind games. Args: data: of each workload, as its data.toml has it."""
    if not all(one.get("blind") for one in data):
        return
    if all(str(one.get("file")).endswith(".py") for one in data):
        yield (
            "A program of the host makes the examples of each run anew. Who knows the program can "
            "fit others that it makes beforehand."
        )
        return
    renamed = all(one.get("permute_labels") for one in data)
    yield (
        "Each run draws its own examples from a pool. Who knows the pool can fit all of it "
        f"beforehand{', but for the names of the classes' if renamed else ''}."
    )


def game_as_json(game: Competition, given: str) -> dict[str, Any]:
    """The same as paragraphs, beside the rules as data."""
    return {
        "name": game.name, "division": division(game), "time_class": time_class_of(game),
        "words": [*game_in_words(game, given)],
        "competition": game.model_dump(mode="json", by_alias=True),
    }


# --- the matrix of cells ---


def cell_rows(best: list[tuple[Competition, Mapping[str, Best]]]) -> list[dict[str, Any]]:
    """A row for each cell and workload, and the best there."""
    return [
        {
            "name": game.name, "workload": workload, "hardware": game.rules.hardware,
            "self_reported": load_hardware(game.rules.hardware).self_reported,
            "time_class": time_class_of(game),
            "budget_seconds": game.rules.seconds_allowed(row),
            "pretraining": pretraining_in_words(game.rules.pretraining),
            "objective": game.rules.objective, "unit": row.unit(game.rules.objective),
            **_holder(found.get(workload)),
        }
        for game, found in best for workload, row in game.workloads.items()
    ]


def _holder(best: Best | None) -> dict[str, Any]:
    if best is None:
        return {"best": None, "submission": None, "run": None, "official": None, "declared": None}
    return {
        "best": best.value, "submission": best.submission, "run": str(best.run),
        "official": best.official,
        "declared": best.disclosure and disclosed_in_words(best.submission, best.disclosure),
    }


def cell_matrix(rows: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Heads and rows: hardware, and pre-training where it differs, against time classes."""
    times = list(dict.fromkeys(row["time_class"] for row in rows))
    several = len({row["workload"] for row in rows}) > 1
    trained = len({row["pretraining"] for row in rows}) > 1
    lines: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        mark = " (self-reported)" if row["self_reported"] else ""
        head = (
            f"{row['hardware']}{mark}", *([row["pretraining"]] if trained else []),
            *([row["workload"]] if several else []),
        )
        cells = lines.setdefault(head, {})
        said = _said(row)
        before = cells.get(row["time_class"])
        cells[row["time_class"]] = f"{before}; {said}" if before else said
    heads = ["hardware", *["pre-training"] * trained, *["workload"] * several, *times]
    return heads, [[*head, *(cells.get(t, "") for t in times)] for head, cells in lines.items()]


def _said(row: Mapping[str, Any]) -> str:
    where = f"{row['name']}, {row['budget_seconds']:g} s"
    if row["best"] is None:
        return f"{NOTHING} ({where})"
    unofficial = "" if row["official"] else ", unofficial"
    value = valued(row["objective"], row["best"], row["unit"])
    return f"{value} by {row['submission']}{unofficial} ({where})"
