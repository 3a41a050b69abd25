"""What is likely wrong, from evidence, in plain words and never with more certainty than it gives.

Three strengths: "undone" (undoing it made the outputs agree), "seen" (the file or a measurement
shows it, whether or not it explains a difference), "possible" (it only fits what was measured).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlgolf.analysis.deployment.device import RUN, OperatorTime
from mlgolf.analysis.deployment.parity import Parity
from mlgolf.analysis.deployment.verdict import Facts, usual_parity
from mlgolf.analysis.deployment.work import family
from mlgolf.core.text import enumerated, several, significant

Strength = Literal["undone", "seen", "possible"]
AGREES, FITTED = 10.0, 0.01  # times the bound of parity, at most: what a fitted number leaves
HELPS = 5.0  # a change that makes the difference so many times smaller is part of the fault
HALF = 0.5  # a larger difference is none that a change has taken away
MOST = 4  # changes that are named
SLOW_SHARE = 0.3  # of a run, from which on an operator may be called slow
SLOW_FACTOR = 8.0  # times as long as others of the model, for the same work
COSTLY = 0.05  # relative difference by 8 bits of one layer, from which on it is named
SPREAD = 16.0  # largest channel to the usual one: 4 of the 8 bits are left for the others
CUT_OFF = 0.01  # share of values beyond the scale
UNKNOWN = "unknown"
LOOPS = ("Loop", "Scan", "If")


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """A change that was tried, and the relative difference that it left."""

    fault: str
    says: str
    relative: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCost:
    """What 8 bits of one layer alone do, or of all operators of one other kind."""

    layer: str
    operator: str
    relative: float
    changed: float  # share of the examples in which a decision is another
    weight_spread: float = 1.0  # the largest channel's range, to that of the usual one
    input_spread: float = 1.0
    nodes: tuple[str, ...] = ()
    together: int = 0  # so many operators of a kind that is no layer; 0: a layer

    @property
    def called(self) -> str:
        return self.layer if self.together > 1 else f"{self.operator} {self.layer!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOff:
    """A layer of a model in 8 bits, and how its input fits into the scale that is stored."""

    layer: str
    share: float  # of values beyond the scale
    spread: float = 1.0  # the largest channel's range, to that of the usual one


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    fault: str
    strength: Strength
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTime:
    """An operator by its name in the model."""

    name: str
    time: OperatorTime

    @property
    def label(self) -> str:
        """As a reader of the model knows it."""
        if self.time.operator == RUN:
            return "start of a run"
        return f"{family(self.time.operator)} {self.name}".strip()


def of_agreement(facts: Facts, tried: Sequence[Undone], bound: float) -> Iterator[Suspect]:
    """Why outputs differ.

    Args: tried: changes in the order of their size, the simplest first; bound: that of parity.
    """
    training = [*_of_training(facts)]
    yield from training
    before = facts.parity.worst.relative
    if before <= bound:
        return
    better = [one for one in tried if one.relative <= before / HELPS]
    agrees = [one for one in better if one.relative <= bound]
    agrees = agrees or [one for one in better if one.relative <= min(AGREES * bound, FITTED)]
    helps = sorted(
        (one for one in better if one.relative <= HALF), key=lambda one: one.relative
    )
    if training or not math.isfinite(before):
        helps = []  # any change of shape helps, and one fault hides another
    for one in agrees[:MOST]:
        yield Suspect(
            fault=one.fault, strength="undone",
            says=f"with {one.says}, outputs agree: the largest relative difference is "
            f"{_text(one.relative)} instead of {_text(before)}",
        )
    if not agrees:
        for one in helps[:MOST]:
            yield Suspect(
                fault=one.fault, strength="possible",
                says=f"with {one.says}, the largest relative difference is {_text(one.relative)} "
                f"instead of {_text(before)}, still above {_text(bound)}: this may be a part of it",
            )
    if not agrees and not helps and not training:
        yield from _of_differences(facts.parity, facts.not_finite)


def _of_training(facts: Facts) -> Iterator[Suspect]:
    usual = max(1e-4, min(1.0, usual_parity(facts.precision)))
    if facts.training_layers:
        effects = []
        if facts.varies > usual:
            effects.append("two runs of the same examples differ when nothing is optimised away")
        if facts.depends_on_batch > usual:
            effects.append("an answer depends on the other examples of its batch")
        said = f": {enumerated(effects)}" if effects else (
            ". This runtime gives the same answers in two runs; another may not"
        )
        yield Suspect(
            fault="training mode", strength="seen",
            says=f"{several(facts.training_layers)} in training mode{said}. Export the network "
            "in evaluation mode: network.eval(), or train=False",
        )  # fmt: skip
    elif facts.varies > usual:
        yield Suspect(
            fault="training mode", strength="possible",
            says="two runs of the same examples differ by "
            f"{_text(facts.varies)}: something draws random numbers, as dropout in training does",
        )
    elif facts.depends_on_batch > usual and facts.precision != "8 bits":
        yield Suspect(
            fault="training mode", strength="possible",
            says="the same example gets another answer in another batch (relative difference "
            f"{_text(facts.depends_on_batch)}), as with batch norm that trains, or a fixed mask of "
            "dropout: each example should be answered by itself",
        )


def _of_differences(parity: Parity, not_finite: Sequence[str]) -> Iterator[Suspect]:
    """No change that was tried explains them."""
    shares = parity.by_example
    if not np.isfinite(shares).all():
        yield Suspect(
            fault="not finite", strength="seen",
            says=f"{int((~np.isfinite(shares)).sum()):,} of {len(shares):,} examples give NaN or "
            "infinity in one of the two only, or another shape"
            + (f"; {enumerated(not_finite)}" if not_finite else ""),
        )
    elif 0 < (shares > shares.max() / 10).mean() < 0.05:
        yield Suspect(
            fault="single examples", strength="seen",
            says=f"{int((shares > shares.max() / 10).sum())} of {len(shares):,} examples make the "
            "difference: look at these",
        )
    else:
        yield Suspect(
            fault=UNKNOWN, strength="possible",
            says="no usual fault explains the difference: inputs scaled, turned or in other "
            "order, axes and square weights transposed, layers in training mode were undone in "
            "turn. Compare layer by layer: give --reference another ONNX file, or an .npz with "
            "values named as in the model",
        )


def of_eight_bits(
    layers: Sequence[LayerCost], cut_off: Sequence[CutOff], bad: bool
) -> Iterator[Suspect]:
    """Args: layers: the costliest first; bad: whether 8 bits cost more than they may."""
    for one in cut_off:
        if one.share >= CUT_OFF:
            yield Suspect(
                fault="8-bit overflow", strength="seen",
                says=f"{one.share:.1%} of the values that go into {one.layer} lie beyond what its "
                "8 bits can say and are cut off: calibrate with data like these, or leave this "
                "layer in float",
            )
        elif bad and one.spread >= SPREAD:
            yield Suspect(
                fault="8-bit overflow", strength="seen",
                says=f"one channel of the values that go into {one.layer} is "
                f"{_text(one.spread)} times as large as the usual one, so that the others keep "
                "few of the 256 levels. Leave this layer in float",
            )
    for place, one in enumerate(layers if bad else ()):
        if place == 0 and one.together and one.relative >= COSTLY:
            yield Suspect(
                fault="8-bit overflow", strength="seen",
                says=f"8 bits of {one.called} alone change the outputs by {_text(one.relative)}, "
                "more than those of any layer. Leave them and what makes their inputs in float",
            )
        wide = [
            f"one channel of its {what} is {_text(spread)} times as large as the usual one, so "
            "that the others keep few of the 256 levels"
            for what, spread in (("weights", one.weight_spread), ("input", one.input_spread))
            if spread >= SPREAD
        ]
        if wide and one.relative >= COSTLY:
            remedy = (
                "Quantise weights by channel, or leave this layer in float"
                if one.weight_spread >= SPREAD else "Leave this layer in float"
            )
            yield Suspect(
                fault="8-bit overflow", strength="seen",
                says=f"8 bits of {one.operator} {one.layer!r} alone change the outputs by "
                f"{_text(one.relative)}: {enumerated(wide)}. {remedy}",
            )


def slow_operators(
    rows: Sequence[NamedTime], doubles: Sequence[str] = ()
) -> Iterator[Suspect]:
    """Operators that take a large share of a run, and more than their work explains."""
    total = sum(row.time.seconds * row.time.count for row in rows)
    by_work = [
        row.time.seconds / row.time.work for row in rows
        if row.time.operator not in (RUN, *LOOPS) and row.time.dtype != "double"
        and row.time.work >= 100
    ]
    usual = float(np.median(by_work)) if len(by_work) >= 3 else math.nan
    in_double = [row for row in rows if row.time.dtype == "double"]
    share = sum(row.time.seconds * row.time.count for row in in_double) / total
    if in_double and share >= SLOW_SHARE:
        beside = " and others" if len(in_double) > 3 else ""
        yield Suspect(
            fault="slow operator", strength="seen",
            says=f"{share:.0%} of a run is computed in double precision (float64): "
            f"{enumerated(row.label for row in in_double[:3])}{beside}"
            f"{_by(doubles)}. float32 takes about half of that or less",
        )
    for row in sorted(rows, key=lambda row: -row.time.seconds * row.time.count)[:3]:
        part = row.time.seconds * row.time.count / total
        if row.time.operator == RUN or part < SLOW_SHARE or row in in_double:
            continue
        if row.time.operator in LOOPS:
            yield Suspect(
                fault="slow operator", strength="seen",
                says=f"{row.label} takes {part:.0%} of a run: a loop within the graph starts "
                "each of its operators anew in every turn. Write it as operators on whole arrays",
            )
        elif row.time.seconds / row.time.work > SLOW_FACTOR * usual:
            times = row.time.seconds / row.time.work / usual
            yield Suspect(
                fault="slow operator", strength="possible",
                says=f"{row.label} takes {part:.0%} of a run, {_text(times)} times as long as "
                "other operators of this model for the same work",
            )


def _by(doubles: Sequence[str]) -> str:
    return f", by {enumerated(map(repr, doubles[:3]))}" if doubles else ""


def _text(value: float) -> str:
    return significant(value, 2)
