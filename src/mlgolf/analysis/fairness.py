"""What makes a comparison unfair: checked from what the table tells, not assumed.

Facts that a table does not tell cannot be checked, and the comparison says which these are.
"""

from collections.abc import Iterator, Sequence

from mlgolf.analysis.measurements import Measurements, Point
from mlgolf.core.text import enumerated

# What stands in for time or money: it can be lower while training takes longer.
PROXIES = frozenset({
    "flops", "flop", "steps", "step", "epochs", "epoch", "tokens", "examples", "iterations",
    "params", "parameters", "updates",
})  # fmt: skip
NOUNS = {
    "hardware": "hardware", "machine": "machines", "clock": "clocks", "workload": "workloads",
    "dataset": "data", "time_unit": "units of time", "tuning_trials": "tuning budgets",
}  # fmt: skip
ASKED_FOR = ("hardware", "clock", "dataset", "tuning_trials")  # of any table


def unfair(table: Measurements, baseline: str, methods: Sequence[str]) -> tuple[str, ...]:
    """Sentences without a full stop, one for each thing that differs or misleads."""
    found = [*_proxy(table.time)]
    for method in methods:
        found += _other_facts(table, baseline, method)
        found += _fewer_seeds(table.points[baseline], table.points[method])
    return tuple(dict.fromkeys(found))


def doubts(table: Measurements) -> Iterator[str]:
    """What nobody can check, or what adds noise that no interval counts."""
    missing = [NOUNS[fact] for fact in ASKED_FOR if fact not in table.rows.columns]
    if missing and "draw" not in table.rows.columns:
        yield f"the table does not say whether {enumerated(missing)} were the same: add columns"
    if "draw" in table.rows.columns and table.rows["draw"].n_unique() > 1:
        yield (
            "runs have different draws of the held-out data, which adds noise that the intervals "
            "do not count"
        )


def _proxy(time: str) -> Iterator[str]:
    words = time.lower().replace("-", "_").split("_")
    if proxy := next((word for word in words if word in PROXIES), None):
        yield (
            f"the column {time!r} counts {proxy}, a proxy: fewer of them can take longer. Compare "
            "time or money"
        )


def _other_facts(table: Measurements, baseline: str, method: str) -> Iterator[str]:
    theirs, ours = table.facts(baseline), table.facts(method)
    for fact, noun in NOUNS.items():
        if fact not in theirs:
            continue
        both = dict.fromkeys([*theirs[fact], *ours[fact]])
        if len(both) > 1:
            values = f"{_listed(theirs[fact])} for {baseline}, {_listed(ours[fact])} for {method}"
            yield f"different {noun} in one comparison: {values}"


def _listed(values: Sequence[str]) -> str:
    return enumerated([value or "not told" for value in values])


def _fewer_seeds(baseline: Sequence[Point], method: Sequence[Point]) -> Iterator[str]:
    theirs, ours = (min(point.runs for point in points) for points in (baseline, method))
    if ours < theirs:
        name = method[0].method
        yield f"{name} has {ours} run{'s' * (ours > 1)} at a budget, the baseline {theirs}"
