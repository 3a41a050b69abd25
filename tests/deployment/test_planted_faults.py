"""Faults planted in exports of the mini image network in both frameworks are found and named."""

import json

import numpy as np
import pytest

pytest.importorskip("jax2onnx")

from planted import Jax, Torch, normalised, pixels

pytestmark = pytest.mark.filterwarnings("ignore")
QUICK = ("--runs", 60, "--seconds", 0.5, "--batch-sizes", "1", "--threads", 1, "--json")


@pytest.fixture(scope="module", params=[Torch, Jax], ids=["torch", "jax"])
def network(request):
    return request.param()


@pytest.fixture(scope="module")
def checked(network, mlgolf, tmp_path_factory):
    """Exports with a fault, and checks against the sound network's outputs; JSON."""
    folder = tmp_path_factory.mktemp(network.name)
    outputs = network.outputs(normalised(pixels()))
    np.savez(folder / "reference.npz", outputs)

    def check(fault, *more, images=None, expect):
        data = folder / "data.npz"
        images = normalised(pixels()) if images is None else images
        np.savez(data, images=images, targets=outputs.argmax(axis=1))
        model = folder / f"{fault.replace(' ', '_') or 'sound'}.onnx"
        if not model.exists():
            network.export(model, fault)
        ask = ("--reference", folder / "reference.npz", "--data", data, *QUICK, *more)
        return json.loads(mlgolf("deploy", model, *ask, expect=expect).stdout)

    return check


def named(found, strength):
    return {one["fault"] for one in found["likely_faults"] if one["strength"] == strength}


NO_8_BITS = ("--quantise", "none")


def test_a_sound_export_passes_and_nothing_is_suspected(checked):
    found = checked("", *NO_8_BITS, expect=0)
    assert found["passed"]
    assert found["likely_faults"] == []
    assert found["parity"]["relative"] < 1e-4


def test_a_missing_normalisation_is_named_with_its_numbers(checked):
    found = checked("", *NO_8_BITS, images=pixels(), expect=1)
    assert named(found, "undone") == {"preprocessing"}
    assert any("123.7, 116.3, 103.5" in one["says"] for one in found["likely_faults"])


def test_channels_in_the_other_order_are_named(checked):
    found = checked("", *NO_8_BITS, images=normalised(pixels())[:, ::-1].copy(), expect=1)
    assert named(found, "undone") == {"preprocessing"}
    assert "RGB and BGR" in found["likely_faults"][0]["says"]


def test_batch_norm_in_training_mode_is_named(checked):
    found = checked("training mode", *NO_8_BITS, expect=1)
    assert "training mode" in named(found, "seen") | named(found, "possible")
    assert any("other examples of its batch" in one["says"] or "another batch" in one["says"]
               for one in found["likely_faults"])  # fmt: skip


def test_a_transposed_axis_is_named(checked):
    found = checked("transposed axis", *NO_8_BITS, expect=1)
    assert named(found, "undone") == {"transposed axis"}


def test_a_channel_that_8_bits_cannot_hold_is_named_with_its_layer(checked, tmp_path):
    budget = tmp_path / "ship.toml"
    budget.write_text("quantised_quality_drop = 0.3\nparity = 1e-3\n")
    found = checked("8-bit overflow", "--budget", budget, expect=1)
    assert "drop of quality by 8 bits" in found["reasons"][0]
    assert "8-bit overflow" in named(found, "seen")
    costliest = found["quantisation"]["layers"][0]
    assert costliest["input_spread"] > 1000
    whole = found["quantisation"]["relative"]
    assert found["quantisation"]["without_costliest_relative"] < whole / 3


def test_a_slow_operator_fails_a_bound_that_the_sound_export_keeps_and_is_named(
    checked, network, tmp_path
):
    usual = checked("", *NO_8_BITS, expect=0)["latency"]["p50_ms"]
    budget = tmp_path / "ship.toml"
    budget.write_text(f"latency_p50_ms = {2 * usual}\n")
    assert checked("", "--budget", budget, *NO_8_BITS, expect=0)["passed"]
    found = checked("slow operator", "--budget", budget, *NO_8_BITS, expect=1)
    assert ["median latency" in reason for reason in found["reasons"]] == [True]
    (fault,) = found["likely_faults"]
    assert (fault["fault"], fault["strength"]) == ("slow operator", "seen")
    assert network.slow_operator in fault["says"]
