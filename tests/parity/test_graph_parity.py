"""Same graph, tensors and batch: both frameworks and plain numpy compute the same."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from random_graphs import graphs, random_batch, random_tensors, size_of

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")

from mlgolf.backends import load_backend  # noqa: E402
from mlgolf.core.spec import ForwardPassMode  # noqa: E402
from mlgolf.workloads.graph import model_jax, model_torch  # noqa: E402
from mlgolf.workloads.graph.graph import Graph  # noqa: E402

TORCH, JAX = load_backend("torch"), load_backend("jax")
RESULTS = ("outputs", "per_example", "summed", "n_valid_examples")
seeds = st.integers(0, 2**32 - 1)


def graph_of(shape, loss, *layers, dtype="float32"):
    tables = [{"name": f"layer{place}", **layer} for place, layer in enumerate(layers)]
    inputs = {"shape": shape, "dtype": dtype}
    return Graph.model_validate({"inputs": inputs, "layers": tables, "loss": loss})


OF_SEQUENCES = graph_of(
    [6], "cross_entropy",
    {"kind": "embedding", "entries": 5, "width": 8},
    {"kind": "positions"},
    {"kind": "attention", "heads": 2, "causal": True},
    {"kind": "sum", "inputs": ["layer1", "layer2", "layer1"]},
    {"kind": "layer_norm"},
    {"kind": "dense", "units": 8},
    {"kind": "gelu"},
    {"kind": "attention", "heads": 4, "bias": False},
    {"kind": "dense", "units": 5, "bias": False},
    dtype="int32",
)  # fmt: skip
OF_IMAGES = graph_of(
    [2, 9, 8], "squared_error",
    {"kind": "convolution", "filters": 4, "size": [3, 2], "stride": [2, 1]},
    {"kind": "relu"},
    {"kind": "max_pool", "size": [2, 3], "stride": [1, 2]},
    {"kind": "convolution", "filters": 3, "size": [2, 2], "padding": "valid", "bias": False},
    {"kind": "tanh"},
    {"kind": "mean_pool", "size": [2, 2]},
    {"kind": "flatten"},
    {"kind": "sigmoid"},
)  # fmt: skip
OF_POINTS = graph_of(
    [4, 3], "sigmoid_cross_entropy", {"kind": "dense", "units": 6}, {"kind": "mean"}
)


def torch_results(graph, tensors, batch, smoothing):
    """What `RESULTS` names, and gradients by name."""
    model = model_torch.Model(size_of(graph))
    network, _ = TORCH.load_arrays(model.init(TORCH.key(0))[0], None, tensors)
    arrays, mode = TORCH.to_device(batch), ForwardPassMode.TRAIN
    outputs, _ = model.apply(network, arrays, None, mode, None, True, 0.0)
    loss = model.loss(arrays["targets"], outputs, arrays["weights"], smoothing)
    loss["summed"].backward()
    results = {"outputs": outputs, **loss}
    gradients = {name: parameter.grad.numpy() for name, parameter in network.named_parameters()}
    return {name: results[name].detach().numpy() for name in RESULTS}, gradients


def jax_results(graph, tensors, batch, smoothing):
    model = model_jax.Model(size_of(graph))

    def summed(params):
        mode = ForwardPassMode.TRAIN
        outputs, _ = model.apply(params, batch, None, mode, None, True, 0.0)
        loss = model.loss(batch["targets"], outputs, batch["weights"], smoothing)
        return loss["summed"], {"outputs": outputs, **loss}

    gradients, results = jax.jit(jax.grad(summed, has_aux=True))(tensors)
    return results, gradients


@given(graph=graphs(), seed=seeds, smoothing=st.sampled_from([0.0, 0.1]))
@example(graph=OF_SEQUENCES, seed=0, smoothing=0.1)
@example(graph=OF_IMAGES, seed=0, smoothing=0.0)
@example(graph=OF_POINTS, seed=0, smoothing=0.1)
@settings(max_examples=12)
def test_torch_and_jax_compute_the_same(graph, seed, smoothing):
    given = (graph, random_tensors(graph, seed), random_batch(graph, seed), smoothing)
    (ours, our_gradients), (theirs, their_gradients) = torch_results(*given), jax_results(*given)
    assert ours["outputs"].shape == theirs["outputs"].shape == (4, *graph.output_shape)
    for name in RESULTS:
        assert_allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-5)
    assert list(our_gradients) == list(graph.tensors)
    for name, gradient in our_gradients.items():
        # Of a norm of one unit the gradient is 0, which rounding may miss by some 1e-5.
        assert_allclose(gradient, their_gradients[name], rtol=1e-3, atol=1e-4)


@given(graph=graphs(("dense", "relu", "residual", "convolution", "flatten")), seed=seeds)
def test_they_compute_what_the_formulas_say(graph, seed):
    tensors, batch = random_tensors(graph, seed), random_batch(graph, seed)
    outputs = np.stack([by_formula(graph, tensors, x) for x in batch["inputs"]])
    pairs = zip(batch["targets"], outputs, strict=True)
    losses = [loss_by_formula(graph.loss, targets, output) for targets, output in pairs]
    found, _ = torch_results(graph, tensors, batch, smoothing=0.0)
    assert_allclose(found["outputs"], outputs, rtol=1e-5, atol=1e-5)
    assert_allclose(found["per_example"], losses * batch["weights"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("graph", [OF_SEQUENCES, OF_IMAGES, OF_POINTS])
def test_one_key_starts_both_frameworks_from_the_same_bytes(graph):
    network, _ = model_torch.Model(size_of(graph)).init(np.array([3, 7], np.int32))
    params, _ = model_jax.Model(size_of(graph)).init(jax.numpy.array([3, 7], "uint32"))
    ours, theirs = TORCH.named_arrays(network, None), JAX.named_arrays(params, None)
    assert list(ours) == list(theirs)
    for name, values in ours.items():
        assert_array_equal(values, theirs[name])


def by_formula(graph, tensors, x):
    """Output for one example, in double precision."""
    values, y = {"inputs": x.astype(np.float64)}, x
    for layer, sources in graph.wiring:
        x = values[sources[0]]
        weight = tensors.get(f"{layer.name}.weight", np.zeros(0)).astype(np.float64)
        bias = tensors.get(f"{layer.name}.bias", np.zeros(1)).astype(np.float64)
        match layer.kind:
            case "dense":
                y = x @ weight.T + bias
            case "relu":
                y = np.maximum(x, 0)
            case "sum":
                y = sum(values[name] for name in sources)
            case "flatten":
                y = x.reshape(-1)
            case "convolution":
                y = convolved(layer, weight, x) + bias[:, None, None]
        values[layer.name] = y
    return y


def convolved(layer, weight, x):
    """Window by window, in an image with a wide frame of zeros."""
    (above, _), (left, _) = layer.pads(x.shape[1:])
    (rows, columns), (down, right) = layer.size, layer.stride
    framed = np.pad(x, ((0, 0), (above, rows), (left, columns)))
    _, height, width = layer.output_shape(x.shape)
    y = np.zeros((layer.filters, height, width))
    for i in range(height):
        for j in range(width):
            window = framed[:, i * down :, j * right :][:, :rows, :columns]
            y[:, i, j] = (weight * window).sum(axis=(1, 2, 3))
    return y


def loss_by_formula(loss, targets, outputs):
    match loss:
        case "squared_error":
            return np.mean((outputs - targets) ** 2)
        case "sigmoid_cross_entropy":
            shares = 1 / (1 + np.exp(-outputs))
            return -np.mean(targets * np.log(shares) + (1 - targets) * np.log(1 - shares))
    shares = np.exp(outputs) / np.exp(outputs).sum(axis=-1, keepdims=True)
    shares, targets = shares.reshape(-1, shares.shape[-1]), targets.reshape(-1)
    given = np.flatnonzero(targets >= 0)
    return np.mean(-np.log(shares[given, targets[given]])) if len(given) else 0.0
