"""An ablation: a submission once for each combination of methods, all tuned alike, in one run.

A combination is a copy of the submission's folder whose search space lists just its methods. All
else of the space stays as it is, and the points of a run depend on its seed and the number of
dimensions alone, so every combination is tried with the same number of trials at the same points.
"""

import ast
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlgolf.analysis.ablation.designs import Design, fractional_design, full_design
from mlgolf.analysis.ablation.experiment import NONE, name_of
from mlgolf.core.errors import MethodError, ScoringError, SearchSpaceError, SubmissionError
from mlgolf.methods import compose, from_point
from mlgolf.methods.composition import NAMES
from mlgolf.referee.freeze import SEARCH_SPACE, Source, find_submission
from mlgolf.results.files import scratch_folder
from mlgolf.tuning.space import Box, SearchSpace, parse_search_space, read_search_space


def chosen_design(methods: Sequence[str], resolution: int | None) -> Design:
    """All combinations, or the smallest fraction of a resolution. None: all of them.

    Raises: ScoringError, UnknownName; MethodError for methods that exclude one another.
    """
    compose(*methods)  # says what does not go together
    return full_design(methods) if resolution is None else fractional_design(methods, resolution)


@contextmanager
def variants(
    submission: str, framework: str, design: Design, search_space: Path | None = None
) -> Iterator[list[Path]]:
    """The folders of all combinations, called by their methods. They go with the block.

    Args: search_space: None for the submission's own.
    Raises: MLGolfError for a submission that cannot be told its methods.
    """
    source = find_submission(submission, framework)
    _check_that_it_reads_methods(source)
    file = _space_of(source) if search_space is None else search_space
    read_search_space(file)  # says what is wrong with it
    space = json.loads(file.read_text(encoding="utf-8"))
    for cell in design.cells:
        _check_points(file, with_methods(space, cell))
    with scratch_folder("ablation") as scratch:
        yield [_copy(source, scratch, with_methods(space, cell), cell) for cell in design.cells]


def with_methods(space: Any, methods: Sequence[str]) -> Any:
    """A search space, as JSON, of which every point lists these methods.

    Points of a list that differed in their methods alone become one.
    """
    names = [*methods]
    if isinstance(space, dict):
        return {**space, NAMES: {"feasible_points": [names]}}
    entries: list[Any] = []
    for entry in space:
        changed = {**entry, NAMES: names}
        if changed not in entries:
            entries.append(changed)
    return entries


def _check_that_it_reads_methods(source: Source) -> None:
    files = sorted(source.file.parent.rglob("*.py")) if source.is_folder else [source.file]
    if not any(_uses_from_point(file) for file in files):
        raise SubmissionError(
            f"{source.file}: found no mlgolf.methods.from_point, so this submission cannot be told "
            "which methods to use. Read them from its point: methods = from_point(point, "
            "workload), as docs/methods.md shows"
        )


def _uses_from_point(file: Path) -> bool:
    """Its code is read, and not run. What is wrong with it is said when it is played."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return False
    return any(
        (isinstance(node, ast.Attribute) and node.attr == from_point.__name__)
        or (isinstance(node, ast.Name) and node.id == from_point.__name__)
        for node in ast.walk(tree)
    )


def _space_of(source: Source) -> Path:
    if source.search_space is None:
        raise SearchSpaceError(
            f"{source.file}: found no {SEARCH_SPACE} beside it, and an ablation tunes every "
            "combination. Make the submission a folder that has one; a list of one point will do"
        )
    return source.search_space


def _check_points(file: Path, space: Any) -> None:
    """Raises: MethodError for knobs of the space that methods do not have; SearchSpaceError."""
    for point in some_points(parse_search_space(space, source=str(file))):
        try:
            from_point(point)
        except MethodError as error:
            raise MethodError(f"{file}: {error}") from None


def some_points(space: SearchSpace) -> list[dict[str, Any]]:
    """All points of a list, the middle of a box."""
    if isinstance(space, Box):
        return [space.at([0.5] * len(space.dimensions))]
    return space.first(len(space))


def _copy(source: Source, scratch: Path, space: Any, cell: Sequence[str]) -> Path:
    """Raises: SubmissionError for one that is a single module."""
    if not source.is_folder:
        raise SubmissionError(
            f"{source.file} is a single module; each combination has a search space of its own, "
            f"so put it into a folder as submission.py, with a {SEARCH_SPACE}"
        )
    folder = scratch / name_of(cell)
    shutil.copytree(
        source.file.parent, folder, ignore=shutil.ignore_patterns("__pycache__", ".*")
    )
    (folder / SEARCH_SPACE).write_text(json.dumps(space, indent=1) + "\n", encoding="utf-8")
    return folder


def parse_methods(text: str) -> tuple[str, ...]:
    """ "colout,ema" as names. Raises: ScoringError."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if not names or NONE in names:
        raise ScoringError(
            f"--methods: found {text!r}; give names of mlgolf.methods: colout,ema. The combination "
            "without any is always played"
        )
    return names
