"""The link to the referee, used by a contestant that trains by itself, without any framework."""

import socket

import numpy as np
import pytest
from safetensors.numpy import load

from mlgolf.core.messages import (
    Assignment,
    Begin,
    Evaluated,
    Failed,
    Finished,
    Logged,
    Ready,
    Stop,
    Submitted,
)
from mlgolf.player.channel import Board, Channel, anonymous_memory
from mlgolf.player.handover import Handover
from mlgolf.player.link import Link, Stopped
from mlgolf.player.play import play

MODEL = {"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.ones(2)}
EVALUATED = Evaluated(7, {"validation/loss": 0.5}, {"is_time_remaining": True})


class Ends:
    """Both ends of a link, and the bytes of its mapping."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.referee, self.mapping = Channel(ours), bytearray(4096)
        board = Board(anonymous_memory("test", Board.BYTES))
        self.link = Link(Channel(theirs), board, Handover(self.mapping))


@pytest.fixture
def ends() -> Ends:
    return Ends()


def assignment(**changes) -> Assignment:
    fields = {
        "submission_file": "s.py", "framework": "torch", "workload": "linear", "size": "mini",
        "objective": "time", "asked": {}, "workload_rules": {}, "hyperparameters": None,
        "seed": 1, "threads": 1, "train_folder": "train",
    }
    return Assignment(**fields | changes)


def test_named_arrays_are_submitted_and_the_answer_comes_back(ends):
    ends.referee.send(EVALUATED)
    assert ends.link.submit(MODEL, 7) == EVALUATED
    submitted = ends.referee.receive()
    assert submitted == Submitted(7, submitted.length, is_query=False)
    crossed = load(bytes(ends.mapping[: submitted.length]))
    assert {name: array.tolist() for name, array in crossed.items()} == {
        name: array.tolist() for name, array in MODEL.items()
    }


def test_a_query_is_marked_as_one(ends):
    ends.referee.send(EVALUATED)
    assert ends.link.query(MODEL, 7) == EVALUATED
    assert ends.referee.receive().is_query is True


def test_the_clock_runs_once_the_player_is_ready_and_the_referee_has_begun(ends):
    ends.referee.send(Begin())
    ends.link.begin({"numpy": "2"})
    assert ends.referee.receive() == Ready({"numpy": "2"})


def test_numbers_and_the_end_are_told_in_order(ends):
    ends.link.log(3, {"loss": 0.25})
    ends.link.finish(4, "done")
    told = [ends.referee.receive(), ends.referee.receive()]
    assert told == [Logged(3, {"loss": 0.25}), Finished(4, "done")]


@pytest.mark.parametrize(
    "wait", [lambda link: link.assignment(), lambda link: link.submit(MODEL, 1)]
)
def test_a_stop_ends_every_wait(ends, wait):
    ends.referee.send(Stop())
    with pytest.raises(Stopped):
        wait(ends.link)


def test_a_failure_is_told_with_its_step_and_its_traceback(ends):
    ends.link.board.step = 5
    try:
        raise KeyError("x")
    except KeyError as error:
        ends.link.fail(error)
    failed = ends.referee.receive()
    assert isinstance(failed, Failed)
    assert (failed.step, failed.kind, failed.message) == (5, "KeyError", "'x'")
    assert 'raise KeyError("x")' in failed.traceback


def test_an_assignment_is_a_submissions_unless_it_says_otherwise():
    assert assignment().contract == "submission"


def test_a_contract_that_nobody_plays_is_told_with_those_that_there_are(ends):
    ends.referee.send(assignment(contract="quiz"))
    play(ends.link)
    failed = ends.referee.receive()
    assert "unknown contract 'quiz'" in failed.message
    assert "Known: entry, submission" in failed.message
