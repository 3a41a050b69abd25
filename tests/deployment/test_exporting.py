"""Networks as ONNX, without a run."""

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from mlgolf.core.errors import DeploymentError, FrameworkMissing
from mlgolf.core.registry import load_workload
from mlgolf.core.spec import LossType
from mlgolf.data import layout
from mlgolf.deployment import exporting, exporting_torch
from mlgolf.deployment.exporting import Network, check_exporter, computed, export

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def asked(data_dir, tmp_path):
    """The order to export an untrained linear network."""
    workload = load_workload("linear")
    network = Network(workload, workload.size("mini"), "torch", 1)
    arrays = network.backend.named_arrays(network.params, None)
    save_file(arrays, tmp_path / "model.safetensors")
    return {
        "workload": "linear", "size": "mini", "definition": None, "framework": "torch",
        "data_folder": str(layout.prepared_folder(workload, "mini", data_dir)),
        "split": "validation", "model": str(tmp_path / "model.safetensors"), "to": str(tmp_path),
        "examples": 10, "batch_size": 1, "threads": 1,
    }  # fmt: skip


def test_what_an_exporter_cannot_do_is_told_with_a_way_out(asked, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("an outer error") from ValueError("no such operator")

    monkeypatch.setattr(exporting_torch, "write", fail)
    with pytest.raises(DeploymentError) as error:
        export(**asked)
    said = str(error.value)
    assert "linear in torch cannot be exported as ONNX: ValueError: 'no such operator'" in said
    assert "--reference" in said
    assert len(np.load(tmp_path / "reference.npz")["logits"]) == 10


@pytest.mark.parametrize(
    ("framework", "part", "extra"),
    [("torch", "onnxscript", "golf"), ("jax", "jax2onnx", "jax-export")],
)
def test_an_exporter_that_is_missing_is_named(framework, part, extra):
    with pytest.raises(FrameworkMissing, match=part) as error:
        check_exporter(framework, find=lambda name: None if name == part else name)
    assert f"mlgolf[{extra}]" in str(error.value)


def test_a_network_of_sigmoid_cross_entropy_gives_probabilities():
    linear = load_workload("linear")
    workload = replace(linear, loss_type=LossType.SIGMOID_CROSS_ENTROPY)
    network = Network(workload, workload.size("mini"), "torch", 1)
    found = exporting_torch.outputs(network, {"inputs": np.full((3, 32), 100, np.float32)})
    assert network.output == "probabilities"
    assert ((found >= 0) & (found <= 1)).all()


def test_padding_is_left_out_and_no_more_examples_are_taken_than_asked_for():
    weights = np.array([1, 1, 0, 1])
    batch = {"inputs": np.arange(4.0)[:, None], "targets": np.arange(4), "weights": weights}
    inputs, outputs, targets = computed(lambda given: 2 * given["inputs"], [batch, batch], 5)
    assert inputs["inputs"][:, 0].tolist() == [0, 1, 3, 0, 1]
    assert outputs[:, 0].tolist() == [0, 2, 6, 0, 2]
    assert targets.tolist() == [0, 1, 3, 0, 1]


def test_large_outputs_end_the_examples_early(monkeypatch):
    monkeypatch.setattr(exporting, "MOST_BYTES", 10_000)
    batch = {"inputs": np.zeros((100, 10)), "targets": np.zeros(100)}
    _, outputs, _ = computed(lambda given: given["inputs"], [batch] * 9, 900)
    assert len(outputs) == 64


def test_nested_inputs_are_refused():
    batch = {"inputs": {"nodes": np.zeros((2, 1))}, "targets": np.zeros(2)}
    with pytest.raises(DeploymentError, match="'inputs'"):
        computed(lambda given: given["inputs"], [batch], 2)


def test_a_step_that_wants_a_number_for_the_batch_gives_a_file_for_one_batch_size(tmp_path):
    exporting_jax = pytest.importorskip("mlgolf.deployment.exporting_jax")
    pytest.importorskip("jax2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")

    class Comparing:
        output = "logits"

        def __call__(self, inputs):
            x = inputs["inputs"]
            return x + 1 if x.shape[0] > 2 else x

    file = tmp_path / "model.onnx"
    assert not exporting_jax.write(Comparing(), {"inputs": np.zeros((2, 3), np.float32)}, file, 4)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == [4, 3]
