"""From a trial of a run to what is checked: its model as ONNX, reference outputs and data."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgolf.core.hardware import load_hardware
from mlgolf.core.plan import TrialPlan
from mlgolf.core.protocols import Play
from mlgolf.core.status import Status
from mlgolf.core.text import number_of
from mlgolf.core.trial import Trial
from mlgolf.deployment.asking import ask
from mlgolf.deployment.exporting import DATA, MODEL, REFERENCE, check_exporter
from mlgolf.experiments.replay import RecordedTrial, recorded_trial, scratch_folder
from mlgolf.experiments.run_data import run_has_ended
from mlgolf.experiments.trained import TrainedModel, trained_model

PARAMETERS = "model.safetensors"
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Files in a folder, and where they come from."""

    folder: Path
    trial: str
    status: Status | None  # how the trial ended; None if it has not
    step: int
    model_sha256: str
    trained_again: bool
    is_recorded: bool  # byte for byte the model that the run recorded
    split: str  # that the data are of
    examples: int
    any_batch: bool  # whether the file takes any batch size
    notes: tuple[str, ...]

    @property
    def model(self) -> Path:
        return self.folder / MODEL

    @property
    def reference(self) -> Path:
        return self.folder / REFERENCE

    @property
    def data(self) -> Path:
        return self.folder / DATA

    def as_json(self) -> dict[str, Any]:
        return {
            "trial": self.trial, "status": self.status, "step": self.step,
            "model_sha256": self.model_sha256, "trained_again": self.trained_again,
            "is_recorded": self.is_recorded, "split": self.split, "examples": self.examples,
            "any_batch": self.any_batch,
        }  # fmt: skip


def export_trial(
    path: Path, folder: Path, *, data_dir: Path, files: Path | None, examples: int,
    batch_size: int, play: Play, tell: Tell,
) -> Export:
    """Args:
      path: of the trial, inside its run. folder: for the files; it is made.
      files: as of `recorded_data`. examples: at most so many.
      batch_size: of the model, where it can have one only.
      play: trains it again, where its run kept no model.
    Raises: MLGolfError for what is no trial, has no model, or cannot be exported.
    """

    def play_again(plan: TrialPlan) -> Trial:
        tell(f"the run kept no model of {plan.key}: training it again")
        return play(plan)

    with (
        recorded_trial(path, data_dir, files, command="deploy") as of,
        scratch_folder() as scratch,
    ):
        played, _ = of.data.rows[of.trial.key.workload]
        if not played.brings_model:
            check_exporter(of.trial.key.framework)
        model = trained_model(of, scratch, play_again)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(model.file, folder / PARAMETERS)
        key, competition = of.trial.key, of.run.competition
        workload, size = competition.played_as(key.workload)
        split, secret = _split(of)
        tell(f"exporting {key}")
        told = ask(
            "export", workload=workload, size=size, framework=key.framework,
            definition=competition.workloads[key.workload].definition, split=split,
            data_folder=of.data.folder(key.workload), model=folder / PARAMETERS, to=folder,
            examples=examples, batch_size=batch_size,
            threads=load_hardware(competition.rules.hardware).threads,
        )
        return Export(
            folder=folder, trial=str(key), status=of.trial.status, step=model.step,
            model_sha256=model.sha256, trained_again=not model.was_kept,
            is_recorded=model.is_recorded, split=split, examples=told["examples"],
            any_batch=told["any_batch"],
            notes=tuple(_notes(of, model, split, secret, told, batch_size)),
        )


def _split(of: RecordedTrial) -> tuple[str, bool]:
    """Which data are taken, and whether others are to stay secret."""
    workload, size = of.data.rows[of.trial.key.workload]
    has_validation = "validation" in workload.size(size).splits
    secret = of.data.kind(of.trial.key.workload) == "secret" and not run_has_ended(of.run)
    return "validation" if has_validation and not secret else "train", secret


def _notes(
    of: RecordedTrial, model: TrainedModel, split: str, secret: bool, told: Mapping[str, Any],
    batch_size: int,
) -> Iterator[str]:
    trial = of.trial
    if model.was_kept:
        how = "as the run kept it"
    elif model.is_recorded:
        how = "trained again: byte for byte the model that the run recorded"
    else:
        how = (
            "trained again, and not byte for byte the model that the run recorded: another "
            "processor, or a submission that is not deterministic. mlgolf replay says how far "
            "they differ"
        )
    yield f"the model is that of step {model.step} of {trial.key}, {how}"
    ended = f"ended as {trial.status} ({trial.reason})" if trial.status else "has not ended"
    if not model.counts:
        yield f"no model of this trial counts by its rules: it {ended}. This is its last one"
    elif trial.status not in (Status.TARGET_REACHED, Status.FINISHED):
        yield f"the trial {ended}; this is the model that counts"
    yield f"the data are {number_of(told['examples'], 'example')} of its {split} split"
    if secret:
        yield (
            "the run has not ended, so its held-out data stay secret: what is said of quality is "
            "of training examples"
        )
    if not told["has_targets"]:
        yield "targets do not fit the outputs one by one, so quality is not compared"
    if not told["any_batch"]:
        yield f"the exporter could fix one batch size only, {batch_size}: the budget's batch_size"
