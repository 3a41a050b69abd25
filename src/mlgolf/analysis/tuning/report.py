"""All that `mlgolf tuning` says of results: curves, what separates, shared points, transfer."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from mlgolf.analysis.intervals import CONFIDENCE
from mlgolf.analysis.tuning.choices import Choices, compare_choices
from mlgolf.analysis.tuning.curves import (
    Separation,
    Statistic,
    TuningCurve,
    separations,
    tuning_curve,
)
from mlgolf.analysis.tuning.results import TuningResults
from mlgolf.analysis.tuning.shared_points import Sharing, degradation, share_point
from mlgolf.analysis.tuning.transfer import Transfer, transfer
from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import ScoringError
from mlgolf.core.text import printable

CURVES = {
    "method": pl.String, "workload": pl.String, "trials": pl.Int64, "best": pl.Float64,
    "lower": pl.Float64, "upper": pl.Float64, "goal": pl.String, "measured": pl.String,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a method's choices for quality and for time differ in."""

    method: str
    budget: float | None  # share of the workload's budget, at which quality was compared
    choices: Choices


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningReport:
    results: TuningResults
    confidence: float
    statistic: Statistic
    curves: Mapping[tuple[str, str], TuningCurve]  # by workload and method
    separated: Mapping[str, Sequence[Separation]]  # by workload
    sharing: Mapping[str, Sharing]  # by method
    transfers: Mapping[tuple[str, str, str], Transfer]  # by method, workload and variant
    chosen: Sequence[Chosen]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Null: unbounded, without a result, or not known."""
        goals = {str(goal) for goal in self.results.goals.values()}
        return {
            "goal": goals.pop() if len(goals) == 1 else None, "confidence": self.confidence,
            "curve": self.statistic,
            "methods": [
                _curve_json(method, workload, curve)
                for (workload, method), curve in self.curves.items()
            ],
            "separated": [
                {"workload": workload or None, **asdict(pair)}
                for workload, pairs in self.separated.items() for pair in pairs
            ],
            "shared_point": [
                self._sharing_json(method, found) for method, found in self.sharing.items()
            ] or None,
            "transfer": [
                {"method": method, "workload": workload, "variant": variant, **asdict(found)}
                for (method, workload, variant), found in self.transfers.items()
            ] or None,
            "quality_or_time": [
                {"method": one.method, "budget": one.budget, **asdict(one.choices)}
                for one in self.chosen
            ] or None,
            "unfair": list(self.results.unfair), "notes": list(self.notes),
        }

    def _sharing_json(self, method: str, found: Sharing) -> dict[str, Any]:
        best = found.points[0].point
        return {
            "method": method, "point": best, "scale": found.scale,
            "hyperparameters": self.results.points.get((method, best)),
            **{name: value for name, value in asdict(found).items() if name != "scale"},
        }

    def table(self) -> pl.DataFrame:
        """A row per method, workload and number of trials: `CURVES`. Null: no bound, no result."""
        frames = [pl.DataFrame(schema=CURVES)]
        for (workload, method), curve in self.curves.items():
            frames.append(pl.DataFrame({
                "method": method, "workload": workload, "trials": curve.trials,
                "best": curve.best, "lower": curve.lower, "upper": curve.upper,
                "goal": str(curve.goal), "measured": self.results.measured[workload],
            }, schema=CURVES))  # fmt: skip
        finite = pl.when(pl.col(pl.Float64).is_finite()).then(pl.col(pl.Float64)).name.keep()
        return pl.concat(frames).with_columns(finite)


def _curve_json(method: str, workload: str, curve: TuningCurve) -> dict[str, Any]:
    return {
        "method": method, "workload": workload or None, "goal": str(curve.goal),
        "trials": curve.trials.tolist(), "best": curve.best.tolist(),
        "lower": curve.lower.tolist(), "upper": curve.upper.tolist(),
        "results": curve.results, "failed": curve.failed,
    }


def judge(
    results: TuningResults, *, confidence: float = CONFIDENCE, trials: int | None = None,
    statistic: Statistic = "median", bounds: tuple[float, float] = (-math.inf, math.inf),
) -> TuningReport:
    """Args: as those of `tuning_curve`. Times are at least 0 whatever the bounds.

    Raises: ScoringError if no trial has a result, or as `tuning_curve`.
    """
    table = results.table
    if table["value"].is_null().all():
        what = next(iter(results.measured.values()), "a result")
        raise ScoringError(
            f"{results.path}: none of {len(table)} trials has a result ({what}), so there is "
            "nothing to compare. Train for longer, or choose another --metric"
        )
    if results.scale == "ratio":
        bounds = (max(bounds[0], 0.0), bounds[1])
    curves = {}
    for (workload, method), rows in table.group_by("workload", "method", maintain_order=True):
        try:
            curves[workload, method] = tuning_curve(
                rows["value"].fill_null(math.nan).to_numpy(), results.goals[str(workload)],
                confidence=confidence, trials=trials, statistic=statistic, bounds=bounds,
            )
        except ScoringError as error:
            where = f"{method} on {workload}" if workload else method
            raise ScoringError(f"{results.path}: {printable(where)}: {error}") from None
    costs = _costs(results)
    return TuningReport(
        results=results, confidence=confidence, statistic=statistic, curves=curves,
        separated=_separated(curves), sharing=_sharing(results, costs),
        transfers=_transfers(results, costs, confidence), chosen=_chosen(results.choices),
        notes=(*results.notes, *_notes(results, costs)),
    )


def _separated(curves: Mapping[tuple[str, str], TuningCurve]) -> dict[str, list[Separation]]:
    workloads = dict.fromkeys(workload for workload, _ in curves)
    found = {
        name: separations({m: curve for (w, m), curve in curves.items() if w == name})
        for name in workloads
    }
    return {name: pairs for name, pairs in found.items() if pairs}


Costs = Mapping[str, Mapping[tuple[str, str], float]]  # method -> (point, workload) -> cost


def _costs(results: TuningResults) -> Costs:
    """The median over repetitions of a point on a workload, smaller is better; inf: no result."""
    signs = pl.col("workload").replace_strict(
        {name: goal.sign for name, goal in results.goals.items()}, return_dtype=pl.Float64
    )
    medians = results.table.drop_nulls("point").with_columns(
        cost=(pl.col("value") * signs).fill_null(math.inf)
    ).group_by("method", "point", "workload", maintain_order=True).agg(pl.col("cost").median())
    found: dict[str, dict[tuple[str, str], float]] = {}
    for method, point, workload, cost in medians.iter_rows():
        found.setdefault(method, {})[point, workload] = cost
    return found


def _sharing(results: TuningResults, costs: Costs) -> dict[str, Sharing]:
    found = {}
    for method, own in costs.items():
        points = list(dict.fromkeys(point for point, _ in own))
        run = {workload for _, workload in own}
        workloads = [name for name in results.shared if name in run]
        if len(points) < 2 or len(workloads) < 2:
            continue
        matrix = np.array([[own.get((p, w), math.nan) for w in workloads] for p in points])
        if (sharing := share_point(matrix, points, workloads, results.scale)) is not None:
            found[method] = sharing
    return found


def _transfers(
    results: TuningResults, costs: Costs, confidence: float
) -> dict[tuple[str, str, str], Transfer]:
    found = {}
    for method, own in costs.items():
        for base, variant in results.variants:
            carried = transfer(*_of_both(own, base, variant), results.scale, confidence)
            if carried is not None:
                found[method, base, variant] = carried
    return found


def _of_both(
    own: Mapping[tuple[str, str], float], base: str, variant: str
) -> tuple[FloatArray, FloatArray]:
    points = [point for point, workload in own if workload == base and (point, variant) in own]
    return (
        np.array([own[point, base] for point in points]),
        np.array([own[point, variant] for point in points]),
    )


def _chosen(choices: pl.DataFrame | None) -> list[Chosen]:
    """Studies of one trial have no choice, and are not counted. Losses of quality in spreads."""
    if choices is None:
        return []
    found = []
    for (method, budget), rows in choices.group_by("method", "budget", maintain_order=True):
        rows = pl.concat(map(_in_spreads, rows.partition_by("workload", maintain_order=True)))
        studies = [
            study for study in rows.partition_by("workload", "study", maintain_order=True)
            if len(study) > 1
        ]
        if not studies:
            continue
        most = max(map(len, studies))
        made = compare_choices(*(
            np.array([
                [*study[name], *[math.inf] * (most - len(study))] for study in studies
            ]) for name in ("cost", "time")
        ))  # fmt: skip
        if made.studies:
            found.append(Chosen(method=str(method), budget=budget, choices=made))
    return found


def _in_spreads(rows: pl.DataFrame) -> pl.DataFrame:
    """With costs that can be averaged over workloads: see `degradation`. Args: rows: of one."""
    shares = degradation(rows["cost"].to_numpy()[:, None], "share_of_spread")[:, 0]
    return rows.with_columns(cost=pl.Series(np.where(np.isnan(shares), math.inf, shares)))


def _notes(results: TuningResults, costs: Costs) -> list[str]:
    notes = []
    repeated = results.table.drop_nulls("point").group_by("method", "workload", "point").len()
    if len(repeated) and (repeated["len"] > 1).any():
        notes.append(
            "points were run several times: curve and band are about new runs of these points, not "
            "about other points of the search space"
        )
    single = [method for method, own in costs.items() if len({point for point, _ in own}) == 1]
    if single and len(results.workloads) > 1:
        notes.append(f"one point only, so nothing to share: {', '.join(single)}")
    return notes
