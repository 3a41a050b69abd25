from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from mlgolf.diagnosis import probe_torch  # noqa: E402
from mlgolf.diagnosis.counting_torch import _has_tf32, count_operations  # noqa: E402
from mlgolf.diagnosis.probe_torch import CudaReplay, TorchProbe  # noqa: E402


def counted(work):
    """By name, those of all sizes together."""
    found = {}
    for one in count_operations(work):
        before = found.get(one.name, replace(one, count=0, flop=0, bytes=0))
        found[one.name] = replace(
            one, count=before.count + one.count, flop=before.flop + one.flop,
            bytes=before.bytes + one.bytes,
        )
    return found


def test_a_product_is_two_flop_per_multiplication():
    left, right = torch.ones(4, 8), torch.ones(8, 16)
    found = counted(lambda: left @ right)["mm"]
    assert (found.count, found.flop) == (1, 2 * 4 * 8 * 16)
    assert found.bytes == 4 * (4 * 8 + 8 * 16 + 4 * 16)


def test_operations_by_element_move_bytes_and_have_no_flop():
    value = torch.ones(100)
    found = counted(lambda: value + value + value)["add"]
    assert (found.count, found.flop, found.bytes) == (2, 0, 2 * 3 * 400)


def test_the_backward_pass_counts():
    layer = torch.nn.Linear(8, 4, bias=False)
    inputs = torch.ones(2, 8, requires_grad=True)
    forward = counted(lambda: layer(inputs))["mm"].flop
    both = counted(lambda: layer(inputs).sum().backward())["mm"].flop
    assert both == 3 * forward


def test_of_a_table_only_the_rows_that_are_read_count():
    table, rows = torch.ones(10_000, 8), torch.arange(4)
    found = counted(lambda: torch.nn.functional.embedding(rows, table))["embedding"]
    assert found.bytes < 1000


def test_views_move_nothing():
    value = torch.ones(100, 10)
    assert counted(lambda: value.view(1000))["view"].bytes == 0


def test_a_probe_counts_operations_and_tries_threads_and_puts_them_back():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    probe = TorchProbe()
    for block in probe.experiments():
        with block:
            torch.ones(4) + 1
    facts = probe.facts()
    assert {operation["name"] for operation in facts["operations"]} >= {"add", "ones"}
    assert torch.get_num_threads() == facts["threads"] == 1
    torch.set_num_threads(threads)


def test_slow_steps_are_repeated_with_the_threads_of_the_script_alone(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(probe_torch.time, "perf_counter", lambda: now[0])
    probe = TorchProbe()
    steps = 0
    for block in probe.experiments():
        with block:
            now[0] += 8.0
        steps += 1
    assert steps == 3  # one counts operations, one is profiled
    assert (probe.facts()["alone"], probe.facts()["repeats"]) == (8.0, 1)


def test_only_counted_steps_of_the_optimizer_count():
    weight = torch.nn.Parameter(torch.ones(2))
    weight.grad = torch.ones(2)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    probe = TorchProbe()
    optimizer.step()
    assert "optimizer_total" not in probe.facts()
    probe.begin()
    optimizer.step()
    assert probe.facts()["optimizer_total"] >= 0


def test_the_optimizer_counts_again_in_each_pass():
    weight = torch.nn.Parameter(torch.ones(2))
    weight.grad = torch.ones(2)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    probe = TorchProbe()
    for _ in range(3):
        probe.begin()
        optimizer.step()
        probe.end()
        optimizer.step()
    assert probe._calls == 3


def test_operations_of_the_optimizer_are_left_out():
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.Adam([weight])
    probe = TorchProbe()
    with next(probe.experiments()):
        (3 * weight).sum().backward()
        optimizer.step()
    names = {operation["name"] for operation in probe.facts()["operations"]}
    assert "mul" in names
    assert not {name for name in names if "lerp" in name or "addcdiv" in name}


def test_one_large_product_and_many_small_ones_are_records_of_their_own():
    large, small = torch.ones(64, 64), torch.ones(4, 4)

    def work():
        large @ large
        for _ in range(10):
            small @ small

    found = sorted((one.count, one.flop) for one in count_operations(work) if one.name == "mm")
    assert found == [(1, 2 * 64**3), (10, 10 * 2 * 4**3)]


def test_attention_on_a_cpu_has_flop_forward_and_backward():
    query = torch.ones(1, 2, 16, 8, requires_grad=True)
    attention = torch.nn.functional.scaled_dot_product_attention
    found = counted(lambda: attention(query, query, query, is_causal=True).sum().backward())
    forward = 2 * 2 * (2 * 16 * 16 * 8)  # heads, two products
    assert found["_scaled_dot_product_flash_attention_for_cpu"].flop == forward
    assert found["_scaled_dot_product_flash_attention_for_cpu_backward"].flop == 2.5 * forward


def test_what_is_not_filled_moves_nothing():
    assert counted(lambda: torch.empty(100))["empty"].bytes == 0


def test_an_expanded_dimension_is_read_once():
    row, value = torch.ones(1, 10).expand(100, 10), torch.ones(100, 10)
    assert counted(lambda: value + row)["add"].bytes == 4 * (1000 + 10 + 1000)


def test_operations_have_the_type_that_they_are_computed_in():
    value = torch.ones(4, 4, dtype=torch.bfloat16)
    assert counted(lambda: value @ value)["mm"].dtype == "bfloat16"


def test_convolutions_have_a_setting_of_tf32_of_their_own():
    with torch.backends.cudnn.flags(allow_tf32=True):
        assert _has_tf32("convolution_backward")
        assert _has_tf32("mm") == torch.backends.cuda.matmul.allow_tf32
    with torch.backends.cudnn.flags(allow_tf32=False):
        assert not _has_tf32("convolution_backward")


class FakeCuda:
    """A device that is one second behind whoever asks; its events know when they were asked for."""

    def __init__(self):
        self.now, self.waits = 0.0, 0

    def synchronize(self):
        self.waits += 1
        self.now += 1.0

    def Event(self, enable_timing):
        return FakeEvent(self)


class FakeEvent:
    def __init__(self, cuda):
        self.cuda, self.at = cuda, 0.0

    def record(self):
        self.at = self.cuda.now

    def elapsed_time(self, other):
        return 1e3 * (other.at - self.at)


def test_steps_that_are_replayed_on_a_device_are_waited_for_around_the_first_and_the_others():
    cuda = FakeCuda()
    replay = CudaReplay(cuda, lambda: cuda.now)
    for block in replay.blocks(3):
        with block:
            cuda.now += 0.5
            replay.optimizer_begins()
            cuda.now += 0.5
            replay.optimizer_ends()
    assert cuda.waits == 5  # one before the step that is only issued
    assert replay.facts() == {
        "replay": (3 * 1.0 + 2.0) / 3, "repeats": 3, "issued": 1.0, "optimizer": 0.5
    }  # fmt: skip


def test_a_replay_that_was_cut_short_tells_nothing():
    assert CudaReplay(FakeCuda(), lambda: 0.0).facts() == {}
