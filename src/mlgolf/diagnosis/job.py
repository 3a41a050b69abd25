"""What is measured of a workload: the parts of a training step, each callable by itself."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from mlgolf.analysis.diagnosis.operation_times import OperationTimes
from mlgolf.analysis.diagnosis.roofline import Operation
from mlgolf.backends import load_backend
from mlgolf.core.arrays import Batch
from mlgolf.core.competition import load_competition
from mlgolf.core.errors import DiagnosisError
from mlgolf.core.registry import load_workload
from mlgolf.core.rules import WorkloadRules
from mlgolf.core.target import Goal
from mlgolf.core.workload import Size, Workload
from mlgolf.data import layout
from mlgolf.player.harness import Start, prepare
from mlgolf.player.submission import Submission, asked_batch_size, load_submission
from mlgolf.player.workload import WorkloadFacade
from mlgolf.referee.freeze import find_submission

STEP_HINT = 1000  # where no competition gives one: schedules only need a length
SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """Names and numbers that build the same job in another process."""

    workload: str
    size: str
    framework: str
    submission: str
    data_dir: str
    batch_size: int | None = None  # None: the one that the submission asks for, scaled
    threads: int = 0  # 0: as many as there are cores

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """Seconds of a step, split without a rest."""

    forward: float  # data selection and all else that is neither of the others
    backward: float
    optimizer: float  # the update, behind the last backward pass


class Job(Protocol):
    """One submission on one workload. Each call is one step, or a part of one, and no more."""

    device: str

    def place(self, batch: Batch) -> Any:
        """The batch on the device."""
        ...

    def step(self, batches: Iterator[Any]) -> None:
        """A whole training step, data selection included, on batches that are on the device."""
        ...

    def phases(self, batches: Iterator[Any], clock: Callable[[], float]) -> Phases | None:
        """A whole training step; None where it cannot be split from within."""
        ...

    def forward(self, batch: Any) -> None:
        """The mean loss, kept ready to be differentiated where the framework does so."""
        ...

    def forward_backward(self, batch: Any) -> None: ...

    def synchronize(self) -> None:
        """Return once everything that was asked for has been computed."""
        ...

    def operations(self, batch: Any) -> list[Operation] | None:
        """Those of a step but its update; None where the framework does not say."""
        ...

    def operation_times(self, batch: Any) -> OperationTimes | None:
        """Of a step but its update, by class; None where the framework has no such profile."""
        ...

    def gradient_bytes(self) -> float:
        """Of one step: of all parameters that are trained."""
        ...

    def use_threads(self, threads: int) -> bool:
        """Returns: whether this process can still change them."""
        ...

    def peak_memory(self) -> float:
        """Bytes in use at most so far: of the device, or of this process."""
        ...

    def memory_apart(self) -> float:
        """Bytes in use now that no limit counts: a process has a framework, a device has not.

        Parameters, gradients and the optimizer's state are not among them: a limit counts those.
        """
        ...

    def available_memory(self) -> float:
        """Bytes that a step may take where it runs."""
        ...

    def limit_memory(self, limit: float) -> None:
        """From here on allocations beyond so many bytes fail, where that can be asked for.

        What is apart does not count; what is kept already does.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a job is made of, in either framework."""

    workload: Workload
    size: Size
    start: Start
    submission: Submission
    optimizer_state: Any  # the first
    asked: Mapping[str, float]  # of the network and its loss, by the submission in its last step

    def step(
        self, params: Any, model_state: Any, optimizer_state: Any, batches: Iterator[Any],
        step: int,
    ) -> Any:
        """(optimizer_state, params, model_state) after the submission's own step, as a trial's."""
        data_key, update_key, *_ = self.start.keys(step)
        batch = self.submission.data_selection(
            self.start.workload, batches, optimizer_state, params, model_state,
            self.start.hyperparameters, step, data_key,
        )
        extra = {"train_state": {}} if self.submission.wants_train_state else {}
        return self.submission.update_params(
            workload=self.start.workload, current_param_container=params,
            current_params_types=self.start.workload.model_params_types, model_state=model_state,
            hyperparameters=self.start.hyperparameters, batch=batch,
            loss_type=self.start.workload.loss_type, optimizer_state=optimizer_state,
            eval_results=[], global_step=step, rng=update_key, **extra,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """The training split of a workload, as the player reads it."""

    workload: Workload
    size: Size
    folder: Path

    def batches(self, batch_size: int) -> Iterator[Batch]:
        split = self.workload.data().open_split(self.folder, self.size, "train")
        return split.train_batches(batch_size, SEED)


def checked(plan: JobPlan) -> tuple[Workload, Size]:
    """Raises: UnknownName, SubmissionError; DiagnosisError for a network in another framework."""
    workload = load_workload(plan.workload)
    size = workload.size(plan.size)
    if workload.brings_model:
        raise DiagnosisError(
            f"workload {plan.workload} has no network of its own: it is played with what a "
            "contestant brings. Diagnose the script that trains yours: mlgolf diagnose train.py"
        )
    if plan.framework not in workload.frameworks:
        raise DiagnosisError(
            f"workload {plan.workload} has no network in {plan.framework}; it has one in "
            f"{' and '.join(workload.frameworks) or 'neither framework'}: --framework"
        )
    find_submission(plan.submission, plan.framework)
    return workload, size


def loader_of(plan: JobPlan) -> Loader:
    workload, size = checked(plan)
    folder = layout.prepared_folder(workload, plan.size, Path(plan.data_dir)) / "train"
    return Loader(workload=workload, size=size, folder=folder)


def batch_size_of(plan: JobPlan) -> int:
    """The one that a trial would have: what the submission asks for, scaled to the size."""
    if plan.batch_size:
        return plan.batch_size
    workload, size = checked(plan)
    submission = load_submission(find_submission(plan.submission, plan.framework).file)
    return size.scale_batch_size(
        asked_batch_size(submission, workload.name, size.published_batch_size)
    )


def build(plan: JobPlan) -> Job:
    """Raises: MLGolfError for names that nobody offers."""
    parts = _parts(plan)
    if plan.framework == "torch":
        from mlgolf.diagnosis.job_torch import TorchJob

        return TorchJob(parts)
    from mlgolf.diagnosis.job_jax import JaxJob

    return JaxJob(parts)


def _parts(plan: JobPlan) -> Parts:
    workload, size = checked(plan)
    backend = load_backend(plan.framework)
    backend.configure(plan.threads)
    facade = WorkloadFacade(workload, size, _rules(plan.workload), backend, {})
    asked = _noting(facade)
    start = prepare(facade, backend, None, SEED)
    submission = load_submission(find_submission(plan.submission, plan.framework).file)
    state = submission.init_optimizer_state(
        facade, start.params, start.model_state, start.hyperparameters, start.optimizer_key
    )
    return Parts(
        workload=workload, size=size, start=start, submission=submission, optimizer_state=state,
        asked=asked,
    )


def _noting(facade: WorkloadFacade) -> Mapping[str, float]:
    """The dropout and label smoothing that the submission asks for from now on, by name.

    Passes of ours that are to cost what its own do need them, and no function of it tells.
    """
    asked: dict[str, float] = {}

    def noted(function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def with_note(*args: Any, **kwargs: Any) -> Any:
            if isinstance(kwargs.get(name), int | float):  # not what JAX traces
                asked[name] = kwargs[name]
            return function(*args, **kwargs)

        return with_note

    for function, name in (("model_fn", "dropout_rate"), ("loss_fn", "label_smoothing")):
        setattr(facade, function, noted(getattr(facade, function), name))
    return asked


def _rules(name: str) -> WorkloadRules:
    """Those of the embedded competition, whose step hint schedules are made for."""
    rows: Mapping[str, WorkloadRules] = load_competition("mini").workloads
    return rows.get(name) or WorkloadRules(
        metric="loss", goal=Goal.MINIMISE, step_hint=STEP_HINT, eval_every_steps=STEP_HINT,
        provenance="none: only timed",
    )
