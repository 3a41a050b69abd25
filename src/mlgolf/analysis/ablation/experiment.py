"""An ablation: what each combination of methods reached, and what that says of the methods.

    ablation = analysed(open_experiment([path]))     sources.py: runs, or a table

A combination is named by the methods that are on: "colout+ema"; "none" is the one without any.
The value is minus the logarithm of what was spent to reach the target (0.1 more is 10% less
time), or the quality at a fixed budget, negated where less is better: above 0 always helps.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from mlgolf.analysis.ablation.designs import Design, Term, design_of
from mlgolf.analysis.ablation.effects import (
    Effect,
    Effects,
    Responses,
    effects_of,
    mean_over_workloads,
    with_holm,
)
from mlgolf.analysis.ablation.inert import Inert
from mlgolf.analysis.intervals import CONFIDENCE
from mlgolf.core.arrays import BoolArray, FloatArray
from mlgolf.core.errors import ScoringError
from mlgolf.core.text import enumerated, number_of

NONE = "none"
JOIN = "+"
Value = Literal["log_time", "quality"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What the cells reached on one workload.

    Args:
      costs: (cells, studies), smaller is better; inf where nothing counts, NaN where no study is.
      limits: (cells, studies), how long each was tried, which is what inf counts as; NaN where
        unknown: then it counts as the worst that was reached.
      trials: (cells, studies), how many each study chose from; 0 where unknown.
      name: of what is measured: "time", "error_rate".
    """

    workload: str
    costs: FloatArray
    limits: FloatArray
    trials: FloatArray
    matched: bool
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Every cell on every workload, as it was measured."""

    source: Path
    cells: tuple[Term, ...]
    value: Value
    reached: tuple[Reached, ...]
    notes: tuple[str, ...] = ()
    unfair: tuple[str, ...] = ()  # besides unequal tuning
    inert: tuple[Inert, ...] = ()  # methods that changed nothing, as far as that is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    experiment: Experiment
    design: Design
    confidence: float
    workloads: tuple[Effects, ...]
    mean: Effects | None  # over workloads, where their values are of one unit
    unfair: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def all_effects(self) -> tuple[Effects, ...]:
        return (*self.workloads, *([self.mean] if self.mean else []))

    @property
    def tested(self) -> tuple[Effect, ...]:
        """The effects that Holm's correction counts together."""
        shown = _shown(self.all_effects, self.design)
        return tuple(effect for effect in shown if not np.isnan(effect.p))

    @property
    def studies(self) -> tuple[int, int]:
        """The least and the most that a cell has."""
        counts = [(~np.isnan(found.costs)).sum(axis=1) for found in self.experiment.reached]
        return int(np.min(counts)), int(np.max(counts))


def cell_of(name: str) -> Term:
    """The methods of a combination: "colout+ema", or none of "none" and ""."""
    return tuple(part for part in name.split(JOIN) if part) if name != NONE else ()


def name_of(cell: Sequence[str]) -> str:
    return JOIN.join(cell) or NONE


def analysed(
    found: Experiment, *, confidence: float = CONFIDENCE, allow_unfair: bool = False
) -> Ablation:
    """Raises: ScoringError for cells that are missing, or that were not tuned alike."""
    design = design_of(found.cells, str(found.source))
    complaints = (*found.unfair, *_unfair(found))
    if complaints and not allow_unfair:
        raise ScoringError(
            f"{found.source}: this comparison is not fair: {'; '.join(complaints)}. Mend "
            "that, or add --unfair, which every figure then says"
        )
    responses = [_response(found, reached) for reached in found.reached]
    effects = [effects_of(design, response, confidence) for response in responses]
    several = len(effects) > 1 and found.value == "log_time"
    means = [mean_over_workloads(effects, confidence)] if several else []
    told = with_holm([*effects, *means], design.aliases)
    return Ablation(
        experiment=found, design=design, confidence=confidence,
        workloads=tuple(told[: len(effects)]), mean=told[-1] if several else None,
        unfair=complaints,
        notes=(*found.notes, *_notes(design, found, responses), *_multiplicity(told, design)),
    )


def _response(found: Experiment, reached: Reached) -> Responses:
    """Raises: ScoringError where no cell reached anything, or one has no study."""
    costs, censored = reached.costs, np.isinf(reached.costs)
    for cell, row in zip(found.cells, costs, strict=True):
        if np.isnan(row).all():
            raise ScoringError(
                f"{found.source}: {name_of(cell)} has no study on {reached.workload}. Every "
                "combination is needed: continue the run with --resume"
            )
    known = costs[np.isfinite(costs)]
    if not known.size:
        raise ScoringError(
            f"{found.source}: no combination reached the target on {reached.workload}. Give it "
            "more time, or an easier target"
        )
    if found.value == "log_time" and not (known > 0).all():
        raise ScoringError(
            f"{found.source}: {reached.workload}: found a time of {known.min():g}, allowed are "
            "times above 0"
        )
    # By its own time: another's may be longer than it would have taken, and then bounds nothing.
    limits = np.where(np.isnan(reached.limits), known.max(), reached.limits)
    counted = np.where(censored, limits, costs)
    values = -np.log(counted) if found.value == "log_time" else -counted
    return Responses(reached.workload, values, censored, reached.matched)


