import pytest
from small_games import game

from mlgolf.core.competition import load_competition
from mlgolf.data import layout
from mlgolf.golf.trying import Trying
from mlgolf.referee.evaluate import Evaluator


@pytest.fixture(params=["torch", "jax"])
def trying(tmp_path, request) -> Trying:
    rules = load_competition(game(tmp_path))
    workload = rules.workload_of("points")
    layout.ensure(workload, "game", tmp_path / "data")
    folder = layout.prepared_folder(workload, "game", tmp_path / "data")
    evaluator = Evaluator(workload, workload.size("game"), request.param, folder, 1)
    return Trying(evaluator, rules.rules, rules.workloads["points"])


def test_losses_of_all_examples_have_the_mean_and_the_worst_that_bounds_are_about(trying):
    model = trying.untrained(0)
    losses, values = trying.losses(model), trying.values(model)
    assert losses.shape == (50,)
    assert losses.mean() == pytest.approx(values["train_loss"])
    assert losses.max() == pytest.approx(values["train_loss_max"])


def test_the_bounds_of_a_model_are_those_that_no_clock_decides(trying):
    assert [bound.metric for bound in trying.bounds] == ["train_loss", "train_loss_max"]


def test_all_quantities_of_the_rules_are_measured_but_clocks(trying):
    values = trying.values(trying.zeros)
    assert values.keys() == {"l2", "train_loss", "train_loss_max"}
    assert values["l2"] == 0.0
