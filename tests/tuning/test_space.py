"""What a tuning_search_space.json may say, and what its author is told otherwise."""

import json

import pytest

from mlgolf.core.errors import SearchSpaceError
from mlgolf.tuning.optlist import OptList
from mlgolf.tuning.space import (
    Box,
    Choice,
    Interval,
    Scaling,
    parse_search_space,
    read_search_space,
)

LOG = {"min": 1e-4, "max": 1e-2, "scaling": "log"}


def test_the_dict_form_is_read_in_the_order_of_the_file(tmp_path):
    path = tmp_path / "tuning_search_space.json"
    path.write_text(json.dumps({"learning_rate": LOG, "dropout": {"feasible_points": [0.0, 0.1]}}))
    space = read_search_space(path)
    assert isinstance(space, Box)
    assert list(space.dimensions.items()) == [
        ("learning_rate", Interval(low=1e-4, high=1e-2, scaling=Scaling.LOG)),
        ("dropout", Choice(feasible_points=(0.0, 0.1))),
    ]


def test_the_list_form_is_read_as_an_optlist():
    space = parse_search_space([{"beta2": 0.9}, {"beta2": 0.99}])
    assert space == OptList(entries=({"beta2": 0.9}, {"beta2": 0.99}))


def test_feasible_points_are_numbers_words_and_short_lists_of_them():
    points = [0.1, 3, True, None, "cosine", [0.9, 0.999]]
    space = parse_search_space({"x": {"feasible_points": points}})
    assert space.dimensions["x"].feasible_points == tuple(points)


@pytest.mark.parametrize("value", ["A" * 101, [0.5] * 9, {"kernel": 1.0}, [[1.0], [2.0]]])
@pytest.mark.parametrize("form", ["box", "list"])
def test_weights_are_no_hyperparameter(value, form):
    """A module that is looked over could train, and hand on what it found as a search space."""
    space = {"x": {"feasible_points": [value]}} if form == "box" else [{"x": value}]
    with pytest.raises(SearchSpaceError, match=r"x.*found.*(expected a number|allowed are 8)"):
        parse_search_space(space)


def test_an_interval_may_be_a_single_number():
    space = parse_search_space({"beta2": {"min": 0.999, "max": 0.999, "scaling": "linear"}})
    assert space.dimensions["beta2"].at(0.3) == 0.999


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"lr": {"min": 2, "max": 1, "scaling": "linear"}}, ["lr", "min 2", "max 1"]),
        ({"lr": {"min": 0, "max": 1, "scaling": "log"}}, ["lr: min", "found 0", "above 0"]),
        ({"lr": {"min": 1, "max": 2, "scaling": "cubic"}}, ["lr: scaling", "cubic", "linear"]),
        ({"lr": {"min": 1, "max": 2, "scaling": ["log"]}}, ["lr: scaling", "linear and log"]),
        ({"lr": {"min": "1", "max": 2, "scaling": "log"}}, ["lr: min", "'1'", "finite number"]),
        ({"lr": {"min": True, "max": 2, "scaling": "log"}}, ["lr: min", "True"]),
        ({"lr": {"min": 1, "max": float("inf"), "scaling": "log"}}, ["lr: max", "inf"]),
        ({"lr": {"min": 1, "max": 2}}, ["lr", "scaling", "feasible_points"]),
        ({"lr": {"min": 1, "max": 2, "scaling": "log", "step": 1}}, ["lr", "no others"]),
        ({"lr": 0.1}, ["lr", "found 0.1", "feasible_points"]),
        ({"lr": {"feasible_points": []}}, ["lr: feasible_points", "at least one"]),
        ({"lr": {"feasible_points": 3}}, ["lr: feasible_points", "found 3"]),
        ({"learning rate": LOG}, ["'learning rate'", "identifiers"]),
        ({"lambda": LOG}, ["'lambda'", "keywords"]),
        ([{"_lr": 1}], ["'_lr'", "underscore"]),
        ([], ["empty list", "at least one"]),
        ([{"lr": 1}, 3], ["entry 1", "found 3"]),
        ([{"lr": 1, "wd": 0}, {"lr": 1, "beta": 0}], ["entry 1", "beta, wd", "same"]),
        ("AdamW", ["found str", "object", "list"]),
    ],
)
def test_a_mistake_is_told_with_its_place_what_was_found_and_what_is_allowed(data, says):
    with pytest.raises(SearchSpaceError) as error:
        parse_search_space(data, source="space.json")
    assert all(words in str(error.value) for words in ["space.json", *says]), str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b'{"lr":\n  {"min" 1}}', ["not JSON", "line 2", "column 10"]),
        (b'{"lr": {"feasible_points": [1]}, "lr": {"feasible_points": [2]}}', ["'lr'", "twice"]),
        (b'{"lr": \xff}', ["utf-8"]),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_path(tmp_path, text, says):
    path = tmp_path / "tuning_search_space.json"
    path.write_bytes(text)
    with pytest.raises(SearchSpaceError) as error:
        read_search_space(path)
    assert all(words in str(error.value) for words in [str(path), *says]), str(error.value)


def test_a_missing_file_is_told_with_what_it_is_for(tmp_path):
    with pytest.raises(SearchSpaceError, match=r"No such file.*External tuning needs"):
        read_search_space(tmp_path / "tuning_search_space.json")


def test_a_list_shorter_than_the_trials_is_played_whole_and_said_so():
    space = OptList(entries=({"lr": 1}, {"lr": 2}))
    assert space.first(5) == [{"lr": 1}, {"lr": 2}]
    assert "lists 2 points and the rules allow 5" in (space.shortfall(5) or "")
    assert space.shortfall(2) is None


def test_a_box_with_one_value_in_each_dimension_is_not_tuned_by_several_trials():
    one = {"min": 0.1, "max": 0.1, "scaling": "log"}
    space = parse_search_space({"rate": one, "beta": {"feasible_points": [0.9, 0.9]}})
    assert "1 point, not tuned: all 3 trials" in (space.shortfall(3) or "")
    assert space.shortfall(1) is None
    assert parse_search_space({"beta": {"feasible_points": [0.9, 0.8]}}).shortfall(3) is None
