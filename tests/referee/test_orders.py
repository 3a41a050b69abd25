"""What a referee and a supervisor say to each other reads back as it was said."""

from pathlib import Path

import pytest

from mlgolf.referee.orders import (
    Command,
    Done,
    Ended,
    Hold,
    Order,
    decode_answer,
    encode_answer,
)


def test_an_order_reads_back_as_it_was_given():
    order = Order(
        argv=["play", "it"], environment={"HOME": "/tmp"}, inherit=[3, 4], see=[Path("/a b")],
        hide=[Path("/c")], cores=[1], memory_bytes=2**33, best_effort=True, walls=True,
        given=[Path("/d")], pack=5,
    )
    assert Order.decode(order.encode()) == order


@pytest.mark.parametrize("command", Command)
def test_done_is_of_one_command(command):
    others = [other for other in Command if other is not command]
    assert decode_answer(encode_answer(Done.of(command))) == Done.of(command)
    assert Done.of(command) not in map(Done.of, others)


@pytest.mark.parametrize("answer", [Hold(7, "best_effort", "shared", "refused", ""), Ended(-9)])
def test_an_answer_reads_back_as_it_was_told(answer):
    back = decode_answer(encode_answer(answer))
    assert (type(back), back) == (type(answer), answer)
