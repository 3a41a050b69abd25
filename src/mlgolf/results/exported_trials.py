"""Trials as other trackers want them: parameters, facts, and a value of each metric at each step.

Only the trackers' own libraries write: MLflow into a database of its own kind, TensorBoard into
event files. What was exported before is left as it is.
"""

import logging
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from mlgolf.core.competition import Competition
from mlgolf.core.errors import FrameworkMissing, RunFolderError
from mlgolf.core.quantities import JOULES
from mlgolf.core.status import Status
from mlgolf.core.trial import Trial

# Of runs that did not write down when they began. Not 1970-01-01: MLflow takes 0 for now.
EPOCH = datetime(1970, 1, 2, tzinfo=UTC)
SAME = "mlgolf.trial"  # the tag that a trial is found by
DATABASE, ARTIFACTS = "mlflow.db", "artifacts"
MOST_METRICS, MOST_PARAMS, MOST_TEXT = 1000, 100, 5000  # of one call of MLflow
ENDS = {  # in MLflow's words
    Status.TARGET_REACHED: "FINISHED", Status.FINISHED: "FINISHED", Status.OUT_OF_TIME: "FINISHED",
    Status.KILLED: "KILLED", Status.INTERRUPTED: "KILLED",
}  # fmt: skip


class Point(NamedTuple):
    name: str
    value: float
    step: int
    seconds: float  # since 1970: when its run was begun, and the trial's wall time since its start


@dataclass(frozen=True, kw_only=True)
class ExportedTrial:
    run: str  # what its run is called there
    trial: Trial
    competition: Competition

    @property
    def key(self) -> str:
        return str(self.trial.key)

    @property
    def begun(self) -> float:
        return (self.trial.received or EPOCH).timestamp()

    @property
    def ended(self) -> float:
        total = self.trial.verdict.total if self.trial.verdict else None
        last = float(self.trial.wall_seconds[-1]) if len(self.trial.wall_seconds) else 0.0
        wall = total.wall if total else last
        return self.begun + (wall if math.isfinite(wall) else 0.0)

    @property
    def parameters(self) -> dict[str, str]:
        """Hyperparameters under their names, and what else was chosen before it began."""
        key, row = self.trial.key, self.competition.workloads.get(self.trial.key.workload)
        return {
            "submission": key.submission, "workload": key.workload, "framework": key.framework,
            "study": str(key.study), "trial": str(key.trial), "seed": str(self.trial.seed),
            "competition": self.competition.name, "metric": row.metric if row else "",
            **{name: str(value)[:MOST_TEXT] for name, value in self.trial.hyperparameters.items()},
        }  # fmt: skip

    @property
    def facts(self) -> dict[str, str]:
        trial, verdict = self.trial, self.trial.verdict
        told = {
            "mlgolf.status": trial.status.value if trial.status else "UNFINISHED",
            "mlgolf.reason": trial.reason, "mlgolf.unofficial": trial.unofficial,
            "mlgolf.disturbed": trial.disturbed,
            "mlgolf.run": self.run, "mlgolf.version": trial.facts.mlgolf_version,
            "mlgolf.code_sha256": trial.facts.submission_sha256,
            "mlgolf.machine": str(trial.facts.machine.get("processor", "")),
            **{f"mlgolf.versions.{name}": version
               for name, version in (verdict.versions if verdict else {}).items()},
        }  # fmt: skip
        return {name: value[:MOST_TEXT] for name, value in told.items() if value}

    def points(self) -> Iterator[Point]:
        """Every finite value of every metric and clock, in the order of steps."""
        trial = self.trial
        columns: Mapping[str, Any] = {
            **trial.metrics, "seconds": trial.seconds, "cpu_seconds": trial.cpu_seconds,
            "wall_seconds": trial.wall_seconds,
            **({} if trial.joules is None else {JOULES: trial.joules}),
        }  # fmt: skip
        for at, step in enumerate(trial.steps.tolist()):
            wall = float(trial.wall_seconds[at])
            moment = self.begun + (wall if math.isfinite(wall) else 0.0)
            for name, values in columns.items():
                value = float(values[at])
                if math.isfinite(value):
                    yield Point(name, value, step, moment)


