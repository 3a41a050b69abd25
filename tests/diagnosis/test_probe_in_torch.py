import pytest

torch = pytest.importorskip("torch")

from mlgolf.diagnosis.counting_torch import count_operations  # noqa: E402
from mlgolf.diagnosis.probe_torch import TorchProbe  # noqa: E402


def counted(work):
    return {operation.name: operation for operation in count_operations(work)}


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
