"""Models of both frameworks, exported as their users do it: accepted, with the same outputs."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import linen as nn
from jax2onnx import to_onnx

from mlgolf.measures.onnx_models import Input, OnnxModel, code_bits, log_probabilities, read_model

IMAGES = np.random.default_rng(0).standard_normal((40, 8, 8, 1)).astype("f4")
CLASSES = 10


class TorchNetwork(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(1, 4, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(4)
        self.layer_norm = torch.nn.LayerNorm(64)
        self.out = torch.nn.Linear(64, CLASSES)

    def forward(self, x):
        hidden = torch.nn.functional.gelu(self.norm(self.convolution(x)))
        hidden = torch.nn.functional.max_pool2d(hidden, 2).flatten(1)
        return self.out(self.layer_norm(torch.dropout(hidden, 0.1, self.training)))


class JaxNetwork(nn.Module):
    @nn.compact
    def __call__(self, x):
        hidden = nn.gelu(nn.Conv(4, (3, 3))(x))
        return nn.Dense(CLASSES)(nn.LayerNorm()(hidden.reshape(hidden.shape[0], -1)))


def judged(data: bytes, inputs: np.ndarray) -> tuple[np.ndarray, int]:
    """Logits and bits, once the model has been accepted in every respect."""
    model = read_model(data, max_bytes=10**6)
    runner = OnnxModel(model, [Input("float32", inputs.shape[1:])], CLASSES)
    log_probabilities(runner, [inputs], batch_size=16, seed=0)
    return runner.logits([inputs]), code_bits(model)


def close_to(found: np.ndarray, expected: np.ndarray) -> bool:
    return bool((abs(found - expected) <= 1e-6 * np.maximum(1, abs(expected).max())).all())


def test_a_torch_model_exported_by_dynamo_is_accepted_and_agrees(tmp_path):
    network = TorchNetwork().eval()
    images = IMAGES.transpose(0, 3, 1, 2).copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network, (torch.from_numpy(images[:2]),), dynamo=True, verbose=False,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )  # fmt: skip
    program.save(tmp_path / "model.onnx")
    found, bits = judged((tmp_path / "model.onnx").read_bytes(), images)
    assert close_to(found, network(torch.from_numpy(images)).detach().numpy())
    # Scales of one and biases of zero cost next to nothing.
    assert 26 < bits / sum(p.numel() for p in network.parameters() if p.ndim > 1) < 32


@pytest.mark.filterwarnings("ignore")
def test_a_jax_model_exported_by_jax2onnx_is_accepted_and_agrees():
    network = JaxNetwork()
    parameters = network.init(jax.random.key(0), jnp.zeros((1, 8, 8, 1)))
    model = to_onnx(lambda x: network.apply(parameters, x), [("batch", 8, 8, 1)])
    found, bits = judged(model.SerializeToString(), IMAGES)
    assert close_to(found, np.asarray(network.apply(parameters, IMAGES)))
    assert 26 < bits / sum(p.size for p in jax.tree.leaves(parameters) if p.ndim > 1) < 32
