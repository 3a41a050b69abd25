"""What crosses between the processes: messages, counters, models."""

import contextlib
import os
import socket
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from safetensors.numpy import load

from mlgolf.core.messages import Failed, Finished, Logged, Ready, Submitted, decode, encode
from mlgolf.player.channel import LONGEST_MESSAGE, Board, Channel, anonymous_memory
from mlgolf.player.handover import Handover

arrays = st_numpy.arrays(
    dtype=st.sampled_from([np.float32, np.float64, np.int64, np.bool_]),
    shape=st_numpy.array_shapes(min_dims=0, max_dims=3, max_side=5),
)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
models = st.dictionaries(names, arrays, min_size=1, max_size=6)


@given(models)
def test_what_is_handed_over_reads_back_with_the_safetensors_library(model):
    buffer = bytearray(1 << 16)
    length = Handover(buffer).write(model)
    back = load(bytes(buffer[:length]))
    assert back.keys() == model.keys()
    for name, array in model.items():
        np.testing.assert_array_equal(back[name], array)
        assert back[name].dtype == array.dtype


def test_a_later_hand_over_replaces_the_values_in_place():
    buffer = bytearray(4096)
    handover = Handover(buffer)
    first = handover.write({"weight": np.zeros(8, np.float32)})
    second = handover.write({"weight": np.arange(8, dtype=np.float32)})
    assert first == second
    np.testing.assert_array_equal(load(bytes(buffer[:second]))["weight"], np.arange(8))


def test_a_model_that_does_not_fit_is_refused_with_both_sizes():
    with pytest.raises(ValueError, match="its mapping has 100"):
        Handover(bytearray(100)).write({"weight": np.zeros(1000, np.float32)})


def test_a_type_without_a_safetensors_name_is_refused():
    with pytest.raises(ValueError, match="complex64"):
        Handover(bytearray(4096)).write({"weight": np.zeros(2, np.complex64)})


@pytest.mark.parametrize(
    "message",
    [
        Ready({"torch": "2"}), Submitted(3, 100), Logged(1, {"loss": 0.5}), Finished(9, "done"),
        Failed(2, "KeyError", "'x'", "Traceback\nwith lines"),
    ],
)
def test_a_message_survives_the_crossing(message):
    assert decode(encode(message)) == message


@pytest.mark.parametrize(
    "line",
    [
        b'{"message": "Submitted", "fields": {"step": "x", "length": 5}}',
        b'{"message": "Submitted", "fields": {"step": 1.5, "length": 5}}',
        b'{"message": "Submitted", "fields": {"step": -1, "length": 5}}',
        b'{"message": "Finished", "fields": {"step": 1' + b"0" * 400 + b', "reason": ""}}',
        b'{"message": "Logged", "fields": {"step": 1, "values": [1]}}',
        b'{"message": "Failed", "fields": {"step": 1, "kind": "", "message": 5, "traceback": ""}}',
        b'{"message": "Exited", "fields": {"code": -9}}',
        b'{"message": "Ready", "fields": {}, "step": 1}',
        b'{"message": "Ready", "fields": {"more": 1}}',
        b'{"message": "Ready", "fields": {"versions": {"torch": "\\ud800"}}}',
        b'{"message": "Ready", "fields": {"versions": {"torch": "2\\n3"}}}',
        b'{"message": "Ready", "fields": {"versions": {"torch": "' + b"2" * 201 + b'"}}}',
        b'{"message": [], "fields": {}}',
        b"[" * 200_000,
    ],
)
def test_a_message_of_other_types_is_refused(line):
    with pytest.raises(ValueError, match="not a message"):
        decode(line)


def test_bytes_that_drip_in_do_not_prolong_the_wait():
    ours, theirs = socket.socketpair()
    stop = threading.Event()

    def drip() -> None:
        while not stop.is_set():
            theirs.sendall(b"x")
            time.sleep(0.001)

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        assert Channel(ours).receive(timeout=0.02) is None
    finally:
        stop.set()
        thread.join()


@given(st.binary(max_size=200))
def test_nonsense_is_a_value_error_and_nothing_else(line):
    with contextlib.suppress(ValueError):
        decode(line)


def test_messages_that_arrive_in_pieces_are_put_together():
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    data = encode(Finished(1, "a")) + encode(Finished(2, "b"))
    theirs.sendall(data[:10])
    assert channel.receive(timeout=0) is None
    theirs.sendall(data[10:])
    assert [channel.receive(), channel.receive()] == [Finished(1, "a"), Finished(2, "b")]


def test_a_flood_without_an_end_is_cut_off():
    ours, theirs = socket.socketpair()
    channel = Channel(ours)

    def flood() -> None:
        for _ in range(2 * LONGEST_MESSAGE // 65536):
            theirs.sendall(b"x" * 65536)
            channel.receive(timeout=0)

    with pytest.raises(ValueError, match="a message of over"):
        flood()


@pytest.mark.parametrize("more", [0, 1])
def test_a_message_has_a_mebibyte_at_most(more):
    ours, theirs = socket.socketpair()
    channel, line = Channel(ours), encode(Finished(1, ""))
    size = LONGEST_MESSAGE + more - len(line) + 1
    line = line.replace(b'"reason": ""', b'"reason": "' + size * b"x" + b'"')
    writer = threading.Thread(target=theirs.sendall, args=[line])
    writer.start()
    with pytest.raises(ValueError, match="of over") if more else contextlib.nullcontext():
        assert channel.receive(timeout=10) == Finished(1, size * "x")
    ours.close()
    writer.join()


def test_the_end_of_the_other_side_is_told():
    ours, theirs = socket.socketpair()
    theirs.close()
    with pytest.raises(EOFError):
        Channel(ours).receive()


def test_both_sides_see_the_same_board():
    descriptor = anonymous_memory("test", Board.BYTES)
    one, other = Board(descriptor), Board(descriptor)
    one.step, one.clock_seconds = 42, 1.5
    other.evaluate_at = 50
    assert (other.step, other.clock_seconds, one.evaluate_at) == (42, 1.5, 50)
    os.close(descriptor)


def test_shared_memory_has_no_name_and_keeps_its_size():
    before = set(os.listdir("/dev/shm"))
    descriptor = anonymous_memory("test", 4096)
    assert set(os.listdir("/dev/shm")) == before
    with pytest.raises(PermissionError):
        os.ftruncate(descriptor, 1)
    os.close(descriptor)
