"""What holds for every method, by its name."""

from dataclasses import FrozenInstanceError
from importlib import import_module

import pytest

from mlgolf.core.errors import MethodError
from mlgolf.methods import METHODS, Cutout, Method, SelectiveBackprop

WINDOWED = ["cutout", "mixup", "label_smoothing", "selective_backprop", "small_model_selection"]
NEUTRAL = {"selective_backprop": 1.0, "small_model_selection": 1.0}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_a_frozen_record_that_has_defaults_and_knows_its_name(name):
    method = METHODS[name]()
    assert isinstance(method, Method)
    assert method.name == name
    with pytest.raises(FrozenInstanceError):
        method.start = 0.5


@pytest.mark.parametrize("name", METHODS)
def test_what_a_method_does_depends_on_progress_alone(name):
    for progress in (0.0, 0.3, 0.5, 0.99, 1.0, 1.7):
        assert METHODS[name]().at(progress) == METHODS[name]().at(progress)


@pytest.mark.parametrize("name", METHODS)
def test_a_module_says_its_source_its_claim_and_what_it_relieves_and_loads(name):
    text = import_module(METHODS[name].__module__).__doc__
    for word in ("Source:", "Claim:", "Relieves:", "Loads:"):
        assert word in text


@pytest.mark.parametrize("name", WINDOWED)
def test_nothing_holds_outside_the_window(name):
    method = METHODS[name](start=0.3, end=0.6)
    neutral = NEUTRAL.get(name, 0.0)
    assert [method.at(p) == neutral for p in (0.0, 0.29, 0.3, 0.59, 0.6, 1.0)] == [
        True, True, False, False, True, True,
    ]  # fmt: skip


def test_a_window_that_ends_at_1_goes_on_behind_the_end():
    assert Cutout(start=0.5).at(1.4) == 0.5


@pytest.mark.parametrize("window", [{"start": -0.1}, {"end": 1.1}, {"start": 0.6, "end": 0.5}])
def test_a_window_that_is_none_is_refused_with_what_was_found(window):
    with pytest.raises(MethodError, match="shares of training"):
        Cutout(**window)


def test_a_knob_out_of_range_is_refused_with_what_is_allowed():
    with pytest.raises(MethodError, match=r"keep=1\.5; it is a share above 0, at most 1"):
        SelectiveBackprop(keep=1.5)
