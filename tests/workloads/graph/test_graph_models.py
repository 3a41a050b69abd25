"""What the two models have in common, each framework for itself."""

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from random_graphs import graphs, random_batch, random_tensors, size_of

from mlgolf.backends import load_backend
from mlgolf.core.errors import SubmissionError
from mlgolf.workloads.graph.graph import Graph

seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module", params=["torch", "jax"])
def backend(request):
    pytest.importorskip(request.param)
    return load_backend(request.param)


@pytest.fixture(scope="module")
def torch_backend():
    pytest.importorskip("torch")
    return load_backend("torch")


def model_of(backend, graph):
    module = import_module(f"mlgolf.workloads.graph.model_{backend.name}")
    return module.Model(size_of(graph))


def built(backend, graph, seed=0):
    """(model, params)"""
    model = model_of(backend, graph)
    return model, model.init(backend.key(seed))[0]


def perceptron(hidden="hidden", inputs=64, loss="cross_entropy", units=10):
    layers = [
        {"name": hidden, "kind": "dense", "units": 32},
        {"name": "rectified", "kind": "relu"},
        {"name": "logits", "kind": "dense", "units": units},
    ]
    inputs = {"shape": [inputs], "dtype": "float32"}
    return Graph.model_validate({"inputs": inputs, "layers": layers, "loss": loss})


def test_a_network_of_two_layers_has_2410_parameters(backend):
    found = backend.count_parameters(model_of(backend, perceptron()))
    assert found == 64 * 32 + 32 + 32 * 10 + 10


@given(graph=graphs(), seed=seeds)
@settings(max_examples=15)
def test_tensors_are_called_as_in_the_graph_and_come_back_as_they_were(backend, graph, seed):
    _, params = built(backend, graph)
    assert {n: a.shape for n, a in backend.named_arrays(params, None).items()} == graph.tensors
    tensors = random_tensors(graph, seed)
    filled, state = backend.load_arrays(params, None, tensors)
    found = backend.named_arrays(filled, state)
    assert list(found) == list(backend.parameter_arrays(filled)) == sorted(graph.tensors)
    for name, values in found.items():
        assert_array_equal(values, tensors[name])


def test_tensors_of_another_shape_are_refused(backend):
    _, params = built(backend, perceptron())
    tensors = random_tensors(perceptron(), 0)
    with pytest.raises(SubmissionError, match=r"hidden\.bias"):
        backend.load_arrays(params, None, {**tensors, "hidden.bias": np.zeros(31, np.float32)})


@given(graph=graphs(), seed=seeds)
@settings(max_examples=6)
def test_the_loss_of_an_example_does_not_depend_on_its_batch(backend, graph, seed):
    model, params = built(backend, graph)
    batch = {**random_batch(graph, seed), "weights": np.ones(4, np.float32)}
    order = [2, 0, 3, 1]
    together, shuffled, some = (
        backend.evaluate(model, params, None, {name: a[rows] for name, a in batch.items()})
        for rows in ([0, 1, 2, 3], order, [1])
    )
    assert together.predictions.shape == (4, *graph.output_shape)
    for expected, others, one in zip(together, shuffled, some, strict=True):
        assert_allclose(others, expected[order], rtol=1e-5, atol=1e-6)
        assert_allclose(one, expected[[1]], rtol=1e-5, atol=1e-6)


def test_initial_values_depend_on_the_key(backend):
    first, again, other = (
        backend.named_arrays(built(backend, perceptron(), seed)[1], None)["hidden.weight"]
        for seed in (1, 1, 2)
    )
    assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_weights_of_zero_count_for_nothing(backend):
    model, _ = built(backend, perceptron())
    arrays = backend.to_device(random_batch(perceptron(), 0))
    logits = np.random.default_rng(0).normal(size=(4, 10)).astype(np.float32)
    logits = backend.to_device({"logits": logits})["logits"]
    all_rows = model.loss(arrays["targets"], logits)
    loss = model.loss(arrays["targets"], logits, arrays["weights"])
    assert (float(all_rows["n_valid_examples"]), float(loss["n_valid_examples"])) == (4, 3)
    assert float(loss["per_example"][3]) == 0
    expected = float(all_rows["summed"] - all_rows["per_example"][3])
    assert float(loss["summed"]) == pytest.approx(expected, rel=1e-6)


def test_targets_of_one_number_may_lack_their_axis(backend):
    model, _ = built(backend, perceptron(loss="squared_error", units=1))
    given = {"targets": np.array([1, 2], np.float32), "outputs": np.ones((2, 1), np.float32)}
    arrays = backend.to_device(given)
    loss = model.loss(arrays["targets"], arrays["outputs"])
    assert_array_equal(backend.to_numpy(loss["per_example"]), [0, 1])


def test_smoothed_labels_share_with_all_classes(backend):
    model, _ = built(backend, perceptron(units=2))
    given = {"targets": np.array([0], np.int32), "outputs": np.array([[2, 0]], np.float32)}
    arrays = backend.to_device(given)
    loss = model.loss(arrays["targets"], arrays["outputs"], None, 0.2)
    expected = np.log(1 + np.exp(-2)) + 0.1 * 2
    assert float(loss["summed"]) == pytest.approx(expected, rel=1e-6)


def test_the_output_layer_is_known_by_its_keys(backend):
    model, params = built(backend, perceptron())
    keys = [key for key in backend.param_shapes(params) if model.is_output(key)]
    assert sorted(keys) == ["logits.bias", "logits.weight"]


@pytest.mark.parametrize("name", ["train", "float", "forward", "parameters", "wiring"])
def test_a_layer_may_be_called_as_a_method_of_modules(torch_backend, name):
    graph = perceptron(hidden=name)
    _, network = built(torch_backend, graph)
    assert [n for n, _ in network.named_parameters()] == list(graph.tensors)
    batch = torch_backend.to_device(random_batch(graph, 0))
    assert network(batch["inputs"]).shape == (4, 10)
    assert network.train(False) is network


@pytest.mark.parametrize("name", ["bn", "ln", "all_norms", "conv"])
def test_a_layer_may_be_called_as_a_type_of_parameters(torch_backend, name):
    inputs = {"shape": [3, 4], "dtype": "float32"}
    layers = [{"name": name, "kind": "attention", "heads": 2}]
    graph = Graph.model_validate({"inputs": inputs, "layers": layers, "loss": "squared_error"})
    _, network = built(torch_backend, graph)
    assert torch_backend.param_types(network).keys() == graph.tensors.keys()


def test_initial_values_are_the_same_when_jax_compiles():
    jax = pytest.importorskip("jax")
    backend = load_backend("jax")
    model, params = built(backend, perceptron())
    compiled, _ = jax.jit(model.init)(backend.key(0))
    for name, values in params.items():
        assert_array_equal(values, compiled[name])
