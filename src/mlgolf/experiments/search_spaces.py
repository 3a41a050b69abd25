"""Where the points of each submission come from: its file, or the module itself, looked over.

A module is looked over in a sandbox like every line of a contestant's, all modules at once.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from mlgolf.core.errors import SubmissionError
from mlgolf.core.records import SandboxLevel
from mlgolf.experiments.requests import RunRequest
from mlgolf.referee.freeze import Source, freeze
from mlgolf.referee.inspection import Inspection
from mlgolf.results.files import scratch_folder
from mlgolf.tuning.quasirandom import points
from mlgolf.tuning.space import SearchSpace, parse_search_space, read_search_space


def search_spaces(
    request: RunRequest, sources: list[Source], speed: float, level: SandboxLevel
) -> dict[str, SearchSpace | None]:
    """By submission; None in self-tuning, where no point is given.

    Args:
      speed: of this machine, against the reference machine of its class.
      level: of the run's sandbox.
    Raises: SearchSpaceError; SubmissionError for a module that cannot be played.
    """
    in_files = _read_files(request, sources)
    described = _look_over(request, sources, speed, level)
    if request.ruleset == "self":
        return dict.fromkeys(described)
    return {
        source.name: in_files[source.name] if source.name in in_files
        else _own_space(source, described[source.name])
        for source in sources
    }


def shortfalls(spaces: Mapping[str, SearchSpace | None], trials: int) -> Iterator[str]:
    """A sentence for each space that has fewer points than there are trials, and whose it is."""
    lacking: dict[str, list[str]] = {}
    for name, space in spaces.items():
        if space is not None and (said := space.shortfall(trials)):
            lacking.setdefault(said, []).append(name)
    for said, names in lacking.items():
        yield f"{', '.join(names)}: {said}"


def single_points(
    spaces: Mapping[str, SearchSpace | None], trials: int
) -> Iterator[str]:
    """A sentence if submissions have one point alone, so that tuning at one budget chooses none."""
    alone = [
        name for name, space in spaces.items()
        if space is not None and len(points(space, trials, seed=0)) == 1
    ]
    if alone:
        yield f"{', '.join(alone)}: there is one point, so --tune-at chooses nothing"


def _read_files(request: RunRequest, sources: list[Source]) -> dict[str, SearchSpace]:
    if request.ruleset == "self":
        return {}
    return {s.name: read_search_space(s.search_space) for s in sources if s.search_space}


def _look_over(
    request: RunRequest, sources: list[Source], speed: float, level: SandboxLevel
) -> dict[str, Any]:
    """What each module declares. Raises: SubmissionError, once all have been stopped."""
    with scratch_folder("inspection") as scratch:
        inspections = {
            source.name: Inspection(
                freeze(source, scratch / source.name), request.framework, request.ruleset,
                request.hardware, [request.data_dir.resolve()], speed,
                request.competition.rules.contracts,
                "process" if level == "none" else level,
            )
            for source in sources
        }
        outcomes = {name: _outcome(inspection) for name, inspection in inspections.items()}
    for outcome in outcomes.values():
        if isinstance(outcome, Exception):
            raise outcome
    return outcomes


def _outcome(inspection: Inspection) -> Any:
    try:
        return inspection.search_space()
    except SubmissionError as error:
        return error


def _own_space(source: Source, declared: Any) -> SearchSpace:
    if declared is None:
        raise SubmissionError(
            f"{source.name}: external tuning needs a search space. Put a "
            "tuning_search_space.json beside its submission module, give from_optimizer a "
            "search_space, or run it with --tuning self."
        )
    return parse_search_space(declared, source=f"{source.file.name}: search_space")
