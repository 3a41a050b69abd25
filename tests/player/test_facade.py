"""The workload as a submission sees it: AlgoPerf's members, arguments and keys."""

import inspect
from pathlib import Path

import pytest

from mlgolf.backends import load_backend
from mlgolf.core.competition import load_competition
from mlgolf.core.registry import load_workload
from mlgolf.core.spec import ForwardPassMode, LossType, ShapeTuple
from mlgolf.player.workload import MetricsLogger, WorkloadFacade

LINEAR = Path(__file__).parents[1] / "end_to_end" / "linear.toml"
MEMBERS = """model_fn loss_fn init_model_fn param_shapes model_params_types is_output_params
output_activation_fn step_hint max_allowed_runtime_sec eval_period_time_sec loss_type
target_metric_name validation_target_value test_target_value has_reached_validation_target
has_reached_test_target num_train_examples num_eval_train_examples num_validation_examples
num_test_examples eval_batch_size train_mean train_stddev metrics_logger attach_metrics_logger
eval_model""".split()


ASKED = ("validation_metric", "test_metric")


@pytest.fixture(params=["torch", "jax"])
def facade(request) -> WorkloadFacade:
    workload = load_workload("linear")
    competition = load_competition(LINEAR)
    workload_rules = competition.workloads["linear"]
    targets = {name: competition.rules.asked(name, workload_rules) for name in ASKED}
    asked = {name: target for name, target in targets.items() if target}
    backend = load_backend(request.param)
    facade = WorkloadFacade(workload, workload.size("mini"), workload_rules, backend, asked)
    facade.backend = backend  # type: ignore[attr-defined]  # for the tests below
    return facade


def test_every_member_of_algoperfs_workload_is_there(facade):
    assert [name for name in MEMBERS if name not in dir(facade)] == []


def test_model_fn_has_algoperfs_arguments_in_order(facade):
    assert list(inspect.signature(facade.model_fn).parameters) == [
        "params", "augmented_and_preprocessed_input_batch", "model_state", "mode", "rng",
        "update_batch_norm", "dropout_rate",
    ]


def test_loss_fn_has_algoperfs_arguments_in_order(facade):
    assert list(inspect.signature(facade.loss_fn).parameters) == [
        "label_batch", "logits_batch", "mask_batch", "label_smoothing",
    ]


def test_shapes_and_types_are_known_once_the_model_is_made(facade):
    for name in ("param_shapes", "model_params_types"):
        with pytest.raises(ValueError, match="init_model_fn"):
            getattr(facade, name)
    facade.init_model_fn(facade.backend.key(0))
    leaves = list(facade.param_shapes.values())
    leaf = leaves[0] if isinstance(leaves[0], ShapeTuple) else next(iter(leaves[0].values()))
    assert isinstance(leaf, ShapeTuple)


def test_loss_fn_returns_exactly_algoperfs_keys(facade):
    import numpy as np

    params, state = facade.init_model_fn(facade.backend.key(0))
    batch = facade.backend.to_device(
        {"inputs": np.ones((4, 32), np.float32), "targets": np.ones((4, 1), np.float32)}
    )
    logits, _ = facade.model_fn(
        params, batch, state, ForwardPassMode.TRAIN, facade.backend.key(1), True
    )
    loss = facade.loss_fn(batch["targets"], logits)
    assert set(loss) == {"summed", "n_valid_examples", "per_example"}
    assert float(loss["summed"]) == pytest.approx(float(sum(loss["per_example"])))
    assert float(loss["n_valid_examples"]) == 4


def test_numbers_come_from_the_competition(facade):
    assert facade.step_hint == 2000
    assert facade.target_metric_name == "loss"
    assert facade.validation_target_value == 0.02
    assert facade.max_allowed_runtime_sec == 30
    assert facade.eval_period_time_sec == pytest.approx(1.5)
    assert facade.loss_type is LossType.MEAN_SQUARED_ERROR
    assert facade.num_train_examples == 4096


def test_goals_are_read_from_a_result(facade):
    assert facade.has_reached_validation_target({"validation/loss": 0.02})
    assert not facade.has_reached_validation_target({"validation/loss": 0.021})
    assert not facade.has_reached_test_target({"validation/loss": 0.0})


def test_statistics_without_a_meaning_say_so(facade):
    with pytest.raises(NotImplementedError, match="linear"):
        _ = facade.train_mean


def test_eval_model_asks_the_referee(facade):
    asked = []

    def query(params, model_state, step):
        asked.append((params, step))
        return {"validation/loss": 0.5}

    facade.attach_referee(query)
    told = facade.eval_model(64, "params", None, None, "", None, 7)
    assert told["validation/loss"] == 0.5
    assert told["validation/num_examples"] == 512
    assert asked == [("params", 7)]


def test_scalars_that_are_logged_become_messages(facade):
    sent = []
    facade.attach_metrics_logger(MetricsLogger(lambda step, values: sent.append((step, values))))
    facade.metrics_logger.append_scalar_metrics({"loss": 1, "grad_norm": 2.5}, 10)
    assert sent == [(10, {"loss": 1.0, "grad_norm": 2.5})]
