"""Scaling laws: how the loss of a table's runs falls with parameters and tokens."""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

import polars as pl

from mlgolf.analysis.intervals import CONFIDENCE, checked_confidence
from mlgolf.analysis.scaling.fitting import DRAWS
from mlgolf.analysis.scaling.isoflop import IsoFlop, isoflop
from mlgolf.analysis.scaling.law import Sizes
from mlgolf.analysis.scaling.minimise import DELTA
from mlgolf.analysis.scaling.run_table import runs_of_folders
from mlgolf.analysis.scaling.study import ScalingStudy, study
from mlgolf.analysis.scaling.table import Choice, Columns, read_runs
from mlgolf.api.results import AnyPath
from mlgolf.api.saved import Saved
from mlgolf.api.shown import Table
from mlgolf.core.disk import disk_errors_told
from mlgolf.core.errors import ScoringError
from mlgolf.core.jury_ruling import check_rulings_are_of_runs
from mlgolf.core.text import enumerated
from mlgolf.data.tables import table_or_file
from mlgolf.plots.heading import Heading
from mlgolf.plots.scaling import isoflop_chart, isoflop_table, scaling_charts, scaling_table
from mlgolf.plots.theme import Style
from mlgolf.report.scaling import (
    BUDGET_HEADS,
    ISOFLOP_HEADS,
    ISOFLOP_READING,
    PREDICTION_HEADS,
    VARIANT_HEADS,
    budget_rows,
    heads,
    isoflop_lines,
    isoflop_rows,
    isoflop_title,
    law_lines,
    law_reading,
    law_rows,
    law_title,
    prediction_rows,
    stated_for,
    variant_rows,
)
from mlgolf.results.bundles.reading import is_bundle
from mlgolf.scoring.sources import open_source

NAME = "scaling"  # of its files
PLAIN = Columns()  # as they are called unless a user says otherwise
KEPT = 400  # draws that a saved fit has, for intervals of what is planned by it
FormName = Literal["chinchilla", "data_constrained", "precision", "levers", "isoflop"]


class FittedLaw(Saved):
    """A scaling law and what it rests on. It displays itself, as text or in a notebook."""

    _name = NAME

    def __init__(
        self, found: ScalingStudy, notes: tuple[str, ...] = (), source: str = ""
    ) -> None:
        self.study = found
        self.law = found.fit.law
        self.source = source
        self.notes = notes

    def as_json(self) -> dict[str, Any]:
        found, fit = self.study, self.study.fit
        exponent, interval = (math.nan, (math.nan, math.nan)) if fit.why_no_sizes else (
            fit.estimate(lambda law: law.params_exponent)
        )
        drawn = fit.form.values(fit.draws[:KEPT])
        return {
            **fit.values, **dict.fromkeys(fit.ran_away), "objective": fit.objective,
            "delta": fit.delta, "runs": len(found.runs), "confidence": fit.confidence,
            "intervals": {name: [*ends] for name, ends in fit.intervals.items()},
            "profiles": {name: [*one.interval] for name, one in fit.all_profiles.items()},
            "optimal": {
                "a": exponent, "b": 1 - exponent, "a_interval": [*interval],
                "b_interval": [1 - interval[1], 1 - interval[0]],
            },
            "not_identified": fit.not_identified,
            "levels": dict.fromkeys(found.runs.levers, 0),
            "starts": {"tried": fit.starts, "at_best": fit.starts_at_best},
            "budgets": [
                {
                    "flop": one.flop, "params": one.params,
                    "params_interval": [*one.params_interval], "tokens": one.tokens,
                    "tokens_interval": [*one.tokens_interval], "loss": one.loss,
                    "loss_interval": [*one.loss_interval],
                    "extrapolation_decades": one.extrapolation_decades,
                } for one in found.budgets
            ],
            "predictions": [
                {
                    "params": one.params, "tokens": one.tokens, "loss": one.loss,
                    "interval": [*one.interval],
                    "extrapolation_decades": one.extrapolation_decades,
                } for one in found.predictions
            ],
            "sensitivity": [
                {
                    "change": one.change, **one.values, "a": one.params_exponent,
                    **({"why_not": one.why_not} if one.why_not else {}),
                }
                for one in found.variants
            ],
            "data": {
                "params": _range(found.runs.params), "tokens": _range(found.runs.tokens),
                "flop": _range(6 * found.runs.params * found.runs.tokens),
                "loss": _range(found.runs.loss),
            },
            "draws": {name: [float(f"{v:.7g}") for v in values] for name, values in drawn.items()},
            "residuals": [float(f"{value:.6g}") for value in fit.residuals],
            "source": self.source, "notes": [*self.notes],
        }  # fmt: skip

    @cached_property
    def _drawn_table(self) -> pl.DataFrame:
        return scaling_table(self.study)

    def _figure_table(self) -> pl.DataFrame:
        return self._drawn_table

    def _panels(self) -> Sequence[Any]:
        return scaling_charts(self.study, self._drawn_table, Style(submissions=("law",)))

    def _tables(self) -> Iterable[Table]:
        where = stated_for(self.study)
        return [
            (law_title(self.study), heads(self.study), law_rows(self.study)),
            *([(
                f"what compute buys{where}", BUDGET_HEADS, budget_rows(self.study)
            )] if self.study.budgets else []),
            *([(
                f"predicted runs{where}", PREDICTION_HEADS, prediction_rows(self.study)
            )] if self.study.predictions else []),
            ("the same fit with other choices", VARIANT_HEADS, variant_rows(self.study)),
        ]

    def _heading(self) -> Heading:
        return Heading(title=law_title(self.study), reading=law_reading(self.study))

    def _lines(self) -> Iterable[str]:
        return law_lines(self.study, self.notes)


