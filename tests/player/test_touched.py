"""What a contestant looks up is counted, and all else is as without counting."""

import copy
import inspect
import json

import pytest

from mlgolf.core.messages import Finished, Submitted, decode, encode
from mlgolf.player.touched import counted


class Handed:
    """Something to be handed over."""

    def __init__(self) -> None:
        self.loss = "loss"

    @property
    def steps(self) -> int:
        return 10

    @property
    def half(self) -> int:
        return self.steps // 2

    def double(self, value: int, *, times: int = 1) -> int:
        """Twice, so often."""
        return value * 2**times

    def rename(self, loss: str) -> None:
        self.loss = loss


def test_members_are_counted_by_name_each_time_that_they_are_looked_up():
    view, counts = counted(Handed())
    assert (view.steps, view.steps, view.loss, view.double(3, times=2)) == (10, 10, "loss", 12)
    assert dict(counts) == {"steps": 2, "loss": 1, "double": 1}


def test_what_an_object_looks_up_in_itself_is_not_counted():
    view, counts = counted(Handed())
    assert view.half == 5
    assert dict(counts) == {"half": 1}


def test_the_view_and_the_object_have_one_state():
    handed = Handed()
    view, _ = counted(handed)
    view.rename("other")
    assert (handed.loss, view.loss) == ("other", "other")
    view.own = 1
    assert handed.own == 1  # type: ignore[attr-defined]


def test_a_member_that_is_set_is_counted_and_set():
    handed = Handed()
    view, counts = counted(handed)
    view.loss = "mine"
    view.double = lambda value: value  # type: ignore[method-assign]
    assert (handed.loss, view.double(3)) == ("mine", 3)
    assert dict(counts) == {"set loss": 1, "set double": 1, "double": 1}
    with pytest.raises(AttributeError):
        view.steps = 3  # type: ignore[misc]


def test_a_view_is_an_object_of_its_class_with_the_same_signatures():
    view, _ = counted(Handed())
    assert isinstance(view, Handed)
    assert type(view).__name__ == "Handed"
    assert inspect.signature(view.double) == inspect.signature(Handed().double)
    assert view.double.__doc__ == "Twice, so often."
    assert hash(view) == hash(view)
    assert copy.copy(view).steps == 10
    with pytest.raises(AttributeError, match="'Handed' object has no attribute 'stops'"):
        view.stops  # noqa: B018


def test_counts_cross_with_a_model_and_at_the_end():
    for message in (
        Submitted(3, 5, touched={"loss_fn": 2, "set loss_fn": 1}), Finished(3, "", {"step_hint": 1})
    ):
        assert decode(encode(message)) == message


@pytest.mark.parametrize(
    "touched",
    [
        {"a b": 1}, {"x" * 81: 1}, {"": 1}, {"x": -1}, {"x": 2**53}, {"x": "1"}, {"x": 1.5}, [1],
        {f"x{n}": 1 for n in range(101)}, {"\x1b[31m": 1},
    ],
)
def test_counts_that_are_none_are_no_message(touched):
    fields = {"step": 1, "length": 5, "touched": touched}
    with pytest.raises(ValueError, match="not a message"):
        decode(json.dumps({"message": "Submitted", "fields": fields}).encode())