def to_mlflow(trials: Iterator[ExportedTrial], folder: Path) -> tuple[int, int]:
    """Into `mlflow.db` of the folder: an experiment for each run, a run of MLflow for each trial.

    Returns: how many were written, and how many were there before.
    Raises: FrameworkMissing; RunFolderError where MLflow refuses.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nobody asked for a report of this
    try:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        raise FrameworkMissing("mlflow") from None
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    written = kept = 0
    try:
        client = MlflowClient(tracking_uri=f"sqlite:///{folder.absolute() / DATABASE}")
        there: dict[str, tuple[str, set[str]]] = {}  # of runs: experiment, and keys of trials
        for exported in trials:
            name = exported.run
            if name not in there:
                there[name] = _experiment(client, name, folder)
            experiment, before = there[name]
            if exported.key in before:
                kept += 1
                continue
            _write_to_mlflow(client, experiment, exported)
            written += 1
    except (MlflowException, SQLAlchemyError) as error:
        said = str(error).splitlines()[0]
        raise RunFolderError(f"{folder / DATABASE}: MLflow says: {said}") from None
    return written, kept


def _experiment(client: Any, name: str, folder: Path) -> tuple[str, set[str]]:
    """Its number, and the trials that it has."""
    found = client.get_experiment_by_name(name)
    if found is None:
        place = (folder / ARTIFACTS).absolute().as_uri()
        return client.create_experiment(name, artifact_location=place), set()
    keys: set[str] = set()
    token = None
    while True:
        page = client.search_runs([found.experiment_id], max_results=1000, page_token=token)
        keys |= {run.data.tags.get(SAME, "") for run in page if run.info.status != "RUNNING"}
        if not (token := page.token):
            return found.experiment_id, keys


def _write_to_mlflow(client: Any, experiment: str, exported: ExportedTrial) -> None:
    """What a kill leaves behind is RUNNING, and has no tag, so it is written once more."""
    from mlflow.entities import Metric, Param, RunTag

    run = client.create_run(
        experiment, run_name=exported.key, start_time=round(1e3 * exported.begun),
        tags=exported.facts,
    ).info.run_id
    params = [Param(name, value) for name, value in exported.parameters.items() if value]
    for at in range(0, len(params), MOST_PARAMS):
        client.log_batch(run, params=params[at : at + MOST_PARAMS])
    points = [
        Metric(point.name, point.value, round(1e3 * point.seconds), point.step)
        for point in exported.points()
    ]
    for at in range(0, len(points), MOST_METRICS):
        client.log_batch(run, metrics=points[at : at + MOST_METRICS])
    client.log_batch(run, tags=[RunTag(SAME, exported.key)])
    ended = exported.trial.status
    status = "FAILED" if ended is None else ENDS.get(ended, "FAILED")
    client.set_terminated(run, status, round(1e3 * exported.ended))


def to_tensorboard(trials: Iterator[ExportedTrial], folder: Path) -> tuple[int, int]:
    """Event files below the folder, in RUN/SUBMISSION/study_0/WORKLOAD_FRAMEWORK/trial_1.

    Scalars have single precision there. Returns: as `to_mlflow`. Raises: FrameworkMissing.
    """
    try:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        raise FrameworkMissing("tensorboard") from None
    # protobuf makes these classes when it is imported
    Event, Summary = (getattr(event_pb2, "Event"), getattr(summary_pb2, "Summary"))  # noqa: B009
    written = kept = 0
    for exported in trials:
        place = folder / exported.run / exported.key
        if any(place.glob("events.out.tfevents.*")):
            kept += 1
            continue
        place.mkdir(parents=True, exist_ok=True)
        writer = EventFileWriter(str(place))
        chosen = {name: _plain(value) for name, value in exported.trial.hyperparameters.items()}
        chosen |= {"submission": exported.trial.key.submission, "seed": exported.trial.seed}
        name = f"{exported.run}/{exported.key}"
        summary = hparams_pb(chosen, trial_id=name, start_time_secs=exported.begun)
        writer.add_event(Event(
            wall_time=exported.begun, summary=Summary.FromString(summary.SerializeToString())
        ))  # fmt: skip
        for point in exported.points():
            value = Summary.Value(tag=point.name, simple_value=point.value)
            writer.add_event(Event(
                wall_time=point.seconds, step=point.step, summary=Summary(value=[value])
            ))  # fmt: skip
        writer.close()
        written += 1
    return written, kept


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else str(value)