class IsoFlopFit(Saved):
    """Best sizes by compute, without a law."""

    _name = NAME

    def __init__(self, found: IsoFlop, notes: tuple[str, ...] = ()) -> None:
        self.found = found
        self.notes = notes

    def as_json(self) -> dict[str, Any]:
        found = self.found
        low, high = found.exponent_interval
        return {
            "optimal": {
                "a": found.exponent, "b": 1 - found.exponent, "a_interval": [low, high],
                "b_interval": [1 - high, 1 - low],
            },
            "budgets": [
                {
                    "flop": one.flop, "runs": one.runs, "params": one.params,
                    "params_interval": [*one.params_interval], "loss": one.loss,
                    "why_not": one.why_not,
                } for one in found.budgets
            ],
            "left_out": found.left_out, "notes": [*self.notes],
        }  # fmt: skip

    def _figure_table(self) -> pl.DataFrame:
        return isoflop_table(self.found)

    def _panels(self) -> Sequence[Any]:
        return [isoflop_chart(self._figure_table(), Style(submissions=("law",)))]

    def _tables(self) -> Iterable[Table]:
        return [(isoflop_title(self.found), ISOFLOP_HEADS, isoflop_rows(self.found))]

    def _heading(self) -> Heading:
        return Heading(title=isoflop_title(self.found), reading=ISOFLOP_READING)

    def _lines(self) -> Iterable[str]:
        return isoflop_lines(self.found, self.notes)


