"""The trained model of a recorded trial: as it was kept, or trained again under its seed.

A run keeps the hashes of its models, and a model itself only where its rules say `keep_model`.
Training is deterministic, so a repetition gives the same bytes; the hash tells whether it did.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from mlgolf.core.errors import RunFolderError
from mlgolf.core.protocols import Play
from mlgolf.experiments.replay import RecordedTrial, plan_again
from mlgolf.referee.trial import play_trial
from mlgolf.results.trial_folder import MODEL


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    file: Path  # named arrays, as the contestant handed them over
    step: int
    sha256: str
    counts: bool  # whether it is the model that is scored; else it is the last
    was_kept: bool  # by the run; else it was trained again
    is_recorded: bool  # byte for byte the one that the run recorded


def trained_model(of: RecordedTrial, scratch: str, play: Play = play_trial) -> TrainedModel:
    """The model that is scored, or the last one where none is.

    Args: scratch: a folder in which it may be trained again. play: plays the plan of that.
    Raises: RunFolderError if the repetition ends before it.
    """
    recorded = [str(row.get("model_sha256", "")) for row in of.rows]
    kept = of.path / MODEL
    found = sha256(kept.read_bytes()).hexdigest() if kept.exists() else ""
    if found in recorded:
        step = int(of.trial.steps[recorded.index(found)])
        return TrainedModel(
            file=kept, step=step, sha256=found, counts=True, was_kept=True, is_recorded=True
        )
    counted = of.row_that_counts
    row = len(of.rows) - 1 if counted is None else counted
    step = int(of.trial.steps[row])
    plan = plan_again(of, scratch, until=step)
    again = play(plan)
    file = plan.folder / MODEL
    if not file.exists():
        raise RunFolderError(
            f"{of.path}: it was trained again to have its model of step {step}, and ended before "
            f"that as {again.status}: {again.reason}"
        )
    found = sha256(file.read_bytes()).hexdigest()
    return TrainedModel(
        file=file, step=step, sha256=found, counts=counted is not None, was_kept=False,
        is_recorded=found == recorded[row],
    )
