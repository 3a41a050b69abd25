"""A plan on disk: a trial that can be played wherever its run and its data lie.

Its paths are relative to the run and to the folder of data, and the rules are those of the run.
"""

from pathlib import Path

from mlgolf.core.errors import RunFolderError
from mlgolf.core.plan import TrialPlan
from mlgolf.core.records import PlanRecord
from mlgolf.results.places import run_above
from mlgolf.results.record_files import read_record, write_record
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_folder import PLAN


def write_plan(plan: TrialPlan) -> Path:
    """Into the folder of its trial. Returns: the file."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    record = PlanRecord(
        key=plan.key,
        seed=plan.seed,
        hyperparameters=None if plan.hyperparameters is None else dict(plan.hyperparameters),
        submission_sha256=plan.submission_sha256,
        package_sha256=plan.package_sha256,
        data=plan.data_folder.relative_to(plan.data_dir).as_posix(),
        data_sha256=plan.data_sha256,
        held_out=plan.held_out,
        noise_key=plan.noise_key,
        sandbox=plan.sandbox,
        unofficial=plan.unofficial,
    )
    write_record(plan.folder / PLAN, record)
    return plan.folder / PLAN


def read_plan(path: Path, data_dir: Path) -> TrialPlan:
    """The plan for this place; how fast the machine is, nobody has measured yet.

    Args: data_dir: where the data of the run lie here.
    Raises: RunFolderError for what is no plan inside its run.
    """
    path, data_dir = path.resolve(), data_dir.resolve()
    above = run_above(path)
    if above is None or path.name != PLAN or not path.is_file():
        raise RunFolderError(
            f"{path}: expected a {PLAN} inside its run, as mlgolf run --plan-only writes it"
        )
    record, run = read_record(path, PlanRecord), RunFolder(above)
    if run.trial_path(record.key) != path.parent:
        raise RunFolderError(
            f"{path}: it is the plan of {record.key}, and lies in the folder of another trial"
        )
    return run.plan(
        record.key,
        submission_sha256=record.submission_sha256,
        package_sha256=record.package_sha256,
        calibration=None,
        hyperparameters=record.hyperparameters,
        seed=record.seed,
        data_folder=data_dir / record.data,
        data_dir=data_dir,
        data_sha256=record.data_sha256,
        held_out=record.held_out,
        noise_key=record.noise_key,
        sandbox=record.sandbox,
        unofficial=record.unofficial,
    )
