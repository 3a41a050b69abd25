"""What makes a comparison unfair: checked from what the table tells, not assumed.

Facts that a table does not tell cannot be checked, and the comparison says which these are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from mlgolf.analysis.curves.measurements import Measurements
from mlgolf.analysis.facts import NOUNS
from mlgolf.analysis.units import WIDE, apart, fractions_beside_percents
from mlgolf.core.text import enumerated, number_of, significant
from mlgolf.results.measurement_table import PLACE
from mlgolf.scoring.labels import SPEED_TOLERANCE

# What stands in for time or money: it can be lower while training takes longer.
PROXIES = frozenset({
    "flop", "steps", "step", "epochs", "epoch", "tokens", "examples", "iterations", "params",
    "parameters", "updates", "samples", "images", "batches",
})  # fmt: skip
PROXY_ENDING = "flops"  # gflops, petaflops
# Of any table, and what also tells it.
ASKED_FOR = {"hardware": "", "clock": "", "dataset": "draw", "tuning_trials": ""}
OTHER_SPEEDS = "machines of different speed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One thing that differs or misleads. Args: text: a sentence without a full stop."""

    text: str
    places: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.text} (see {enumerated(self.places)})" if self.places else self.text


def unfair(table: Measurements, baseline: str, methods: Sequence[str]) -> tuple[Complaint, ...]:
    found = [*_proxy(table.time), *_fractions_beside_percents(table)]
    for method in methods:
        found += _times_apart(table, baseline, method)
        found += _other_facts(table, baseline, method)
        found += _other_speeds(table, baseline, method)
        found += _fewer_seeds(table, baseline, method)
    return tuple(found)


def different_speeds(table: Measurements, methods: Sequence[str]) -> str:
    """How fast the machines of methods are, where speeds differ; empty else, or where unknown."""
    if "speed" not in table.rows.columns:
        return ""
    speed, known = pl.col("speed"), table.rows.drop_nulls("speed")
    found = known.filter(pl.col("method").is_in(methods)).group_by("method", maintain_order=True)
    speeds = found.agg(low=speed.min(), high=speed.max()).rows()
    if not speeds or max(s[2] for s in speeds) <= SPEED_TOLERANCE * min(s[1] for s in speeds):
        return ""
    each = (
        f"{method} {low:.2f}x" + (f" to {high:.2f}x" if high > low else "")
        for method, low, high in speeds
    )
    return f"{', '.join(each)} of the reference"


def doubts(table: Measurements) -> Iterator[str]:
    """What nobody can check, or what adds noise that no interval counts."""
    told = table.rows.columns
    missing = [
        fact for fact, also in ASKED_FOR.items() if fact not in told and also not in told
    ]
    if missing:
        yield (
            f"the table does not say whether {enumerated([NOUNS[fact] for fact in missing])} were "
            f"the same. Add {'columns' if len(missing) > 1 else 'a column'} {enumerated(missing)}"
        )
    if "draw" in told and table.rows["draw"].n_unique() > 1:
        yield (
            "runs have different draws of the held-out data, which adds noise that the intervals "
            "do not count"
        )


def _proxy(time: str) -> Iterator[Complaint]:
    words = time.lower().replace("-", "_").replace(" ", "_").split("_")
    proxies = (word for word in words if word in PROXIES or word.endswith(PROXY_ENDING))
    if proxy := next(proxies, None):
        yield Complaint(
            text=f"the column {time!r} counts {proxy}, a proxy: fewer of them can take longer. "
            "Compare time or money"
        )


def _fractions_beside_percents(table: Measurements) -> Iterator[Complaint]:
    if "quality_unit" in table.rows.columns:
        return
    values = table.rows["quality"].to_numpy()
    if places := fractions_beside_percents(values):
        found = " and ".join(f"{values[at]:g}" for at in places)
        yield Complaint(
            text=f"{table.quality} looks like fractions beside percents: found {found}. Correct "
            "one, or add a column quality_unit if they are of one unit",
            places=tuple(table.rows[PLACE][at] for at in places),
        )


def _times_apart(table: Measurements, baseline: str, method: str) -> Iterator[Complaint]:
    if "time_unit" in table.rows.columns:
        return
    theirs, ours = (table.rows.filter(method=name).sort("time") for name in (baseline, method))
    ratio = apart(ours["time"].to_numpy(), theirs["time"].to_numpy())
    if ratio >= WIDE:
        yield Complaint(
            text=f"{table.time} of {method} and of {baseline} lie {significant(ratio, 2)}× apart: "
            f"found {ours['time'][0]:g} to {ours['time'][-1]:g}, and {theirs['time'][0]:g} to "
            f"{theirs['time'][-1]:g}. Are both in one unit? Correct one, or add a column time_unit",
            places=(theirs[PLACE][0], ours[PLACE][0]),
        )


def _other_facts(table: Measurements, baseline: str, method: str) -> Iterator[Complaint]:
    for fact in (name for name in NOUNS if name in table.facts):
        theirs, ours = (table.facts[fact][name] for name in (baseline, method))
        if len({*theirs, *ours}) > 1:
            values = f"{_listed(theirs)} for {baseline}, {_listed(ours)} for {method}"
            yield Complaint(
                text=f"different {NOUNS[fact]} in one comparison: {values}",
                places=(*[*theirs.values()][:2], *[*ours.values()][:2])[:3],
            )


def _other_speeds(table: Measurements, baseline: str, method: str) -> Iterator[Complaint]:
    """Of runs, whose machines were probed: where budgets of either ran at speeds far apart.

    Trials that take turns on such machines have the same mean speed at each budget.
    """
    speeds = different_speeds(table, (baseline, method))
    if not speeds:
        return
    rows = table.rows.drop_nulls("speed").filter(pl.col("method").is_in((baseline, method)))
    means = rows.group_by("method", "point").agg(
        pl.col("speed").log().mean().exp(), pl.first(PLACE)
    ).sort("speed")
    slow, fast = (means.select("speed", PLACE).row(at) for at in (0, -1))
    if fast[0] > SPEED_TOLERANCE * slow[0]:
        yield Complaint(
            text=f"{OTHER_SPEEDS} in one comparison: {speeds}. Times are seconds on "
            "each machine's own clock: play both in one run, in turns",
            places=(slow[1], fast[1]),
        )


def _listed(values: Mapping[str, str]) -> str:
    return enumerated([value or "not told" for value in values])


def _fewer_seeds(table: Measurements, baseline: str, method: str) -> Iterator[Complaint]:
    theirs, ours = ([point.runs for point in table.points[name]] for name in (baseline, method))
    if min(ours) < min(theirs):
        fewest = table.places(method, ours.index(min(ours)))
        yield Complaint(
            text=f"{method} has {number_of(min(ours), 'run')} at a budget, the baseline "
            f"{min(theirs)}. Train it with {min(theirs)} seeds",
            places=(fewest[0],),
        )
