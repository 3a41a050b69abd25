"""Ablations: what each method contributes, alone and together with the others."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from mlgolf.analysis.ablation.designs import Term
from mlgolf.analysis.ablation.effects import Effect
from mlgolf.analysis.ablation.experiment import Ablation, analysed, name_of
from mlgolf.analysis.ablation.sources import open_experiment
from mlgolf.analysis.intervals import CONFIDENCE, checked_confidence
from mlgolf.api.ablation_runs import measure
from mlgolf.api.playing import console_for
from mlgolf.api.results import AnyPath
from mlgolf.api.saved import Saved
from mlgolf.api.shown import Table
from mlgolf.core.disk import disk_errors_told
from mlgolf.core.errors import RunFolderError, UnknownName
from mlgolf.core.target import Goal
from mlgolf.plots.heading import Heading
from mlgolf.plots.interactions import MEAN, interactions_matrix, interactions_table
from mlgolf.plots.theme import Style
from mlgolf.report.ablation import heading, lines, tables, verdict

NAME = "ablation"  # of its files


class AblationResult(Saved):
    """Methods alone and together. It displays itself, as text or in a notebook."""

    _name = NAME

    def __init__(self, ablation: Ablation) -> None:
        self.ablation = ablation

    @cached_property
    def table(self) -> pl.DataFrame:
        """A row per effect. `kind`: main, interaction, attribution or total."""
        return pl.DataFrame([
            {
                "kind": kind, "workload": found.workload, "methods": name_of(effect.methods),
                "estimate": effect.estimate, "low": effect.interval[0],
                "high": effect.interval[1], "p": effect.p, "adjusted_p": effect.adjusted_p,
                "bound": effect.bound,
            }
            for found in self.ablation.all_effects for kind, effects in (
                ("main", found.mains), ("interaction", found.interactions),
                ("attribution", found.attribution), ("total", (found.total,)),
            ) for effect in effects
        ], infer_schema_length=None)  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """The keys are documented in docs/methods.md."""
        found, design = self.ablation, self.ablation.design
        experiment = found.experiment
        return {
            "value": experiment.value, "confidence": found.confidence,
            "design": {
                "methods": [*design.factors], "cells": [name_of(cell) for cell in design.cells],
                "full": design.is_full, "resolution": design.resolution,
                "defining_words": [
                    {"methods": [*word], "sign": sign} for word, sign in design.defining_words
                ],
            },
            "effects": [
                {"workload": each.workload, "method": effect.methods[0], **_numbers(effect)}
                for each in found.all_effects for effect in each.mains
            ],
            "interactions": [
                {
                    "workload": each.workload, "methods": [*effect.methods], **_numbers(effect),
                    "aliased_with": _aliases(design.aliases, effect.methods),
                }
                for each in found.all_effects for effect in each.interactions
            ],
            "attribution": [
                {"workload": each.workload, "method": effect.methods[0], **_estimate(effect)}
                for each in found.all_effects for effect in each.attribution
            ],
            "total": [
                {"workload": each.workload, **_estimate(each.total)} for each in found.all_effects
            ],
            "error": [
                {"workload": each.workload, "stddev": each.stddev,
                 "degrees_of_freedom": each.degrees}
                for each in found.workloads
            ],
            "changed_nothing": [
                {"workload": each.workload, "method": each.method, "same": each.same,
                 "pairs": each.pairs}
                for each in experiment.inert
            ],
            "unfair": [*found.unfair], "notes": [*found.notes],
        }  # fmt: skip

    def _figure_table(self) -> pl.DataFrame:
        return interactions_table(self.ablation)

    def _panels(self) -> list[Any]:
        found = self.ablation
        drawn = interactions_table(found)
        factors = [*found.design.factors]
        style = Style(submissions=tuple(factors))
        most = float(drawn["estimate"].abs().to_numpy().max()) or 1.0
        return [
            interactions_matrix(
                drawn.filter(workload=name), factors, style, title=name, most=most
            )
            for name in (each.workload or MEAN for each in found.all_effects)
        ]

    def _heading(self) -> Heading:
        return heading(self.ablation)

    def _tables(self) -> Iterable[Table]:
        return tables(self.ablation)

    def _lines(self) -> Iterable[str]:
        return lines(self.ablation)


@disk_errors_told()
def ablate(
    *paths: AnyPath, methods: Sequence[str] = (), workloads: Sequence[str] = (),
    time: str | None = None, quality: str | None = None, goal: str | None = None,
    confidence: float = CONFIDENCE, unfair: bool = False, rulings: AnyPath | None = None,
    progress: bool = True, **asked: Any,
) -> AblationResult:
    """What methods contribute, alone and together, where each combination was tuned alike.

    Args:
      paths: a submission that reads its methods from its point, which is played; or run folders,
        or one table (.csv, .parquet) with the columns methods and time or quality.
      methods: of the submission, by name; none for results that are there.
      workloads: those that are played, or looked at; none: all.
      time, quality, goal: of a table: what its columns are called, and whether quality is to
        maximise (unless given) or to minimise.
      unfair: compare also what was not tuned alike, and say so.
      rulings: of runs, a folder of rulings of a jury; None for those of the competition.
      asked: further arguments of `measure`.
    Raises: MLGolfError for what cannot be played, read or compared.
    """
    checked_confidence(confidence)  # before anything is played
    if goal is not None and goal not in [*Goal]:
        raise UnknownName("goal", goal, known=[*Goal])
    found = [Path(path) for path in paths]
    if methods:
        (submission, *others) = found or [Path()]
        if others:
            raise RunFolderError(f"found {len(found)} paths, allowed is one submission to play")
        console = console_for(progress)
        found = [measure(submission, methods, console, workloads=workloads, **asked)]
    elif asked:
        raise RunFolderError(
            f"{', '.join(asked)}: nothing is played without methods. Name them, or leave this out"
        )
    for path in found:
        if path.suffix == ".py" or any(path.glob("submission*.py")):
            raise RunFolderError(
                f"{path} is a submission. Say which methods to switch on and off: --methods "
                "colout,ema"
            )
    experiment = open_experiment(
        found, time=time, quality=quality, goal=None if goal is None else Goal(goal),
        workloads=workloads, rulings=None if rulings is None else Path(rulings),
    )
    return AblationResult(analysed(experiment, confidence=confidence, allow_unfair=unfair))


def _estimate(effect: Effect) -> dict[str, Any]:
    return {
        "estimate": effect.estimate, "interval": [*effect.interval], "p": effect.p,
        "bound": effect.bound or None,
    }  # fmt: skip


def _numbers(effect: Effect) -> dict[str, Any]:
    return {
        **_estimate(effect), "adjusted_p": effect.adjusted_p,
        "verdict": verdict(effect).replace(" ", "_") or None,
    }


def _aliases(aliases: Mapping[Term, Sequence[tuple[Term, int]]], term: Term) -> list[Any]:
    return [{"methods": [*other], "sign": sign} for other, sign in aliases[term]]
