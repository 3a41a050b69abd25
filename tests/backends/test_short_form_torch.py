"""What the short form hands to optimizers of PyTorch that want more than a gradient."""

from collections.abc import Callable
from functools import partial
from typing import Any

import linear_torch
import pytest
import pytorch_optimizer
import schedulefree
import torch
from linear_problem import STEP_HINT, as_hyperparameters
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from mlgolf.core.errors import SearchSpaceError, SubmissionError, UnknownName
from mlgolf.core.spec import TrainingCompleteError
from mlgolf.torch import TorchSubmission, from_optimizer

POINT = {"learning_rate": 0.1}
SAM = partial(pytorch_optimizer.SAM, base_optimizer=torch.optim.SGD, rho=0.5)


def constant(build: Any, **keywords: Any) -> TorchSubmission:
    return from_optimizer(build, search_space=[POINT], schedule="constant", **keywords)


def loss_of(module: nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    workload = linear_torch.LinearWorkload()
    loss = workload.loss_fn(batch["targets"], module(batch["inputs"]), batch["weights"])
    return loss["summed"] / loss["n_valid_examples"]


def trained_by_hand(
    build: Callable[[nn.Module], Any], step: Callable[[Any, Callable[[], torch.Tensor]], None]
) -> dict[str, torch.Tensor]:
    """Parameters after all batches of the linear problem; `step` gets optimizer and closure."""
    module = linear_torch.Linear()
    optimizer = build(module)
    for batch in linear_torch.LinearWorkload().batches:

        def closure(batch=batch) -> torch.Tensor:
            optimizer.zero_grad()
            loss = loss_of(module, batch)
            loss.backward()
            return loss

        step(optimizer, closure)
    return {name: p.detach() for name, p in module.named_parameters()}


def assert_trains_like(submission: TorchSubmission, expected: dict[str, torch.Tensor]) -> None:
    found = linear_torch.trained(submission, POINT)
    for name, value in expected.items():
        assert_array_equal(found[name], value)


def started(submission: TorchSubmission) -> tuple[nn.Module, dict[str, Any]]:
    module = linear_torch.Linear()
    state = submission.init_optimizer_state(
        linear_torch.LinearWorkload(), module, None, as_hyperparameters(POINT), None
    )
    return module, state


def update(
    submission: TorchSubmission, module: nn.Module, state: dict[str, Any], step: int = 0,
    workload: Any = None,
) -> None:  # fmt: skip
    workload = workload or linear_torch.LinearWorkload()
    submission.update_params(
        workload, module, None, None, as_hyperparameters(POINT), workload.batches[step], None,
        state, [], step, linear_torch.KEY,
    )  # fmt: skip


def prepare(submission: TorchSubmission, module: nn.Module, state: dict[str, Any]) -> None:
    submission.prepare_for_eval(None, module, None, None, None, None, state, [], 1, None)


# --- what a step is called with ---


def test_an_optimizer_whose_step_requires_a_closure_gets_one():
    build = partial(torch.optim.LBFGS, max_iter=3)
    expected = trained_by_hand(
        lambda module: build(module.parameters(), lr=0.1), lambda o, closure: o.step(closure)
    )
    assert_trains_like(constant(build), expected)


def test_an_optimizer_that_climbs_first_gets_gradients_and_a_closure():
    def step(optimizer, closure):
        closure()
        optimizer.step(closure)

    expected = trained_by_hand(lambda module: SAM(module.parameters(), lr=0.1), step)
    assert_trains_like(constant(SAM), expected)


def test_an_optimizer_that_can_do_without_a_closure_gets_none():
    class Counting(torch.optim.SGD):
        def step(self, closure=None):
            assert closure is None
            return super().step(closure)

    submission = constant(lambda params, lr: Counting(params, lr=lr))
    submission.rehearse()
    update(submission, *started(submission))


def test_only_the_first_pass_over_a_batch_moves_the_statistics_of_batch_norm():
    class Watching(linear_torch.LinearWorkload):
        def __init__(self) -> None:
            super().__init__()
            self.moved: list[bool] = []

        def model_fn(self, *arguments, update_batch_norm, **keywords):
            self.moved.append(update_batch_norm)
            return super().model_fn(*arguments, update_batch_norm=update_batch_norm, **keywords)

    submission, workload = constant(SAM), Watching()
    update(submission, *started(submission), workload=workload)
    assert workload.moved == [True, False]


def test_a_method_of_second_order_gets_gradients_that_can_be_differentiated():
    submission = constant(pytorch_optimizer.AdaHessian)
    module, state = started(submission)
    before = module.weight.detach().clone()
    update(submission, module, state)
    assert not torch.equal(module.weight, before)
    assert "hessian" in next(iter(state["optimizer"]._optimizers[0].state.values()))


def test_differentiable_gradients_can_be_asked_for():
    seen = []

    class Looking(torch.optim.SGD):
        def step(self, closure=None):
            seen.append(all(p.grad.requires_grad for g in self.param_groups for p in g["params"]))
            return super().step(closure)

    submission = constant(lambda params, lr: Looking(params, lr=lr), create_graph=True)
    update(submission, *started(submission))
    assert all(seen)


def test_trying_how_an_optimizer_is_called_leaves_random_numbers_and_the_model_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    module, _ = started(constant(pytorch_optimizer.AdaHessian))
    assert_array_equal(torch.rand(3), expected)
    assert_array_equal(module.weight.detach(), linear_torch.Linear().weight.detach())


# --- which parameters are evaluated ---


def test_schedule_free_is_evaluated_at_its_average_and_trains_on_from_its_iterate():
    module = linear_torch.Linear()
    optimizer = schedulefree.AdamWScheduleFree(module.parameters(), lr=0.1)
    optimizer.train()
    for batch in linear_torch.LinearWorkload().batches:
        optimizer.train()
        optimizer.zero_grad()
        loss_of(module, batch).backward()
        optimizer.step()
        optimizer.eval()
    expected = {name: p.detach() for name, p in module.named_parameters()}
    assert_trains_like(constant(schedulefree.AdamWScheduleFree), expected)


def test_averaged_sgd_is_evaluated_at_its_average_and_trains_on_from_its_iterate():
    submission = constant(partial(torch.optim.ASGD, t0=1))
    module, state = started(submission)
    for step in range(5):
        update(submission, module, state, step)
    iterate = module.weight.detach().clone()
    average = state["optimizer"]._optimizers[0].state[module.weight]["ax"]
    assert not torch.equal(average, iterate)
    prepare(submission, module, state)
    assert_array_equal(module.weight.detach(), average)
    state["optimizer"].training_mode()
    assert_array_equal(module.weight.detach(), iterate)


def test_lookahead_is_evaluated_at_its_slow_weights():
    submission = constant(
        lambda params, lr: pytorch_optimizer.Lookahead(torch.optim.SGD(params, lr=lr), k=5)
    )
    module, state = started(submission)
    for step in range(3):
        update(submission, module, state, step)
    prepare(submission, module, state)
    assert_array_equal(module.weight.detach(), linear_torch.Linear().weight.detach())


def test_two_evaluations_in_a_row_are_of_the_same_parameters():
    submission = constant(schedulefree.AdamWScheduleFree)
    module, state = started(submission)
    for step in range(3):
        update(submission, module, state, step)
    prepare(submission, module, state)
    once = module.weight.detach().clone()
    prepare(submission, module, state)
    assert_array_equal(module.weight.detach(), once)


# --- functions that build ---


def test_a_function_may_build_several_optimizers_each_with_its_own_rate():
    def build(model, lr):
        return [
            torch.optim.SGD([model.weight], lr=lr),
            torch.optim.AdamW([{"params": [model.bias], "lr": 3 * lr}]),
        ]

    submission = from_optimizer(build, search_space=[POINT], schedule=lambda share: 1 - share / 2)
    module, state = started(submission)
    update(submission, module, state, STEP_HINT // 2)
    rates = [group["lr"] for group in state["optimizer"].param_groups]
    assert rates == pytest.approx([0.75 * 0.1, 0.75 * 0.3])
    initial = linear_torch.Linear()
    assert not torch.equal(module.weight, initial.weight)
    assert not torch.equal(module.bias, initial.bias)


@pytest.mark.parametrize(
    "build",
    [
        lambda model, lr: torch.optim.SGD(model.parameters(), lr=lr),
        lambda params, lr: torch.optim.SGD([params[0], *params[1:]], lr=lr),
        lambda named_parameters, lr: torch.optim.SGD([p for _, p in named_parameters], lr=lr),
        lambda params, **point: torch.optim.SGD(params, **point),
    ],
    ids=["model", "params", "named_parameters", "keywords"],
)
def test_a_function_that_builds_gets_what_its_argument_is_called(build):
    expected = trained_by_hand(
        lambda module: torch.optim.SGD(module.parameters(), lr=0.1),
        lambda optimizer, closure: (closure(), optimizer.step()),
    )
    assert_trains_like(constant(build), expected)


def test_a_class_that_takes_its_rate_through_keywords_gets_it():
    submission = from_optimizer(SAM, search_space=[{"learning_rate": 0.1, "momentum": 0.5}])
    module = linear_torch.Linear()
    point = as_hyperparameters({"learning_rate": 0.1, "momentum": 0.5})
    state = submission.init_optimizer_state(None, module, None, point, None)
    (group,) = state["optimizer"].param_groups
    assert (group["lr"], group["momentum"]) == (0.1, 0.5)


def test_keywords_do_not_swallow_a_misspelt_name():
    with pytest.raises(SearchSpaceError, match="'weight_decya'"):
        from_optimizer(pytorch_optimizer.Lion, search_space=[{"weight_decya": 0.1}])


def test_a_point_of_a_file_with_a_key_that_nothing_takes_is_refused():
    submission = from_optimizer(torch.optim.AdamW)
    point = as_hyperparameters({"one_minus_beta1": 0.1})
    with pytest.raises(SearchSpaceError, match="'one_minus_beta1'"):
        submission.init_optimizer_state(None, linear_torch.Linear(), None, point, None)


# --- what is refused, and when ---


def refusal_at_once(build: Any, **keywords: Any) -> str:
    """What is said before any run, in one line."""
    with pytest.raises(SubmissionError) as refused:
        from_optimizer(build, search_space=[POINT], **keywords).rehearse()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def refusal_at_start(build: Any) -> str:
    with pytest.raises(SubmissionError) as refused:
        started(constant(build))
    return str(refused.value)


def test_what_trains_matrices_alone_is_refused_with_the_way_to_split():
    said = refusal_at_once(torch.optim.Muon)
    assert "matrices alone" in said
    assert "if p.ndim == 2" in said


def test_what_wants_something_else_at_each_step_is_refused_with_the_function_to_write():
    said = refusal_at_once(torch.optim.SparseAdam)
    assert "does not support dense gradients" in said
    assert "write update_params" in said


def test_what_changes_nothing_is_refused():
    class Idle(torch.optim.SGD):
        def step(self, closure=None):
            return None

    assert "changed no parameter" in refusal_at_once(lambda params, lr: Idle(params, lr=lr))


def test_what_cannot_start_at_a_rate_of_0_is_refused_with_the_schedules_that_it_can():
    assert 'schedule="constant"' in refusal_at_once(pytorch_optimizer.Gravity)
    constant(pytorch_optimizer.Gravity).rehearse()


@pytest.mark.parametrize("build", [pytorch_optimizer.SAM, pytorch_optimizer.GSAM])
def test_an_argument_without_a_value_is_named(build):
    said = refusal_at_once(build)
    assert "needs a value for base_optimizer" in said
    assert f"functools.partial({build.__name__}, base_optimizer=...)" in said


def test_an_error_without_words_is_told_by_its_kind_alone():
    class Wordless(torch.optim.SGD):
        def step(self, closure=None):
            raise NotImplementedError

    said = refusal_at_once(lambda params, lr: Wordless(params, lr=lr))
    assert "cannot be stepped: NotImplementedError. " in said


def test_a_wrapper_is_refused_with_the_function_that_builds_it():
    said = refusal_at_once(pytorch_optimizer.Lookahead)
    assert "lambda params, lr=1e-3: Lookahead(torch.optim.AdamW(params, lr=lr))" in said


def test_groups_without_a_rate_need_the_constant_schedule():
    build = partial(pytorch_optimizer.AliG, max_lr=0.1)
    with pytest.raises(SubmissionError, match='schedule="constant"'):
        from_optimizer(build, search_space=[{"momentum": 0.9}]).rehearse()
    from_optimizer(build, search_space=[{"momentum": 0.9}], schedule="constant").rehearse()


def test_a_parameter_that_no_optimizer_trains_is_named():
    said = refusal_at_start(lambda model, lr: torch.optim.SGD([model.weight], lr=lr))
    assert "leaves bias untrained" in said


def test_a_parameter_may_be_frozen_on_purpose():
    def build(model, lr):
        model.bias.requires_grad_(False)
        return torch.optim.SGD([model.weight], lr=lr)

    submission = constant(build)
    module, state = started(submission)
    update(submission, module, state)
    assert torch.equal(module.bias, linear_torch.Linear().bias)


def test_a_parameter_that_two_optimizers_train_is_named():
    said = refusal_at_start(lambda params, lr: [torch.optim.SGD(params, lr=lr) for _ in "12"])
    assert "trains bias and 1 more twice" in said


def test_a_schedule_among_the_optimizers_is_refused():
    def build(params, lr):
        optimizer = torch.optim.SGD(params, lr=lr)
        return optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer)

    assert "a schedule is an argument of from_optimizer" in refusal_at_start(build)


def test_a_function_that_picks_by_names_of_its_workload_is_left_to_the_trial():
    def build(model, lr):
        return torch.optim.SGD([model.weight, model.bias], lr=lr)

    submission = constant(build)
    submission.rehearse()  # the small model has no such names
    update(submission, *started(submission))


# --- after the schedule ---


def test_training_ends_where_the_schedule_is_0_for_good():
    submission = from_optimizer(torch.optim.SGD, search_space=[POINT])
    module, state = started(submission)
    update(submission, module, state, STEP_HINT - 1)
    with pytest.raises(TrainingCompleteError, match="the schedule ended at the step hint"):
        update(submission, module, state, STEP_HINT)


@pytest.mark.parametrize(
    "choice",
    [
        {"after_schedule": "continue"},
        {"schedule": "constant"},
        {"schedule": lambda share: 1 - share if share < 1 else float(share > 1.2)},
    ],
    ids=["continue", "constant", "restarts"],
)
def test_training_goes_on_where_the_caller_chose_so_or_the_rate_comes_back(choice):
    submission = from_optimizer(torch.optim.SGD, search_space=[POINT], **choice)
    update(submission, *started(submission), STEP_HINT)


def test_another_choice_of_what_comes_after_the_schedule_is_refused():
    with pytest.raises(UnknownName, match="continue, stop"):
        from_optimizer(torch.optim.SGD, after_schedule="hold")


def test_rates_stay_in_proportion_under_a_schedule():
    submission = from_optimizer(torch.optim.SGD, search_space=[POINT])
    module, state = started(submission)
    update(submission, module, state, STEP_HINT // 2)
    (group,) = state["optimizer"].param_groups
    assert_allclose(group["lr"], 0.1 * submission.schedule(0.5))
