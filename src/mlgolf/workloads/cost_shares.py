"""How much of a training step NadamW's own update takes: what `benchmarks/cost_shares.py` found.

A small workload whose share is far above that of its full size flatters methods whose update is
cheap. The numbers lie in `cost_shares.toml` in the workload's folder; a workload that was not
measured has none.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from mlgolf.core.toml_files import toml_string
from mlgolf.core.workload import Workload

HEAD = "# Written by benchmarks/cost_shares.py --write, which says how this is measured.\n"

Table = Mapping[str, "CostShare"]  # size -> what was measured


@dataclass(frozen=True, slots=True, kw_only=True)
class CostShare:
    """One step of one size: milliseconds of CPU time of one thread."""

    batch_size: int  # the baseline's
    measured_examples: tuple[int, ...]  # batches that were computed; others are extrapolated
    forward_backward_ms: float
    update_ms: float
    provenance: str  # how, machine, date, versions

    @property
    def share(self) -> float:
        """Of the update in the whole step, in [0, 1]."""
        return self.update_ms / (self.forward_backward_ms + self.update_ms)


def file_of(workload: Workload) -> Traversable:
    """Where its numbers lie, if they were measured."""
    return files(workload.package) / "cost_shares.toml"


def read_cost_shares(workload: Workload) -> Table:
    """What was measured; nothing where there is no file."""
    file = file_of(workload)
    return from_toml(file.read_text("utf-8")) if file.is_file() else {}


def from_toml(text: str) -> Table:
    return {size: _cost_share(row) for size, row in tomllib.loads(text).items()}


def as_toml(table: Table) -> str:
    """What `from_toml` reads, in the order of names."""
    tables = (
        f"\n[{size}]\n" + "".join(f"{k} = {_value(v)}\n" for k, v in _fields(row))
        for size, row in sorted(table.items())
    )
    return HEAD + "".join(tables)


def _cost_share(row: dict) -> CostShare:
    return CostShare(**{**row, "measured_examples": tuple(row["measured_examples"])})


def _fields(row: CostShare) -> list[tuple[str, object]]:
    return list(asdict(row).items())


def _value(value: object) -> str:
    match value:
        case str():
            return toml_string(value)
        case tuple():
            return f"[{', '.join(map(str, value))}]"
        case float():
            return f"{value:.4g}" if value < 1000 else f"{value:.0f}"
    return str(value)