def _unfair(found: Experiment) -> Iterator[str]:
    for reached in found.reached:
        there = ~np.isnan(reached.costs) & (reached.trials > 0)
        if not there.any():
            continue
        of_cells = {
            name_of(cell): sorted({int(n) for n in row[known]})
            for cell, row, known in zip(found.cells, reached.trials, there, strict=True)
        }
        most = max(of_cells.values())
        fewer = [f"{name} had {row[0]}" for name, row in of_cells.items() if row and row != most]
        if fewer:
            yield (
                f"unequal tuning on {reached.workload}: {enumerated(fewer)} "
                f"of {most[-1]} trials a study"
            )


def _notes(
    design: Design, found: Experiment, responses: Sequence[Responses]
) -> Iterator[str]:
    yield _about_the_value(found)
    for reached, response in zip(found.reached, responses, strict=True):
        yield from _about_bounds(found, reached, response.censored)
    if all((~np.isnan(r.values)).sum(axis=1).max() == 1 for r in responses):
        yield "one study each: there are no intervals. Give --studies 3 or more"
    yield from _about_the_design(design)
    yield from (_about_nothing(found, inert) for inert in found.inert)
    told = {inert.method for inert in found.inert}
    for name in (name for name in design.factors if name not in told):
        if all(_changes_nothing(design, response, name) for response in responses):
            yield f"{name} changed nothing, to the last digit: does the submission use it?"


def _about_the_value(found: Experiment) -> str:
    names = enumerated(dict.fromkeys(reached.name for reached in found.reached))
    if found.value == "log_time":
        return (
            f"effects are of the logarithm of {names} to the target, shown as factors: 1.1x is "
            "1.1 times as fast, and above 1 helps"
        )
    return f"effects are of {names} at a fixed budget; above 0 helps, whichever way it is better"


def _about_nothing(found: Experiment, inert: Inert) -> str:
    what = "noise of the clock alone" if found.value == "log_time" else "nothing"
    rows = "its rows tell" if inert.same == inert.pairs else "there its rows tell"
    return (
        f"on {inert.workload} {inert.method} changed nothing in {inert.same} of "
        f"{number_of(inert.pairs, 'pair')} of studies, one with it and one without: the trials "
        f"that count have the same models at every evaluation, bit for bit, so {rows} {what}. "
        "Choose knobs by which it acts before the target, or leave it out"
    )


def _about_bounds(found: Experiment, reached: Reached, censored: BoolArray) -> Iterator[str]:
    missed = {
        name_of(cell): f"{row.sum()}/{known.sum()}" for cell, row, known in
        zip(found.cells, censored, ~np.isnan(reached.costs), strict=True) if row.any()
    }
    if not missed:
        return
    told = ", ".join(f"{name} ({count})" for name, count in missed.items())
    limits = reached.limits[censored]
    if np.isnan(limits).any():
        counted = (
            "the worst of the others, which takes for granted that they would have been no better"
        )
    else:
        ends = dict.fromkeys(f"{end:.4g}" for end in (limits.min(), limits.max()))
        counted = f"it when they ended, at {' to '.join(ends)}"
    yield (
        f"on {reached.workload} {told} of the studies have no result; they count as if they had "
        f"reached {counted}. So what rests on them is a bound: at least, or at most"
    )


def _about_the_design(design: Design) -> Iterator[str]:
    if design.is_full:
        return
    hidden = [
        " = ".join(" x ".join(each) for each in (term, *(other for other, _ in others)))
        for term, others in design.aliases.items() if others and design.leads(term)
    ]
    clear = "interactions of two are told apart" if not hidden else (
        f"these interactions cannot be told apart: {'; '.join(hidden)}"
    )
    yield (
        f"{len(design.levels)} of {2 ** len(design.factors)} combinations, resolution "
        f"{design.resolution}: {clear}; main effects hide interactions of "
        f"{(design.resolution or 0) - 1} or more, and the attribution takes those of three or more "
        "to be 0"
    )


def _changes_nothing(design: Design, found: Responses, name: str) -> bool:
    """Whether cells with and without a method are equal in pairs; unknown in a fraction."""
    if not design.is_full:
        return False
    rows = {frozenset(cell): row for cell, row in zip(design.cells, found.values, strict=True)}
    return all(
        np.array_equal(row, rows[cell - {name}], equal_nan=True) for cell, row in rows.items()
    )


def _multiplicity(found: Sequence[Effects], design: Design) -> Iterator[str]:
    rows = _shown(found, design)
    if not np.isnan([effect.adjusted_p for effect in rows]).all():
        clear = sum(effect.adjusted_p < 0.05 for effect in rows)
        yield (
            f"intervals are of one effect each; of all {number_of(len(rows), 'effect')} together, "
            f"{clear} {'is' if clear == 1 else 'are'} beyond chance at 5% (Holm)"
        )


def _shown(found: Sequence[Effects], design: Design) -> tuple[Effect, ...]:
    return tuple(
        effect for effects in found for effect in (*effects.mains, *effects.interactions)
        if design.leads(effect.methods)
    )
