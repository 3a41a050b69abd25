"""Whether a submission acts on the methods of an ablation: asked before anything is trained.

Only its code knows on which methods it acts (`from_point(point, workload, serves)`). So the
combinations with the most methods are taken to where their training would begin, in a sandbox. What
shows only at the first batch, such as a method for images on text, is told by the trials.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from mlgolf.analysis.ablation.designs import Design, Term
from mlgolf.analysis.ablation.experiment import name_of
from mlgolf.core.competition import Competition
from mlgolf.core.errors import MethodError
from mlgolf.core.hardware import load_hardware
from mlgolf.core.messages import Assignment
from mlgolf.core.rules import WorkloadRules
from mlgolf.core.target import Target
from mlgolf.experiments.ablations import some_points
from mlgolf.referee.freeze import SEARCH_SPACE, find_submission
from mlgolf.referee.inspection import Beginning
from mlgolf.tuning.space import read_search_space


def check_that_methods_act(
    submission: str, folders: Sequence[Path], design: Design, competition: Competition,
    framework: str, hide: Sequence[Path] = (),
) -> None:
    """Args:
      submission: for errors. folders: of all combinations. hide: what it must not see.
    Raises: MethodError for methods on which it does not act, or that need what a workload has not.
    """
    by_name = {folder.name: folder for folder in folders}
    hardware = load_hardware(competition.rules.hardware)
    for cell in _largest(design):
        begun = {
            name: Beginning(assignment, hardware, hide) for name, assignment in
            _assignments(by_name[name_of(cell)], competition, framework, hardware.threads)
        }
        refused = {name: one.refused_methods() for name, one in begun.items()}
        for name, said in refused.items():
            if said:
                raise MethodError(
                    f"{submission} with {name_of(cell)} on {name}: {said} Nothing was trained"
                )


def _largest(design: Design) -> Iterator[Term]:
    """As few combinations as show every method."""
    shown: set[str] = set()
    for cell in sorted(design.cells, key=len, reverse=True):
        if not shown.issuperset(cell):
            shown |= {*cell}
            yield cell


def _assignments(
    folder: Path, competition: Competition, framework: str, threads: int
) -> Iterator[tuple[str, Assignment]]:
    """By workload, at the first point."""
    point = some_points(read_search_space(folder / SEARCH_SPACE))[0]
    for name, row in competition.workloads.items():
        workload, size = competition.played_as(name)
        yield name, Assignment(
            submission_file=str(find_submission(str(folder), framework).file),
            framework=framework, workload=workload, size=size,
            objective=competition.rules.objective,
            asked={target.metric: asdict(target) for target in _asked(competition, row)},
            workload_rules=row.model_dump(mode="json"), hyperparameters=point, seed=0,
            train_folder="", threads=threads,
        )


def _asked(competition: Competition, row: WorkloadRules) -> Iterator[Target]:
    bounds = competition.rules.targets(row, budget_factor=1.0, speed=1.0)
    yield from bounds
    for name in {"validation_metric", "test_metric"} - {target.metric for target in bounds}:
        if (target := competition.rules.asked(name, row)) is not None:
            yield target
