"""Exports of the mini image network in both frameworks, sound and with a planted fault each.

Each exporter takes the fault and a file; `reference` are the outputs of the sound network in its
framework. A fault that is in the data, not in the file, is planted by the test.
"""

import warnings
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jax2onnx import to_onnx

from mlgolf.workloads.imagenet_resnet.model_jax import ResNet as JaxNetwork
from mlgolf.workloads.imagenet_resnet.model_torch import ResNet as TorchNetwork
from mlgolf.workloads.imagenet_resnet.spec import MINI, TRAIN_MEAN, TRAIN_STDDEV

NETWORK = replace(MINI.model, last_norm_scale=1.0)
SIDE, EXAMPLES = 12, 96
OUTLIER = 3e4  # of one channel, undone by the weights behind it
SLOW = 160  # rows of a product in double precision; turns of a loop



def pixels() -> np.ndarray:
    """(EXAMPLES, 3, SIDE, SIDE), from 0 to 255; channels and axes are not alike."""
    rng = np.random.default_rng(0)
    smooth = rng.random((EXAMPLES, 3, SIDE, SIDE)).cumsum(axis=2) * (1 + np.arange(SIDE))
    levels = np.array([1.0, 0.6, 0.3])[:, None, None]
    return np.round(255 * levels * smooth / smooth.max()).astype("f4")


def normalised(images: np.ndarray) -> np.ndarray:
    mean, deviation = (np.array(v)[:, None, None] for v in (TRAIN_MEAN, TRAIN_STDDEV))
    return ((images - mean) / deviation).astype("f4")


class Torch:
    """The network in PyTorch, by torch.onnx."""

    name, slow_operator = "torch", "MatMul"

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.network = TorchNetwork(NETWORK)
        torch.nn.init.normal_(self.network.fc.weight, std=0.5)
        with torch.no_grad():
            self.network(torch.from_numpy(normalised(pixels())))  # running averages
            usual = self.outputs(normalised(pixels())).mean(axis=0)
            self.network.fc.bias -= torch.from_numpy(usual)  # or one class would win always
        self.network.eval()

    def outputs(self, images: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return self.network.eval()(torch.from_numpy(images)).numpy()

    def export(self, file: Path, fault: str = "") -> Path:
        trains = fault == "training mode"
        module = _TorchFaulty(self.network, fault).train(trains)
        kept = {name: value.clone() for name, value in self.network.state_dict().items()}
        mode = torch.onnx.TrainingMode
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module, (torch.from_numpy(normalised(pixels())[:4]),), str(file), dynamo=False,
                input_names=["images"], output_names=["logits"],
                dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
                training=mode.TRAINING if trains else mode.EVAL, do_constant_folding=not trains,
            )
        self.network.load_state_dict(kept)
        self.network.eval()
        return file


class _TorchFaulty(torch.nn.Module):
    def __init__(self, network: torch.nn.Module, fault: str) -> None:
        super().__init__()
        self.network, self.fault = network, fault
        scale = torch.ones(network.fc.weight.shape[1])
        scale[3] = OUTLIER
        self.register_buffer("scale", scale)
        self.register_buffer("weight", network.fc.weight.detach() / scale)

    def forward(self, images):
        if self.fault == "transposed axis":
            images = images.transpose(2, 3)
        if self.fault == "8-bit overflow":
            return self._with_outlier(images)
        logits = self.network(images)
        if self.fault == "slow operator":
            square = logits.double() @ torch.ones(10, SLOW, dtype=torch.float64)
            for _ in range(4):
                square = square @ torch.eye(SLOW, dtype=torch.float64)
            logits = logits + 0.0 * square[:, :1].float()
        return logits

    def _with_outlier(self, images):
        held = {}
        hook = self.network.fc.register_forward_pre_hook(
            lambda module, given: held.update(features=given[0])
        )
        self.network(images)
        hook.remove()
        features = held["features"] * self.scale
        return torch.nn.functional.linear(features, self.weight, self.network.fc.bias)


class Jax:
    """The same network in JAX, by jax2onnx."""

    name, slow_operator = "jax", "Loop"

    def __init__(self) -> None:
        self.network = JaxNetwork(NETWORK)
        images = normalised(pixels())
        variables = dict(self.network.init(jax.random.key(0), images))
        variables["params"]["Dense_0"]["kernel"] *= 50
        _, moved = self.network.apply(variables, images, True, mutable=["batch_stats"])
        self.variables = {"params": variables["params"], **moved}
        usual = self.outputs(images).mean(axis=0)
        variables["params"]["Dense_0"]["bias"] -= usual  # or one class would win always

    def outputs(self, images: np.ndarray) -> np.ndarray:
        return np.asarray(self.network.apply(self.variables, images))

    def export(self, file: Path, fault: str = "") -> Path:
        model = to_onnx(lambda images: self._faulty(images, fault), [("batch", 3, SIDE, SIDE)])
        file.write_bytes(model.SerializeToString())
        return file

    def _faulty(self, images, fault):
        if fault == "transposed axis":
            images = jnp.swapaxes(images, 2, 3)
        if fault == "training mode":
            return self.network.apply(self.variables, images, True, mutable=["batch_stats"])[0]
        if fault == "8-bit overflow":
            return self._with_outlier(images)
        logits = self.network.apply(self.variables, images)
        if fault == "slow operator":
            turns = jax.lax.fori_loop(
                0, SLOW, lambda turn, held: jnp.tanh(held @ jnp.eye(10)), logits
            )
            logits = logits + 0.0 * turns
        return logits

    def _with_outlier(self, images):
        params = {**self.variables["params"]}
        dense = params["Dense_0"]
        width = dense["kernel"].shape[0]
        # The readout is the identity, so that the network gives its features.
        params["Dense_0"] = {"kernel": jnp.eye(width), "bias": jnp.zeros(width)}
        features = JaxNetwork(replace(NETWORK, classes=width)).apply(
            {**self.variables, "params": params}, images
        )
        scale = np.ones(width, "f4")
        scale[3] = OUTLIER
        return (features * scale) @ (dense["kernel"] / scale[:, None]) + dense["bias"]
