"""Speed-up of the best times over those of an earlier competition.

Two competitions rarely use the same machine and harness. Submissions that were run in both (the
bridge) measure that difference: a change of their times is not progress of algorithms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import ScoringError
from mlgolf.core.quantities import quantity
from mlgolf.core.text import number_of
from mlgolf.scoring.standings import Standings


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """Ratios of times, later to earlier: below 1 is faster. None where nothing can be compared."""

    earlier: str  # the competition
    workloads: Mapping[str, float]  # ratio of best times on each workload that can be compared
    left_out: Mapping[str, str]  # workloads that cannot be compared, and why
    best: float | None  # the geometric mean of these
    bridge: Mapping[str, float]  # ratio of its own times, for each submission run in both
    machine: float | None  # geometric mean over the bridge, where it reached the target
    algorithms: float | None  # ratio of best times on those workloads, divided by the bridge's


def since(
    later: Standings, earlier: Standings, bridge: Sequence[tuple[str, str]] | None = None
) -> Since:
    """Compare the best median times of two competitions, workload by workload.

    Args:
      bridge: submissions run in both, as (earlier name, later name); None for all that have the
        same name in both.
    Raises: ScoringError where the objective is not time, or for an unknown submission.
    """
    for standings in (later, earlier):
        if standings.competition.rules.objective != "time":
            raise ScoringError(
                f"--since compares times; {standings.competition.name} asks for the "
                f"{standings.competition.rules.objective_quantity.noun}"
            )
    pairs = _bridge(later, earlier) if bridge is None else _checked(later, earlier, bridge)
    comparable, left_out = _comparable(later, earlier)
    then, now = (_times(standings, comparable) for standings in (earlier, later))
    best = now.min(axis=0, initial=np.inf) / then.min(axis=0, initial=np.inf)
    with np.errstate(invalid="ignore"):  # inf / inf, of what was reached in neither
        crossed = np.array(
            [now[_row(later, b)] / then[_row(earlier, a)] for a, b in pairs]
        ).reshape(len(pairs), len(comparable))
    known = np.isfinite(crossed) & (crossed > 0)
    reached = known.any(axis=0)
    machine = _mean(crossed[known])
    return Since(
        earlier=earlier.competition.name,
        workloads=dict(zip(comparable, best.tolist(), strict=True)),
        left_out=left_out,
        best=_mean(best),
        bridge={
            b: mean for (_, b), own, sure in zip(pairs, crossed, known, strict=True)
            if (mean := _mean(own[sure])) is not None
        },
        machine=machine,
        algorithms=_mean(best[reached] / _means(crossed, known)[reached]),
    )


def _bridge(later: Standings, earlier: Standings) -> list[tuple[str, str]]:
    both = set(later.pool.submissions) & set(earlier.pool.submissions)
    return [(name, name) for name in sorted(both)]


def _checked(
    later: Standings, earlier: Standings, bridge: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    for names in bridge:
        for standings, name in zip((earlier, later), names, strict=True):
            if name not in standings.pool.submissions:
                raise ScoringError(
                    f"--bridge: {name!r} was not run in {standings.competition.name}; its "
                    f"submissions are {', '.join(standings.pool.submissions)}"
                )
    return list(bridge)


def _comparable(later: Standings, earlier: Standings) -> tuple[list[str], dict[str, str]]:
    """Scored workloads with the same target in both, reached in both; and why others are not."""
    comparable, left_out = [], {}
    old = earlier.competition
    for name in later.competition.scored_workloads:
        if name not in old.scored_workloads:
            left_out[name] = f"not scored in {old.name}"
        elif (then := _targets(earlier, name)) != (now := _targets(later, name)):
            left_out[name] = f"its target changed: {then}, then {now}"
        elif not all(np.isfinite(_times(s, [name])).any() for s in (earlier, later)):
            left_out[name] = "in one of them no submission reached its target"
        else:
            comparable.append(name)
    return comparable, left_out


def _targets(standings: Standings, name: str) -> str:
    """What must be reached on a workload, whatever a trial may use up on the way."""
    rules, workload_rules = standings.competition.rules, standings.competition.workloads[name]
    reached = (t for t in rules.targets(workload_rules) if not quantity(t.metric).accumulates)
    return ", ".join(
        str(replace(t, metric=quantity(t.metric).column_for(workload_rules.metric)))
        for t in reached
    )


def _times(standings: Standings, names: Sequence[str]) -> FloatArray:
    """(submissions, names): median times; inf where never reached."""
    columns = [standings.pool.workloads.index(name) for name in names]
    return np.nan_to_num(standings.costs[:, columns], nan=np.inf, posinf=np.inf)


def _row(standings: Standings, name: str) -> int:
    return standings.pool.submissions.index(name)


def _mean(ratios: FloatArray) -> float | None:
    return float(np.exp(np.log(ratios).mean())) if len(ratios) else None


def _means(ratios: FloatArray, known: np.ndarray) -> FloatArray:
    """Geometric means of the known ratios of each column; 1 where there are none."""
    logs = np.log(np.where(known, ratios, 1.0)).sum(axis=0)
    return np.exp(logs / np.maximum(known.sum(axis=0), 1))


def since_in_words(since: Since) -> list[str]:
    """The speed-up, and how much of it comes from the machine."""
    lines = [f"{name} is not compared: {why}" for name, why in since.left_out.items()]
    if since.best is None:
        return [*lines, f"no workload can be compared with {since.earlier}"]
    count = number_of(len(since.workloads), "workload")
    lines.append(
        f"best times, compared with {since.earlier}: × {since.best:.3f} (geometric mean over "
        f"{count}): " + ", ".join(f"{name} × {r:.3f}" for name, r in since.workloads.items())
    )
    if since.machine is None or since.algorithms is None:
        lines.append(
            "no submission was run in both, so the effect of the machine cannot be separated"
        )
    else:
        through = ", ".join(f"{name} × {ratio:.3f}" for name, ratio in since.bridge.items())
        lines.append(
            f"submissions run in both: {through}; of the change, machine and harness account for "
            f"× {since.machine:.3f}, algorithms for × {since.algorithms:.3f}"
        )
    return lines
