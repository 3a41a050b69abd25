"""One planned trial, played where its run and its data have been copied to."""

from dataclasses import replace

from mlgolf.core.errors import DataError
from mlgolf.core.hardware import load_hardware
from mlgolf.core.plan import TrialPlan
from mlgolf.core.protocols import Play
from mlgolf.core.trial import Trial
from mlgolf.data import checksums, held_out
from mlgolf.referee.calibration import calibrate
from mlgolf.referee.cores import taken_cores
from mlgolf.referee.fork_server import fork_server_for
from mlgolf.referee.levels import check_level
from mlgolf.referee.players import large_folders
from mlgolf.referee.trial import play_trial
from mlgolf.results.trial_folder import is_finished, read_trial


def play_plan(plan: TrialPlan, play: Play = play_trial) -> Trial:
    """The trial of a plan; one that has ended for good is not played again.

    Cores and speed are those of this machine.
    Raises: TrialTaken if somebody else plays it; RunFolderError, DataError, SubmissionError if the
      plan, its data or its code are not there, or not what they were when it was made.
    """
    if is_finished(plan.folder):
        return read_trial(plan.folder)
    _check_data(plan)
    hardware = load_hardware(plan.rules.hardware)
    check_level(plan.sandbox)
    # It imports the framework meanwhile.
    fork_server_for(plan.key.framework, hardware, plan.sandbox, large_folders(plan))
    with taken_cores(hardware) as cores:
        calibration = calibrate(hardware, cores.numbers)
    return play(replace(plan, calibration=calibration))


def _check_data(plan: TrialPlan) -> None:
    remedy = f"copy {plan.data_folder.relative_to(plan.data_dir)} from where the run was planned"
    if plan.data_folder.exists():
        held_out.keep(plan.data_folder)
    checksums.verify(plan.data_folder, remedy=remedy)
    if checksums.fingerprint(plan.data_folder, remedy=remedy) != plan.data_sha256:
        raise DataError(
            f"{plan.data_folder}: these are not the data that the run was planned with; {remedy}"
        )