@disk_errors_told()
def fit(
    table: AnyPath, *, params: str = "params", tokens: str = "tokens", flop: str | None = None,
    loss: str = "loss", form: FormName | None = None, unique: str | None = None,
    bits: Mapping[str, str] | None = None, levers: Sequence[str] = (),
    given: Mapping[str, float] | None = None, only: str | None = None, without: str | None = None,
    drop_highest: int = 0, budgets: Sequence[float] = (),
    sizes: Sequence[tuple[float, float]] = (), delta: float = DELTA, draws: int = DRAWS,
    confidence: float = CONFIDENCE, rulings: AnyPath | None = None,
) -> FittedLaw | IsoFlopFit:
    """Fit L = E + A / N^alpha + B / D^beta, and more where columns tell more, to a table of runs.

    Args:
      table: a file (.csv, .parquet), the name of a published table: "chinchilla_runs", or a
        folder of runs or a bundle, whose columns are known.
      params, tokens, loss: its columns; or `flop` of training in place of tokens.
      form: what is fitted; else as the columns say. Of a folder, "chinchilla" and "isoflop" are
        fitted to the runs that saw no token twice.
      unique: the column of unique tokens, where tokens are repeated.
      bits: columns of bits, of "weights", "activations" or "cache".
      levers: columns of what was switched on; each gets a multiplier of effective compute.
      given: parameters that are not fitted.
      only, without, drop_highest: which rows count.
      budgets: FLOP to be spent at the best size.
      sizes: parameters and tokens of runs whose loss is to be predicted.
      rulings: of runs, a folder of rulings of a jury; None for those of the competition.
    Raises: MLGolfError for a table that cannot be read, or cannot tell the parameters.
    """
    checked_confidence(confidence)
    for name, values in (("at", budgets), ("predict", [one for size in sizes for one in size])):
        if wrong := [value for value in values if not 0 < value < math.inf]:
            raise ScoringError(f"{name}: found {wrong[0]:g}, allowed is a number above 0")
    columns = Columns(
        params=params, tokens=tokens, flop=flop, loss=loss, unique_tokens=unique, bits=bits or {},
        levers=levers,
    )
    path, choice = table_or_file(table), Choice(
        only=only, without=without, drop_highest=drop_highest
    )
    if path.is_dir() or is_bundle(path):
        _check_folder(path, columns, form)
        repeats = None if form is None else form == "data_constrained"
        source = open_source(
            [path], None, None, command="fit", rulings=None if rulings is None else Path(rulings)
        )
        read = partial(runs_of_folders, path, source, repeats=repeats)
    else:
        check_rulings_are_of_runs(rulings, path)
        _check_form(form, unique, bits, levers)
        read = partial(read_runs, path, columns)
    kept = read(choice)
    outliers = read(choice.before_outliers).runs if without or drop_highest else None
    if form == "isoflop":
        return IsoFlopFit(isoflop(kept.runs, confidence=confidence), kept.notes)
    found = study(
        kept.runs, given=given, left_out=outliers, budgets=budgets,
        sizes=[Sizes(*size) for size in sizes], delta=delta, draws=draws, confidence=confidence,
    )
    return FittedLaw(found, kept.notes, str(table))


def _check_folder(path: Path, columns: Columns, form: FormName | None) -> None:
    """Runs of folders have their own columns: options that name others would do nothing."""
    given = {
        "--params": columns.params != PLAIN.params, "--tokens": columns.tokens != PLAIN.tokens,
        "--flop": columns.flop is not None, "--loss": columns.loss != PLAIN.loss,
        "--unique": columns.unique_tokens is not None, "--bits": bool(columns.bits),
        "--lever": bool(columns.levers), f"--form {form}": form in ("precision", "levers"),
    }  # fmt: skip
    if unused := [option for option, is_given in given.items() if is_given]:
        raise ScoringError(
            f"{path}: found {enumerated(unused)}, and a folder of runs, whose parameters, tokens, "
            "unique tokens and loss are known. Leave it out, or give a table in place of the folder"
        )


def _check_form(
    form: FormName | None, unique: str | None, bits: Mapping[str, str] | None,
    levers: Sequence[str],
) -> None:
    """A form and the columns that it needs go together."""
    needs = {"data_constrained": ("--unique", unique), "precision": ("--bits", bits),
             "levers": ("--lever", levers)}  # fmt: skip
    if form in needs and not needs[form][1]:
        raise ScoringError(f"form {form}: needs {needs[form][0]}, which names its column")
    extra = [option for name, (option, value) in needs.items() if value and name != form]
    if form in ("chinchilla", "isoflop") and extra:
        raise ScoringError(f"form {form}: found {extra[0]}, which it has no use for. Leave it out")


def _range(values: Any) -> list[float]:
    return [float(values.min()), float(values.max())]
