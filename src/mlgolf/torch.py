"""A submission from a PyTorch optimizer, in five lines:

    import torch
    from mlgolf.torch import from_optimizer

    submission = from_optimizer(torch.optim.AdamW, search_space={
        "learning_rate": {"min": 1e-4, "max": 1e-2, "scaling": "log"},
        "weight_decay": {"feasible_points": [0.01, 0.1]}})

And for one that defines AlgoPerf's functions itself: `get_batch_size`, `data_selection`,
`chosen_point`, `mean_loss`, `gradients`, `clip_by_global_norm`, and the schedules `constant`,
`warmup_cosine`, `warmup_linear`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn

from mlgolf.backends.building_torch import PROVIDED, Optimizer, Unserved, build_optimizers
from mlgolf.backends.optimizer_arguments import Arguments
from mlgolf.backends.rehearsal_torch import calls_for, remedy, stand_in
from mlgolf.backends.short_form import Schedule, ShortForm, chosen_schedule
from mlgolf.backends.trainer_torch import Trainer
from mlgolf.backends.training import (
    chosen_point,
    constant,
    data_selection,
    get_batch_size,
    mean_loss,
    warmup_cosine,
    warmup_linear,
)
from mlgolf.backends.training_torch import clip_by_global_norm, gradients
from mlgolf.core import spec
from mlgolf.core.errors import SubmissionError

__all__ = [
    "TorchSubmission",
    "chosen_point",
    "clip_by_global_norm",
    "constant",
    "data_selection",
    "from_optimizer",
    "get_batch_size",
    "gradients",
    "mean_loss",
    "warmup_cosine",
    "warmup_linear",
]

SCHEDULES = {"warmup_cosine": warmup_cosine, "constant": constant}


def from_optimizer(
    optimizer: Callable[..., Optimizer | list[Optimizer]], *,
    search_space: dict[str, Any] | list[dict[str, Any]] | None = None,
    schedule: str | Schedule = "warmup_cosine", after_schedule: str = "stop",
    create_graph: bool = False, batch_size: int | None = None,
) -> "TorchSubmission":
    """A submission that trains every workload with `optimizer`.

    Args:
      optimizer: a class such as torch.optim.AdamW, or a function that builds one optimizer, with
        groups if it likes, or a list of several. Those of its arguments that are called `params`,
        `named_parameters` or `model` get what the name says, each anew for every build (there may
        be a build on a copy of the model first, to try how it wants to be called). With
        functools.partial some of the others can be fixed.
      search_space: in AlgoPerf's form. Its keys are arguments of the optimizer, which get the
        value of the point ("learning_rate" is `lr`), or dropout_rate, or label_smoothing. In
        self-tuning, where there is no point, the optimizer's own defaults hold.
      schedule: what the learning rate of each group is multiplied by: "warmup_cosine" (5% of the
        workload's step hint up from 0, then a cosine to 0), "constant", or a function of the share
        of the step hint that is done: 0.0 at the first update, 1.0 and more from the step hint on.
      after_schedule: where the schedule is 0 from the step hint on, "stop" ends the trial there;
        "continue" goes on with a learning rate of 0, for methods that still change something.
      create_graph: whether gradients are to be differentiable. An optimizer that fails without is
        found out by trying it; this is for one that does not fail.
      batch_size: global and meant for full size; None: that of the workload's published baseline.

    A closure, training and evaluation modes (`train()` and `eval()`) and differentiable gradients
    are given to the optimizers that want them.
    Raises: SearchSpaceError for a key that nothing takes; UnknownName for a schedule or a choice
      of `after_schedule`; SubmissionError for what takes no parameters.
    """
    arguments = Arguments(optimizer, provided=PROVIDED, rate="lr")
    if not arguments.given:
        rate = "" if "learning_rate" in arguments.keys else "lr and none "
        raise SubmissionError(
            f"{arguments.name} has no argument {rate}called {', '.join(PROVIDED)}, so it cannot "
            "be given what to train. A wrapper is built by a function: from_optimizer("
            f"lambda params, lr=1e-3: {arguments.name}(torch.optim.AdamW(params, lr=lr)))."
        )
    chosen = chosen_schedule(schedule, SCHEDULES)
    return TorchSubmission(
        optimizer, arguments, search_space, chosen, batch_size, after_schedule, create_graph
    )


class TorchSubmission(ShortForm):
    """AlgoPerf's five functions around one optimizer, or some."""

    def __init__(
        self, build: Callable[..., Any], arguments: Arguments, search_space: Any,
        schedule: Schedule, batch_size: int | None, after_schedule: str, create_graph: bool,
    ) -> None:
        super().__init__(arguments, search_space, schedule, batch_size, after_schedule)
        self._build, self._create_graph = build, create_graph

    def rehearse(self, *, self_tuning: bool = False) -> None:
        """Build and step the optimizers on a small model, at one point of the search space.

        Raises: SubmissionError for what the short form cannot serve. A function that builds may
          pick parameters by the names of one workload: where it fails here, the trial will tell.
        """
        point = self.rehearsed_point(self_tuning=self_tuning)
        if point is None:
            return
        self.arguments.check_complete(point)
        model = stand_in()
        if not set(self.arguments.given) <= {"params", "parameters"}:
            try:
                build_optimizers(self._build, self.arguments, point, model)
            except (Unserved, SubmissionError):
                return
        self._trainer(point, model, try_all=True)

    def init_optimizer_state(
        self, workload: spec.Workload, model_params: nn.Module,
        model_state: spec.ModelAuxiliaryState, hyperparameters: spec.Hyperparameters,
        rng: spec.RandomState,
    ) -> dict[str, Trainer]:
        """Raises: SubmissionError for an optimizer that cannot be built, or stepped."""
        point = self.optimizer_arguments(hyperparameters)
        return {"optimizer": self._trainer(point, model_params)}

    def _trainer(
        self, point: dict[str, Any], model: nn.Module, *, try_all: bool = False
    ) -> Trainer:
        build = partial(build_optimizers, self._build, self.arguments, point)
        try:
            optimizers = build(model)
            calls = calls_for(
                optimizers, build, model, self.schedule, self._create_graph, try_all=try_all
            )
        except Unserved as error:
            raise SubmissionError(f"{error} {remedy(build, self.schedule)}") from error
        trainer = Trainer(optimizers, calls)
        if self.schedule is not constant and not trainer.has_rates():
            raise SubmissionError(
                f"{self.arguments.name} has a group without a learning rate lr, so no schedule can "
                'act on it. Say schedule="constant".'
            )
        return trainer

    def update_params(
        self, workload: spec.Workload, current_param_container: nn.Module,
        current_params_types: spec.ParameterTypeTree, model_state: spec.ModelAuxiliaryState,
        hyperparameters: spec.Hyperparameters, batch: dict[str, Tensor], loss_type: spec.LossType,
        optimizer_state: dict[str, Trainer], eval_results: list[tuple[int, dict[str, float]]],
        global_step: int, rng: spec.RandomState, train_state: Any = None,
    ) -> tuple[dict[str, Trainer], nn.Module, spec.ModelAuxiliaryState]:
        """Raises: ScheduleEnded where the learning rate has become 0 for good."""
        self.end_with_schedule(global_step, workload.step_hint)
        trainer = optimizer_state["optimizer"]
        trainer.scale_rates(self.schedule(global_step / workload.step_hint))
        point, first_pass = chosen_point(hyperparameters, {}), True

        def backward(create_graph: bool) -> Tensor:
            nonlocal model_state, first_pass
            trainer.zero_grad()
            loss, model_state = mean_loss(
                workload, current_param_container, model_state, batch, rng, point,
                update_batch_norm=first_pass,
            )  # fmt: skip
            first_pass = False
            loss.backward(create_graph=create_graph)
            return loss

        trainer.step(backward)
        return optimizer_state, current_param_container, model_state

    def prepare_for_eval(
        self, workload: spec.Workload, current_param_container: nn.Module,
        current_params_types: spec.ParameterTypeTree, model_state: spec.ModelAuxiliaryState,
        hyperparameters: spec.Hyperparameters, loss_type: spec.LossType,
        optimizer_state: dict[str, Trainer], eval_results: list[tuple[int, dict[str, float]]],
        global_step: int, rng: spec.RandomState,
    ) -> tuple[dict[str, Trainer], nn.Module, spec.ModelAuxiliaryState]:
        """The parameters that the method evaluates, until the next update."""
        optimizer_state["optimizer"].evaluation_mode()
        return optimizer_state, current_param_container, model_state
