"""How much faster the best of one field are than the best of an earlier one.

Two fields are seldom run on the same machine with the same harness. Submissions that were run in
both are a bridge: what changed for them is no progress of algorithms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlgolf.core.arrays import FloatArray
from mlgolf.core.errors import ScoringError
from mlgolf.scoring.admission import counted
from mlgolf.scoring.standings import Standings


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """Ratios of times, later to earlier: below 1 is faster. None where nothing can be compared."""

    earlier: str  # the competition
    workloads: Mapping[str, float]  # the best raw time of each, those that can be compared
    left_out: Mapping[str, str]  # other workloads, and why
    best: float | None  # geometric mean over workloads
    bridge: Mapping[str, float]  # the same, of each submission run in both
    machine: float | None  # of all of the bridge together, on the workloads that it reaches
    algorithms: float | None  # the best on those workloads, beyond what changed for the bridge


def since(
    later: Standings, earlier: Standings, bridge: Sequence[tuple[str, str]] | None = None
) -> Since:
    """Compare two fields by the median studies of those who score.

    Args:
      bridge: submissions run in both, as (name in the earlier field, name in the later); None for
        those that have the same name.
    Raises: ScoringError where times are not what the rules ask for, or nobody is so named.
    """
    for standings in (later, earlier):
        if standings.competition.rules.objective != "time":
            raise ScoringError(
                f"{standings.competition.name} asks for {standings.competition.rules.objective}; "
                "only times are compared over the years"
            )
    pairs = _bridge(later, earlier) if bridge is None else _checked(later, earlier, bridge)
    told, left_out = _comparable(later, earlier)
    then, now = (_times(standings, told) for standings in (earlier, later))
    best = now.min(axis=0, initial=np.inf) / then.min(axis=0, initial=np.inf)
    with np.errstate(invalid="ignore"):  # inf / inf, of what was reached in neither
        crossed = np.array(
            [now[_row(later, b)] / then[_row(earlier, a)] for a, b in pairs]
        ).reshape(len(pairs), len(told))
    known = np.isfinite(crossed) & (crossed > 0)
    reached = known.any(axis=0)
    machine = _mean(crossed[known])
    return Since(
        earlier=earlier.competition.name,
        workloads=dict(zip(told, best.tolist(), strict=True)),
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
                    f"the bridge {name!r} was not run in {standings.competition.name}; there are "
                    f"{', '.join(standings.pool.submissions)}"
                )
    return list(bridge)


def _comparable(later: Standings, earlier: Standings) -> tuple[list[str], dict[str, str]]:
    """Scored workloads of the later field that ask for the same in both, and were reached."""
    told, left_out = [], {}
    old = earlier.competition
    for name in later.competition.scored_workloads:
        asked = [s.competition.workloads.get(name) for s in (earlier, later)]
        if name not in old.scored_workloads:
            left_out[name] = f"not scored in {old.name}"
        elif len({(n.metric, n.target) for n in asked if n}) > 1:
            left_out[name] = "its target was another: " + ", then ".join(
                f"{n.metric} {n.target:g}" for n in asked if n
            )
        elif not all(np.isfinite(_times(s, [name])).any() for s in (earlier, later)):
            left_out[name] = "nobody reached its target in one of them"
        else:
            told.append(name)
    return told, left_out


def _times(standings: Standings, names: Sequence[str]) -> FloatArray:
    """(submissions, names): medians before anything is struck out; inf where never reached."""
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
    """How far the best came, and how much of it was the machine's doing."""
    lines = [f"{name} is not compared: {why}" for name, why in since.left_out.items()]
    if since.best is None:
        return [*lines, f"nothing can be compared with {since.earlier}"]
    count = counted(len(since.workloads), "workload")
    lines.append(
        f"since {since.earlier} the best times are × {since.best:.3f}, the geometric mean over "
        f"{count}: " + ", ".join(f"{name} × {r:.3f}" for name, r in since.workloads.items())
    )
    if since.machine is None or since.algorithms is None:
        lines.append("nobody was run in both: how much of it is the machine cannot be told")
    else:
        through = ", ".join(f"{name} × {ratio:.3f}" for name, ratio in since.bridge.items())
        lines.append(
            f"run in both: {through}; so machine and harness account for × {since.machine:.3f}, "
            f"algorithms for × {since.algorithms:.3f}"
        )
    return lines
