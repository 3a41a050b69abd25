"""A new run, or one that goes on: after kill -9, a full disk, or on another day.

What has ended is kept: `Run.waiting` has the rest. A trial that was cut short is repeated under its
seed, and its rows move aside (`results/trial_folder.py`).
"""

from datetime import datetime

from mlgolf.core.records import RunRecord, SandboxLevel
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.run_data import RunData, new_data, recorded_data
from mlgolf.referee.levels import check_level, default_level
from mlgolf.results.run_folder import RunFolder, RunLock, create_run, reopen_run

# What has to be the same. The package may be another: each trial records its own.
_SAME = (
    "competition", "data", "framework", "held_out", "ruleset", "sandbox", "submissions",
    "unofficial",
)
_SAME_IF_RECORDED = ("hardware",)  # runs of earlier schemas name the class alone
_SAME_IF_SAID = ("seed", "studies", "trials")  # else as recorded


def run_data(request: RunRequest) -> RunData:
    """The data that a run was begun with, or a new draw of them."""
    if request.resume:
        files = request.competition.folder
        return recorded_data(RunFolder(request.out), request.data_dir, files)
    return new_data(
        request.competition, request.data_dir, seed=request.seed, practice=request.practice
    )


def begun(request: RunRequest) -> datetime | None:
    """When a run was begun, or begins; None for one that did not write it down."""
    return RunFolder(request.out).record.begun if request.resume else request.now


def sandbox_level(request: RunRequest) -> SandboxLevel:
    """That of the run: what was asked for, what it was begun with, the strongest to be had.

    Raises: SandboxError for one that this machine does not give.
    """
    begun_with = RunFolder(request.out).record.sandbox if request.resume else default_level()
    level = request.sandbox or begun_with
    check_level(level)
    return level


def run_folder(request: RunRequest, record: RunRecord) -> tuple[RunFolder, RunLock]:
    """The folder of the run, locked. Raises: RunFolderError for one that was begun otherwise."""
    if request.resume:
        begun = RunFolder(request.out).record
        said = [name for name in _SAME_IF_SAID if getattr(request, name) is not None]
        recorded = [name for name in _SAME_IF_RECORDED if getattr(begun, name) is not None]
        asked = {name: getattr(record, name) for name in (*_SAME, *said, *recorded)}
        folder = reopen_run(request.out, asked)
        return folder, folder.lock()
    return create_run(request.out, record)
