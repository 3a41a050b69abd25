"""A host's own evaluation of a run: what its `evaluation.py` says. It counts for nothing."""

from os import PathLike
from pathlib import Path

from mlgolf.api.rounds import check_that_it_was_played, folder_of
from mlgolf.core.disk import disk_errors_told
from mlgolf.core.errors import RulesError
from mlgolf.core.records import SandboxLevel
from mlgolf.golf.evaluation_child import FILE
from mlgolf.golf.own_evaluation import ALLOWED, OwnEvaluation, evaluated
from mlgolf.golf.script_sandbox import SECONDS
from mlgolf.referee.levels import check_level, default_level
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.run_names import latest_run

AnyPath = str | PathLike[str]


@disk_errors_told()
def evaluate(
    run: AnyPath | None = None, *, competition: AnyPath = "", sandbox: SandboxLevel | None = None,
    seconds: float = SECONDS,
) -> list[OwnEvaluation]:
    """Run a competition's `evaluation.py` on a run, once for each of its submissions.

    Args:
      run: the latest if None.
      competition: its folder, or its name. If empty it is the one that was played, where it ships
        and has not changed.
      sandbox: "bubblewrap" for anybody's script, "process" for your own; None for the strongest
        that this machine gives.
      seconds: the most that the script may take for a submission.
    Returns: values, or why there are none. A script that fails raises nothing.
    Raises: RulesError where there is no such script, or the run was played under other rules;
      SandboxError for a level that this machine does not give.
    """
    folder = RunFolder(Path(run) if run is not None else latest_run())
    if competition:
        check_that_it_was_played(folder, str(competition))
    place = folder_of(str(competition), folder.competition)
    if place is None or not (place / FILE).is_file():
        where = f"{place} has no {FILE}" if place else f"nobody said where {FILE} lies"
        raise RulesError(
            f"{where}: give the competition's folder by --competition, and write {FILE} there. "
            f"{ALLOWED}"
        )
    level = sandbox or default_level()
    check_level(level)
    return evaluated(folder, place, level=level, seconds=seconds)
