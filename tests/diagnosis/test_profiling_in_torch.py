"""Self times by class. What a profiler tells is made up where seconds matter."""

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from mlgolf.diagnosis.job import JobPlan, build, loader_of  # noqa: E402
from mlgolf.diagnosis.probe_torch import TorchProbe  # noqa: E402
from mlgolf.diagnosis.profiling_torch import (  # noqa: E402
    UPDATE,
    StepProfile,
    exposed,
    is_product,
    middle_of,
    step_of,
)


def event(name, start, end, own=None, on_device=0.0):
    """In microseconds, as the profiler has them."""
    return SimpleNamespace(
        name=name, time_range=SimpleNamespace(start=start, end=end),
        self_cpu_time_total=end - start if own is None else own, self_device_time_total=on_device,
        device_type=torch.autograd.DeviceType.CPU,
    )


STEP = [
    event("aten::linear", 0, 110, own=10), event("aten::addmm", 5, 105),
    event("aten::gelu", 110, 180),
    event("autograd::engine::evaluate_function: GeluBackward0", 180, 300, own=30),
    event("a stretch of a person's", 0, 400, own=90),
]  # fmt: skip


@pytest.mark.parametrize("name", [
    "aten::mm", "aten::addmm", "aten::bmm", "aten::linear", "aten::mkldnn_convolution",
    "aten::convolution_backward", "aten::_scaled_dot_product_flash_attention_for_cpu", "aten::dot",
])  # fmt: skip
def test_products_and_convolutions_are_products(name):
    assert is_product(name)


@pytest.mark.parametrize("name", [
    "aten::_softmax", "aten::gelu", "aten::native_layer_norm", "aten::upsample_linear1d",
    "aten::_convert_weight_to_int4pack", "aten::comma", "aten::copy_", "aten::sum",
])  # fmt: skip
def test_all_else_is_none(name):
    assert not is_product(name)


def times_of(events, **how):
    return middle_of([step_of(events, **how)])


def test_an_operation_that_others_interrupt_in_one_step_is_as_long_as_in_the_rest():
    def interrupted(at):
        took = [1.0, 1.0, 1.0]
        took[at] = 90.0
        names = ("aten::mm", "aten::gelu", "aten::sum")
        return step_of([
            event(name, 0, 0, own=own) for name, own in zip(names, took, strict=True)
        ])  # fmt: skip

    found = middle_of([interrupted(at) for at in range(3)])
    assert (found.products, found.others) == (pytest.approx(1e-6), pytest.approx(2e-6))


def test_of_steps_that_differ_those_count_of_which_there_are_most():
    often, once = step_of(STEP), step_of([event("aten::mm", 0, 900)])
    assert middle_of([once, often, often]).other_calls == 1


def test_self_times_of_operations_are_added_up_by_class():
    found = times_of(STEP)
    assert (found.products, found.others) == (pytest.approx(110e-6), pytest.approx(70e-6))
    assert (found.product_calls, found.other_calls) == (2, 1)


def test_operations_of_the_update_are_left_out():
    updated = [*STEP, event(UPDATE, 400, 500), event("aten::addcdiv_", 410, 490)]
    assert times_of(updated).others == pytest.approx(70e-6)


def test_what_follows_a_backward_pass_before_another_one_is_no_update():
    passes = [event(UPDATE, 110, 180), *STEP, event(UPDATE, 400, 500)]
    assert times_of(passes, only_last_update=True).others == pytest.approx(70e-6)


def test_on_a_device_its_kernels_are_what_takes_time():
    found = times_of([event("aten::mm", 0, 9, on_device=200.0), event("aten::gelu", 9, 20)])
    assert (found.products, found.others) == (pytest.approx(200e-6), 0)


def test_communication_counts_where_nothing_is_computed_meanwhile():
    assert exposed([(10, 50)], [(0, 20), (30, 35)]) == 10 + 15
    assert exposed([(10, 30), (20, 50)], []) == 40
    said = times_of([*STEP, event("gloo:all_reduce", 100, 250)])
    assert said.communication == pytest.approx(70e-6)


def test_a_step_that_was_not_profiled_tells_nothing():
    assert StepProfile().middle() is None


def test_a_model_of_softmax_alone_computes_nothing_in_products():
    profile = StepProfile()
    for _ in range(3):
        with profile.step():
            torch.ones(64, 64).softmax(1)
    found = profile.middle()
    assert (found.products, found.product_calls) == (0, 0)
    assert found.others > 0


def test_a_script_profiles_its_steps_without_the_optimizer():
    layer = torch.nn.Linear(16, 16, bias=False)
    optimizer = torch.optim.Adam(layer.parameters())

    def facts_of(update):
        probe = TorchProbe()
        for block in probe.experiments():
            with block:
                layer.weight.grad = None
                layer(torch.ones(4, 16)).sum().backward()
                update()
        return probe.facts()

    with_update, without = facts_of(optimizer.step), facts_of(lambda: None)
    assert with_update["profile"]["products"] > 0
    assert with_update["profile"]["other_calls"] == without["profile"]["other_calls"]
    assert with_update["gradient_bytes"] == 4 * 16 * 16


def test_the_step_of_a_workload_is_profiled(data_dir):
    plan = JobPlan(
        workload="linear", size="mini", framework="torch", submission="nadamw",
        data_dir=str(data_dir), threads=1,
    )  # fmt: skip
    job = build(plan)
    found = job.operation_times(job.place(next(loader_of(plan).batches(8))))
    assert found.products > 0
    assert job.gradient_bytes() > 0
