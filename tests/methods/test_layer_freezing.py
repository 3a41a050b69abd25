import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from torch import nn

from mlgolf.core.spec import ForwardPassMode
from mlgolf.methods import LayerFreezing, layer_freezing_jax, layer_freezing_torch
from mlgolf.workloads.imagenet_resnet import WORKLOAD
from mlgolf.workloads.imagenet_resnet.model_jax import Model


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))


def params():
    """The names sort in another order than that of the forward pass."""
    keys = jax.random.split(jax.random.PRNGKey(0), 3)
    return {
        "a_readout": {"kernel": jax.random.normal(keys[0], (4, 1))},
        "block": {"first": {"kernel": jax.random.normal(keys[1], (4, 4)), "bias": jnp.zeros(4)}},
        "stem": {"kernel": jax.random.normal(keys[2], (3, 4))},
    }


def forward(tree):
    x = jax.nn.relu(jnp.ones((2, 3)) @ tree["stem"]["kernel"])
    x = jax.nn.relu(x @ tree["block"]["first"]["kernel"] + tree["block"]["first"]["bias"])
    return x @ tree["a_readout"]["kernel"]


def test_the_share_of_frozen_layers_grows_from_0_to_the_fraction_in_steps():
    method = LayerFreezing(start=0.5, fraction=0.8, levels=4)
    assert [method.at(p) for p in (0.0, 0.5, 0.6, 0.7, 0.99, 1.0)] == pytest.approx(
        [0.0, 0.0, 0.0, 0.2, 0.6, 0.8]
    )


def test_the_first_layers_freeze_and_the_last_never_does():
    method = LayerFreezing(start=0.0, end=1.0)
    assert method.frozen("abcd", 0.5) == ("a", "b")
    assert method.frozen("abcd", 1.0) == ("a", "b", "c")
    assert method.frozen("", 1.0) == ()


def test_torch_lists_layers_as_they_were_defined():
    assert layer_freezing_torch.layers_of(network()) == ["0", "2", "4"]


def test_torch_freezes_those_layers_alone_and_says_what_trains():
    model = network()
    trained = layer_freezing_torch.freeze(model, ("0", "2"))
    assert [id(p) for p in trained] == [id(model[4].weight), id(model[4].bias)]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.5)
    before = [p.detach().clone() for p in model.parameters()]
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    moved = [not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)]
    assert moved == [False] * 4 + [True] * 2


def test_torch_thaws_what_is_no_longer_named():
    model = network()
    layer_freezing_torch.freeze(model, ("0", "2"))
    assert len(layer_freezing_torch.freeze(model, ())) == 6


def test_jax_lists_layers_in_the_order_of_the_forward_pass():
    layers = layer_freezing_jax.layers_of(forward, params())
    assert layers == [("stem",), ("block", "first"), ("a_readout",)]


def test_jax_looks_into_what_is_compiled_and_lists_unused_layers_last():
    tree = params() | {"extra": {"kernel": jnp.ones(1)}}
    layers = layer_freezing_jax.layers_of(jax.jit(forward), tree)
    assert layers == [("stem",), ("block", "first"), ("a_readout",), ("extra",)]


def test_jax_knows_the_order_of_the_layers_of_a_workload():
    model = Model(WORKLOAD.size("mini"))
    tree, state = model.init(jax.random.PRNGKey(0))
    batch = {"inputs": jnp.zeros((2, 3, 20, 20))}

    def logits(tree):
        return model.apply(tree, batch, state, ForwardPassMode.TRAIN, None, True, 0.0)[0]

    layers = layer_freezing_jax.layers_of(logits, tree)
    assert layers[:3] == [
        ("Conv_init",), ("BatchNorm_init",), ("BottleneckResNetBlock_0", "Conv_0"),
    ]  # fmt: skip
    assert layers[-1] == ("Dense_0",)


def test_jax_stops_the_gradients_of_those_layers_and_leaves_the_others_as_they_are():
    frozen = [("stem",), ("block", "first")]

    def loss(tree):
        return forward(layer_freezing_jax.stopped(tree, frozen)).sum()

    stopped, ordinary = jax.grad(loss)(params()), jax.grad(lambda t: forward(t).sum())(params())
    assert_array_equal(stopped["a_readout"]["kernel"], ordinary["a_readout"]["kernel"])
    assert not np.any(stopped["stem"]["kernel"])
    assert not np.any(stopped["block"]["first"]["kernel"])
    assert np.any(ordinary["stem"]["kernel"])


def test_jax_holds_back_the_updates_of_those_layers():
    held = layer_freezing_jax.held(jax.tree.map(jnp.ones_like, params()), [("stem",)])
    assert not np.any(held["stem"]["kernel"])
    assert np.all(held["block"]["first"]["bias"] == 1)
