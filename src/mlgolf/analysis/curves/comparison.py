"""All that `mlgolf curve` says about a table: each method's points and curve against a baseline."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np

from mlgolf.analysis.curves.dominance import Compared, compare
from mlgolf.analysis.curves.fairness import (
    OTHER_SPEEDS,
    Complaint,
    different_speeds,
    doubts,
    unfair,
)
from mlgolf.analysis.curves.measurements import Measurements, Point
from mlgolf.analysis.curves.monotone import Interpolation, MonotoneCurve
from mlgolf.analysis.curves.pareto import pareto_front
from mlgolf.analysis.curves.seed_noise import Sloped
from mlgolf.analysis.curves.shared_state import Shared, shared_state
from mlgolf.analysis.curves.tradeoff import Judge, Judged
from mlgolf.analysis.intervals import CONFIDENCE
from mlgolf.core.errors import ScoringError, UnknownName
from mlgolf.core.target import Goal
from mlgolf.core.text import enumerated

MOVED = 1e-9  # of the range: less is rounding
NOTED = 0.2  # correlation between budgets of a seed, which is said from there on


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    table: Measurements
    baseline: str
    goal: Goal
    confidence: float
    curve: MonotoneCurve  # of the baseline
    points: tuple[Judged, ...]
    curves: tuple[Compared, ...]  # of methods that have two points at least
    shared: Shared  # by the runs of a seed, of all methods
    front: tuple[Point, ...]  # of all points, the baseline's included
    unfair: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(name for name in self.table.points if name != self.baseline)

    def has_intervals(self, method: str) -> bool:
        """Whether some budget has two runs, of the method or of the baseline."""
        return _has_two_runs(self.table, self.baseline, method)

    def verdict_by(self, method: str) -> Literal["interval", "estimate"]:
        """What its verdicts are of: a test, or the estimate alone."""
        return "interval" if self.has_intervals(method) else "estimate"

    @property
    def without_intervals(self) -> tuple[str, ...]:
        """Methods whose verdicts are of the estimates alone: nothing is known of noise."""
        return tuple(name for name in self.methods if not self.has_intervals(name))


def _has_two_runs(table: Measurements, *methods: str) -> bool:
    return any(point.runs > 1 for name in methods for point in table.points[name])


def compared(
    table: Measurements, baseline: str, goal: Goal, *, interpolation: Interpolation = "pchip",
    confidence: float = CONFIDENCE, allow_unfair: bool = False,
) -> Comparison:
    """Raises: UnknownName; ScoringError for what cannot be compared, or not fairly."""
    if baseline not in table.points:
        raise UnknownName("method", baseline, known=table.points, remedy="Choose a --baseline.")
    methods = [name for name in table.points if name != baseline]
    if not methods:
        raise ScoringError(
            f"{table.path}: found one method, {baseline}; a comparison needs another. Add runs of "
            "the method that is to be judged"
        )
    complaints = unfair(table, baseline, methods)
    if complaints and not allow_unfair:
        raise ScoringError(_refusal(table, complaints))
    theirs = table.points[baseline]
    curve = _curve(table, theirs, goal, interpolation)
    shared = shared_by(curve, [*table.points.values()])
    judge = Judge(curve, theirs, confidence, shared)
    judged = {name: judge.judge(table.points[name]) for name in methods}
    return Comparison(
        table=table, baseline=baseline, goal=goal, confidence=confidence, curve=curve,
        points=tuple(chain.from_iterable(judged.values())),
        curves=tuple(
            compare(curve, theirs, table.points[name], goal, confidence, judged[name], shared)
            for name in methods if len(table.points[name]) > 1
        ),
        shared=shared, front=_front(table, goal),
        unfair=tuple(complaint.text for complaint in complaints),
        notes=(
            *_notes(table, curve, baseline, methods), *_notes_on_seeds(table, shared),
            *_notes_on_machines(table, complaints),
        ),
    )


def _refusal(table: Measurements, complaints: Sequence[Complaint]) -> str:
    lines = "\n".join(f"  {complaint}" for complaint in complaints)
    notes = "".join(f"\n  note: {note}" for note in table.notes)
    return (
        f"{table.path}: this comparison is not fair:\n{lines}{notes}\n"
        "Measure again, or add --unfair, which every figure then says"
    )


def _curve(
    table: Measurements, points: Sequence[Point], goal: Goal, interpolation: Interpolation
) -> MonotoneCurve:
    """Raises: ScoringError for a baseline that makes no curve."""
    name = points[0].method
    shortest, longest = table.places(name, 0)[0], table.places(name, -1)[0]
    if len(points) < 2:
        raise ScoringError(
            f"{shortest}: found one budget of the baseline {name}, {table.time} "
            f"{points[0].time:g}; a curve needs two at least, better five. Train it for half and "
            "for twice as long"
        )
    curve = MonotoneCurve(points, goal, interpolation)
    if not curve.values[0] < curve.values[-1]:
        low, high = points[0], points[-1]
        raise ScoringError(
            f"{shortest} and {longest}: {table.quality} of the baseline {name} does not get better "
            f"with more {table.time}: found {low.quality:g} at {low.time:g}, {high.quality:g} at "
            f"{high.time:g}. Is the goal right (--goal {goal})? Otherwise budgets are too long, or "
            "tell the same"
        )
    return curve


def shared_by(curve: MonotoneCurve, methods: Sequence[Sequence[Point]]) -> Shared:
    """Args: curve: of the baseline, which is one of the methods."""
    values = (curve.sign * np.array([point.quality for point in points]) for points in methods)
    sloped = map(Sloped, methods, map(curve.slopes_where, values))
    return shared_state([*sloped], curve.sign)


def _front(table: Measurements, goal: Goal) -> tuple[Point, ...]:
    points = [point for points in table.points.values() for point in points]
    values = np.array([point.on_axes or (point.time, point.quality) for point in points])
    goals = [axis.goal for axis in table.axes] or [Goal.MINIMISE, goal]
    first, second = (each.sign * values[:, at] for at, each in enumerate(goals))
    order = np.argsort(first, kind="stable")
    on_it = pareto_front(first, second)
    return tuple(points[at] for at in order if on_it[at])


def _notes(
    table: Measurements, curve: MonotoneCurve, name: str, methods: Sequence[str]
) -> Iterator[str]:
    baseline = table.points[name]
    alone = [method for method in methods if not _has_two_runs(table, name, method)]
    if alone:
        yield (
            f"one run each of {enumerated(alone)} and of the baseline: there are no intervals, and "
            "nothing tells a difference from noise. Verdicts marked (estimate) say only on which "
            "side of the baseline's curve a run lies; as a test of a change the answer is \"cannot "
            "tell\". Train with three seeds or more"
        )
    if curve.moved > MOVED * np.ptp(curve.values):
        yield (
            f"the baseline is not monotone: neighbouring budgets were pooled, which moved a mean "
            f"by up to {curve.moved:.3g}"
        )
    if len(baseline) < 5:
        yield (
            f"the baseline has {len(baseline)} budgets: with less than five the curve between "
            "them rests on the interpolation"
        )
    noise = [point.relative_noise for point in baseline]
    if min(noise) < max(noise):
        yield (
            f"seeds vary {max(noise) / min(noise):.2g} times as much at one budget as at another, "
            "by all methods together; intervals take that into account"
        )
    count = sum(len(table.points[name]) for name in methods)
    if count > 5:
        yield (
            f"{count} points were judged, each by itself: of 20 that make no difference, about "
            "one is called better or worse by chance"
        )
    yield from table.notes
    yield from doubts(table)


def _notes_on_seeds(table: Measurements, shared: Shared) -> Iterator[str]:
    several = [points for points in table.points.values() if points[1:] and points[0].runs > 1]
    if several and not any(point.seeds for points in several for point in points):
        yield (
            "no column seed: runs at several budgets are taken to know nothing of each other. "
            "Where those of one seed were played on a machine in one state, intervals of averages "
            "are too narrow"
        )
    if shared.correlation > NOTED:
        yield (
            f"runs of one seed lie on one side of their curves together (correlation "
            f"{shared.correlation:.2f} between budgets): intervals of averages are wider for it"
        )


def _notes_on_machines(table: Measurements, complaints: Sequence[Complaint]) -> Iterator[str]:
    """Of runs whose machines were probed, unless it is a complaint already."""
    speeds = different_speeds(table, [*table.points])
    if speeds and not any(OTHER_SPEEDS in complaint.text for complaint in complaints):
        yield (
            f"trials from {OTHER_SPEEDS}: {speeds}. Times are seconds on each machine's own "
            "clock, so they vary more"
        )
