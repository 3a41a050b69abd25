"""Same parameters, same batch: both frameworks give the same logits, loss and gradients."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")

from mlgolf.core.spec import ForwardPassMode  # noqa: E402
from mlgolf.workloads.criteo1tb import WORKLOAD, model_jax, model_torch  # noqa: E402

ROWS = 32


def batch():
    rng = np.random.default_rng(0)
    dense, ids = rng.random((ROWS, 13)), rng.integers(20_000, size=(ROWS, 26))
    return {
        "inputs": np.concatenate([dense, ids], axis=1).astype(np.float32),
        "targets": rng.integers(2, size=(ROWS, 1)).astype(np.float32),
        "weights": (np.arange(ROWS) < 30).astype(np.float32),
    }


def jax_names(network, tensors):
    """Tensors of the torch network, one per parameter, as the tree that the JAX network has."""
    named = dict(zip((n for n, _ in network.named_parameters()), tensors, strict=True))
    chunks = [t for name, t in named.items() if name.startswith("embedding_chunk")]
    tree = {"embedding_table": torch.cat(chunks).numpy()}
    linear = (torch.nn.Linear, "Dense", ("kernel", "bias"))
    norm = (torch.nn.LayerNorm, "LayerNorm", ("scale", "bias"))
    modules = [*network.bot_mlp.named_modules(prefix="bot_mlp")]
    if network.network.layer_norm:
        modules.append(("embed_ln", network.embed_ln))
    modules += network.top_mlp.named_modules(prefix="top_mlp")
    for kind, prefix, (weight, bias) in (linear, norm):
        for number, name in enumerate(n for n, m in modules if isinstance(m, kind)):
            tree[f"{prefix}_{number}"] = {
                weight: named[f"{name}.weight"].numpy().T,
                bias: named[f"{name}.bias"].numpy(),
            }
    return tree


def torch_results(size):
    model = model_torch.Model(size)
    network, _ = model.init([5, 0])
    arrays = {name: torch.from_numpy(values) for name, values in batch().items()}
    logits, _ = model.apply(network, arrays, None, ForwardPassMode.TRAIN, None, True, 0.0)
    loss = model.loss(arrays["targets"], logits, arrays["weights"])
    gradients = torch.autograd.grad(loss["summed"], list(network.parameters()))
    params = jax_names(network, [p.detach() for p in network.parameters()])
    return params, logits.detach().numpy(), loss, jax_names(network, gradients)


@pytest.mark.parametrize("name", [n for n in WORKLOAD.sizes if n.startswith("mini")])
def test_torch_and_jax_compute_the_same(name):
    size = WORKLOAD.size(name)
    params, torch_logits, torch_loss, torch_gradients = torch_results(size)
    model, arrays = model_jax.Model(size), batch()

    def summed(params):
        mode = ForwardPassMode.TRAIN
        logits, _ = model.apply(params, arrays, None, mode, None, True, 0.0)
        loss = model.loss(arrays["targets"], logits, arrays["weights"])
        return loss["summed"], (logits, loss)

    (_, (logits, loss)), gradients = jax.value_and_grad(summed, has_aux=True)(params)
    np.testing.assert_allclose(logits, torch_logits, rtol=1e-4, atol=1e-4)
    for key in ("summed", "n_valid_examples", "per_example"):
        np.testing.assert_allclose(loss[key], torch_loss[key].detach().numpy(), rtol=1e-4)
    jax.tree.map(
        lambda ours, theirs: np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4),
        gradients, torch_gradients,
    )


def test_both_frameworks_have_the_same_tree():
    size = WORKLOAD.size("mini_layernorm")
    params, *_ = torch_results(size)
    initial, _ = model_jax.Model(size).init(jax.random.PRNGKey(0))
    assert jax.tree.map(np.shape, params) == jax.tree.map(np.shape, initial)
