"""Names become objects here and nowhere else, by entry points: ours stand beside a stranger's."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlgolf.core.entry_points import load_entry, of_package
from mlgolf.core.errors import AmbiguousName, UnknownName
from mlgolf.core.workload import Workload

REMEDIES = {
    "workload": "If it is yours, install its package again.",
    "algorithm": "If it is yours, install its package again, or give a path.",
}


def workload_names() -> list[str]:
    return sorted({entry.name for entry in entry_points(group="mlgolf.workloads")})


def load_workload(name: str) -> Workload:
    """Raises: UnknownName, AmbiguousName, BrokenPackage."""
    return load_entry(_only("workload", name, "mlgolf.workloads"), Workload)


def played_workload(
    name: str, size: str, definition: Mapping[str, Any] | None, folder: Path | None = None
) -> Workload:
    """The workload of that name, made of what a competition declares of it, if anything.

    Args: as of `Workload.defined_by`. Raises: UnknownName, AmbiguousName, RulesError.
    """
    workload = load_workload(name)
    return workload if definition is None else workload.defined_by(definition, size, folder)


def algorithm_names() -> list[str]:
    return sorted({entry.name for entry in entry_points(group="mlgolf.algorithms")})


def algorithm_folder(name: str) -> Path:
    """The folder of an installed algorithm, shaped like any submission. Imports its package alone.

    Raises: UnknownName, AmbiguousName, BrokenPackage.
    """
    entry = _only("algorithm", name, "mlgolf.algorithms")
    return Path(str(of_package(entry, lambda: files(entry.module))))


def plugin_folders() -> set[str]:
    """Where the packages lie that offer workloads or algorithms. Imports none of their code."""
    groups = ("mlgolf.workloads", "mlgolf.algorithms")
    packages = {entry.module.partition(".")[0] for g in groups for entry in entry_points(group=g)}
    specs = (find_spec(package) for package in packages)
    return {place for s in specs if s for place in s.submodule_search_locations or ()}


def _only(kind: str, name: str, group: str) -> EntryPoint:
    match tuple(entry_points(group=group, name=name)):
        case (entry,):
            return entry
        case ():
            known = {entry.name for entry in entry_points(group=group)}
            raise UnknownName(kind, name, known=known, remedy=REMEDIES[kind])
        case rivals:
            raise AmbiguousName(kind, name, offered_by=[r.dist.name for r in rivals if r.dist])
