import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from frameworks import rng
from hypothesis import given
from hypothesis.strategies import integers
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from mlgolf.core.errors import MethodError
from mlgolf.methods import Growing, growing_jax, growing_torch
from mlgolf.methods.growing import copies

INPUTS = rng(1).normal(size=(16, 5)).astype(np.float32)


def torch_layers(bias=True):
    torch.manual_seed(0)
    return nn.Linear(5, 6, bias=bias), nn.Linear(6, 3, bias=bias)


def by_torch(*layers):
    first, *others = layers
    x = first(torch.from_numpy(INPUTS))
    for layer in others:
        x = layer(x.relu())
    return x.detach().numpy()


def jax_layers(bias=True):
    """Those of torch."""
    layers = []
    for layer in torch_layers(bias):
        tree = {"kernel": jnp.asarray(layer.weight.detach().numpy().T)}
        layers.append(tree | ({"bias": jnp.asarray(layer.bias.detach().numpy())} if bias else {}))
    return layers


def by_jax(*layers):
    x = jnp.asarray(INPUTS)
    for number, layer in enumerate(layers):
        x = (jax.nn.relu(x) if number else x) @ layer["kernel"] + layer.get("bias", 0)
    return np.asarray(x)


FRAMEWORKS = pytest.mark.parametrize(
    ("grown", "layers", "outputs"),
    [
        pytest.param(growing_torch, torch_layers, by_torch, id="torch"),
        pytest.param(growing_jax, jax_layers, by_jax, id="jax"),
    ],
)


@FRAMEWORKS
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("width", [6, 7, 24])
def test_a_wider_network_computes_the_same(grown, layers, outputs, bias, width):
    small = layers(bias)
    large = grown.widened(*small, width, rng(2))
    assert_allclose(outputs(*large), outputs(*small), rtol=1e-4, atol=1e-6)


def test_layers_have_the_new_width_and_are_trained():
    first, second = growing_torch.widened(*torch_layers(), 9, rng())
    assert (first.out_features, second.in_features, second.out_features) == (9, 9, 3)
    assert all(p.requires_grad and p.is_leaf for m in (first, second) for p in m.parameters())
    tree = growing_jax.widened(*jax_layers(), 9, rng())
    assert [layer["kernel"].shape for layer in tree] == [(5, 9), (9, 3)]


def test_both_frameworks_grow_alike():
    ours = growing_torch.widened(*torch_layers(), 11, rng(3), noise=0.1)
    theirs = growing_jax.widened(*jax_layers(), 11, rng(3), noise=0.1)
    for layer, tree in zip(ours, theirs, strict=True):
        assert_allclose(layer.weight.detach(), tree["kernel"].T, rtol=1e-4, atol=1e-6)


@FRAMEWORKS
def test_noise_parts_the_copies_a_little(grown, layers, outputs):
    small = layers()
    large = grown.widened(*small, 12, rng(2), noise=0.01)
    difference = np.abs(outputs(*large) - outputs(*small)).max()
    assert 0 < difference < 0.1


@FRAMEWORKS
@pytest.mark.parametrize("bias", [True, False])
def test_a_deeper_network_computes_the_same(grown, layers, outputs, bias):
    first, second = layers(bias)
    assert_array_equal(
        outputs(first, grown.deepened(first), second), outputs(first, second)
    )


@given(width=integers(1, 30), added=integers(0, 60))
def test_the_shares_of_the_copies_of_a_unit_sum_to_1(width, added):
    sources, shares = copies(width, width + added, rng())
    assert_allclose(np.bincount(sources, weights=shares, minlength=width), 1)


def test_a_layer_cannot_shrink():
    with pytest.raises(MethodError, match="a new width of 5 for a layer of 6 units"):
        growing_torch.widened(*torch_layers(), 5, rng())


def test_the_width_grows_once():
    method = Growing(start=0.5, factor=1.5)
    assert [method.width(16, p) for p in (0.0, 0.49, 0.5, 1.0)] == [16, 16, 24, 24]
