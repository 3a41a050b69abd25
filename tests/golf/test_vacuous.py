import numpy as np
import pytest
from small_games import checked, game, said

from mlgolf.core.competition import load_competition
from mlgolf.golf.check import check_game
from mlgolf.golf.findings import Finding, Passed
from mlgolf.golf.game_files import game_files
from mlgolf.golf.place import Place
from mlgolf.golf.vacuous import constant_models, constants
from mlgolf.workloads.graph.graph import Graph

BOUNDS = "train_loss = 0.1, train_loss_max = 0.7, budget_seconds = 3"
CONSTRAINTS = """constraints = [
  { quantity = "train_loss", bound = "train_loss" },
  { quantity = "train_loss_max", bound = "train_loss_max" },
"""
ALL_OF_THEM = ("train = 50\ntwin = 49", "train = 20")


def bounds(mean, worst):
    return BOUNDS, f"train_loss = {mean}, train_loss_max = {worst}, budget_seconds = 3"


def points(labels, xs=None):
    rows = (f"{x},0,1,{label}\n" for x, label in zip(xs or range(20), labels, strict=True))
    return "a,b,c,kind\n" + "".join(rows)


def test_bounds_that_an_all_zero_model_keeps_are_found(tmp_path):
    found = checked(tmp_path, competition=bounds(1.2, 1.3))
    assert said(found, "an all-zero model keeps every bound").startswith("competition.toml:33: ")


def test_one_bound_that_an_all_zero_model_meets_is_idle(tmp_path):
    found = checked(tmp_path, competition=bounds(0.1, 1.2))
    line = said(found, "already, with 1.1, so the bound is idle")
    assert "workloads.points.bounds.train_loss_max" in line
    assert len(found.findings) == 1


def test_a_norm_without_any_bound_on_the_fit_is_found(tmp_path):
    folder = game(tmp_path, competition=(CONSTRAINTS, "constraints = [\n"))
    rules = folder / "competition.toml"
    rules.write_text(rules.read_text().replace(BOUNDS, "budget_seconds = 3"))
    found = check_game(str(folder), tmp_path / "data", play=False)
    line = said(found, "the one with the least l2 need not fit anything")
    assert line.startswith("competition.toml:10: ")


def test_a_bound_below_what_duplicates_allow_is_found_with_the_least_loss(tmp_path):
    xs = [0, 0, *range(2, 20)]
    csv = points([0, 1, *([2] * 18)], xs)
    found = checked(tmp_path, points=csv, data=ALL_OF_THEM, competition=bounds(0.01, 0.5))
    mean, worst = 2 * np.log(2) / 20, np.log(2)
    for bound in ("train_loss ≤ 0.01", "train_loss_max ≤ 0.5"):
        line = said(found, f"{bound} cannot be reached: 2 examples")
        assert f"{mean:.4g} and {worst:.4g}" in line


def test_a_negative_bound_says_nothing_of_duplicates_where_there_are_none(tmp_path):
    labels, limits = points([0, 1] * 10), bounds(-1, 0.75)
    found = checked(tmp_path, points=labels, data=ALL_OF_THEM, competition=limits)
    assert not any("cannot be reached" in str(finding) for finding in found.findings)


def test_duplicates_are_told_where_bounds_leave_room_for_them(tmp_path):
    csv = points([0, 1, *([2] * 18)], [0, 0, *range(2, 20)])
    found = checked(tmp_path, points=csv, data=ALL_OF_THEM, competition=bounds(0.1, 0.75))
    assert found.findings == ()
    assert any(line.startswith("duplicates: 2 examples") for line in found.passed)


def test_duplicates_are_told_with_their_lines_group_after_group(tmp_path):
    csv = points([0, 1, 1, 0, *([2] * 16)], [7, 5, 7, 5, *range(8, 24)])
    found = checked(tmp_path, points=csv, data=ALL_OF_THEM, competition=bounds(0.01, 0.75))
    assert "4 examples (lines 2, 4, 3 and 5 of points.csv)" in said(found, "cannot be reached")


def test_bounds_that_a_constant_keeps_are_found(tmp_path):
    csv = points([1, *([0] * 19)])
    found = checked(tmp_path, points=csv, data=ALL_OF_THEM, competition=bounds(0.3, 3.5))
    line = said(found, "gives every example the same output keeps all bounds")
    assert "train_loss 0.199" in line


@pytest.mark.parametrize(("par", "is_found"), [(1.09, True), (0.5, False)])
def test_a_loss_that_a_constant_has_is_no_par(tmp_path, par, is_found):
    folder = game(tmp_path, competition=(CONSTRAINTS, (
        'constraints = [\n  { quantity = "l2", bound = 5.0 },\n'
    )))  # fmt: skip
    rules = folder / "competition.toml"
    text = rules.read_text().replace('objective = "l2"', 'objective = "train_loss"')
    text = text.replace(BOUNDS, "budget_seconds = 3").replace("value = 5.0", f"value = {par}")
    rules.write_text(text)
    found = check_game(str(folder), tmp_path / "data", play=False)
    assert any("as good as par" in f.what for f in found.findings) == is_found


GRAPH = {
    "inputs": {"shape": [3], "dtype": "float32"},
    "layers": [{"name": "out", "kind": "dense", "units": 2}],
}


@pytest.mark.parametrize(
    ("loss", "targets", "outputs"),
    [
        ("cross_entropy", np.array([0, 0, 0, 1]), [np.log([0.75, 0.25]), [0, 0]]),
        ("squared_error", np.array([[0.0, 1], [0, 1], [3, 1]]), [[1, 1], [1.5, 1]]),
        ("sigmoid_cross_entropy", np.array([[0.0, 1], [1, 0]]), [[0, 0], [0, 0]]),
    ],
)
def test_constants_are_the_best_for_the_mean_and_for_the_worst_example(loss, targets, outputs):
    graph = Graph.model_validate(GRAPH | {"loss": loss})
    zeros = {name: np.zeros(shape, np.float32) for name, shape in graph.tensors.items()}
    found = list(constant_models(graph, zeros, targets, loss))
    np.testing.assert_allclose([model["out.bias"] for model in found], outputs, rtol=1e-6)
    assert not any(model["out.weight"].any() for model in found)


@pytest.mark.parametrize(
    ("limits", "kind"), [(bounds(1.2, 1.3), Finding), (bounds(0.1, 0.7), Passed)]
)
def test_where_no_model_can_be_tried_a_constant_is_judged_by_its_loss(tmp_path, limits, kind):
    folder = game(tmp_path, competition=limits)
    rules = load_competition(folder)
    place = Place(game_files(str(folder)), "points", rules.rules)
    targets = np.array([0, 1, 2])
    (found,) = constants(
        place, rules.rules, rules.workloads["points"], targets, "cross_entropy", None, None, {}
    )
    assert isinstance(found, kind)
