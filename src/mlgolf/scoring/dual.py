"""The dual of a competition: what was minimised becomes a bound, and a bound is what is improved.

    minimise time               subject to  validation metric reaches target, time <= budget
    improve validation metric   subject to  time <= budget

With the incumbents of the first as the budgets of the second, both problems have the same solution
on the trade-off curve of the two quantities.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from mlgolf.core.competition import Competition
from mlgolf.core.errors import RulesError
from mlgolf.core.rules import Constraint, Rules, WorkloadRules
from mlgolf.core.toml_files import toml_string
from mlgolf.scoring.leaderboard import Cell, Leaderboard

NAME_SUFFIX = "-dual"
TITLE_PREFIX = "Dual of "


def dual(
    competition: Competition, incumbents: Mapping[str, float] | None = None
) -> Competition:
    """Swap the objective with the first constraint on another quantity.

    The old objective keeps its bound; without one it gets the usual bound of its quantity, or, for
    each workload, its best known value from `incumbents`. A bound on the new objective is removed
    if it asked for quality, and kept if it ends a trial (time, steps). A number that was given in
    the rules rather than for each workload is lost with a removed bound. The dual of a dual equals
    the original where all bounds are the usual ones.

    Raises: RulesError if no other quantity is bounded, a workload has no incumbent, or the old
      objective has no usual bound.
    """
    rules = competition.rules
    partner = next((c for c in rules.constraints if c.quantity != rules.objective), None)
    if partner is None:
        raise RulesError(
            f"{competition.name}: only {rules.objective} is bounded, so there is nothing to swap "
            "it with. Add a constraint on another quantity."
        )
    bound = _bound_on_objective(competition, use_incumbents=incumbents is not None)
    swapped = rules.model_copy(
        update={"objective": partner.quantity, "constraints": _swap(rules, partner, bound)}
    )
    return competition.model_copy(
        update={
            "name": _toggle_suffix(competition.name),
            "title": _toggle_prefix(competition.title),
            "rules": swapped,
            "workloads": _renumber(competition, bound, incumbents),
        }
    )


def incumbents(board: Leaderboard) -> dict[str, float]:
    """The best value of the objective on each workload that somebody reached."""
    best: dict[str, Cell] = {}
    for cells in (entry.cells for entry in board.entries):
        for workload, cell in cells.items():
            # By ratio, which is smallest for the best whichever way the objective goes.
            if math.isfinite(cell.ratio) and cell.ratio <= best.get(workload, cell).ratio:
                best[workload] = cell
    return {workload: cell.value for workload, cell in best.items()}


def to_toml(competition: Competition) -> str:
    """The competition as a file that `load_competition` reads back as an equal record."""
    record = competition.model_dump(mode="json", by_alias=True, exclude_none=True)
    return "\n".join(_table_lines(record, ())).lstrip("\n") + "\n"


def _bound_on_objective(competition: Competition, *, use_incumbents: bool) -> Constraint:
    rules = competition.rules
    given = rules.bound_on(rules.objective)
    # A number in the rules holds for all workloads; incumbents differ, so they need a named one.
    if given is not None and not (use_incumbents and isinstance(given.bound, float)):
        return given
    bound = rules.objective_quantity.usual_bound
    given_by = [name for name, w in competition.workloads.items() if w.number(bound) is not None]
    if not use_incumbents and len(given_by) < len(competition.workloads):
        raise RulesError(
            f"{competition.name}: not every workload has a number {bound!r} that bounds "
            f"{rules.objective}. Bound it by the best values of runs: --runs RUN."
        )
    return Constraint(quantity=rules.objective, bound=bound)


def _swap(rules: Rules, partner: Constraint, bound: Constraint) -> tuple[Constraint, ...]:
    """The bound takes the partner's place; the partner, if it stays, follows it."""
    swapped: list[Constraint] = []
    for constraint in rules.constraints:
        if constraint == partner:
            stays = partner.bounded.accumulates
            swapped += [bound, partner] if stays else [bound]
        elif constraint.quantity != rules.objective:
            swapped.append(constraint)
    return tuple(swapped)


def _renumber(
    competition: Competition, bound: Constraint, incumbents: Mapping[str, float] | None
) -> dict[str, WorkloadRules]:
    """The workloads' numbers, with the incumbents as bounds.

    What is known of the old objective, its incumbent and its par, says nothing of the new one.
    """
    workloads = competition.workloads
    given = incumbents or {}
    missing = [name for name in workloads if not math.isfinite(given.get(name, math.inf))]
    if incumbents is not None and missing:
        raise RulesError(
            f"{competition.name}: no finite incumbent for {', '.join(missing)}. "
            "Give one for each workload, or leave them out."
        )
    renumbered = {}
    for name, workload_rules in workloads.items():
        changed = workload_rules
        if incumbents is not None:
            source = f"incumbent of {competition.name}"
            changed = changed.with_bounds(**{str(bound.bound): given[name]})
            changed = changed.model_copy(
                update={"sources": {**changed.sources, str(bound.bound): source}}
            )
        renumbered[name] = changed.model_copy(update={"incumbent": None, "par": None})
    return renumbered


def _toggle_suffix(name: str) -> str:
    short = name.removesuffix(NAME_SUFFIX)
    return short if short != name else name + NAME_SUFFIX


def _toggle_prefix(title: str) -> str:
    short = title.removeprefix(TITLE_PREFIX)
    return short if short != title else TITLE_PREFIX + title


def _table_lines(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    """A table's own values first, then the tables within it, as TOML wants them."""
    values = {key: v for key, v in table.items() if not isinstance(v, dict)}
    header = ["", f"[{'.'.join(map(_key, path))}]"] if path and (values or not table) else []
    lines = header + [f"{_key(key)} = {_value(v)}" for key, v in values.items()]
    for key, inner in table.items():
        if isinstance(inner, dict):
            lines += _table_lines(inner, (*path, key))
    return lines


def _value(value: Any) -> str:
    match value:
        case list():
            inner = "".join(f"  {_value(item)},\n" for item in value)
            return f"[\n{inner}]" if inner else "[]"
        case dict():
            return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
        case str():
            return toml_string(value)
        case bool():
            return str(value).lower()
    return repr(value)


def _key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else _value(key)
