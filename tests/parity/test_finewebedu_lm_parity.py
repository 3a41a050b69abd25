"""Same parameters, same rows: both frameworks give the same logits, losses and gradients."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")

from mlgolf.core.spec import ForwardPassMode  # noqa: E402
from mlgolf.workloads.finewebedu_lm import WORKLOAD, model_jax, model_torch  # noqa: E402

LONG = pytest.mark.long
SIZES = ["mini", "mini_x4", pytest.param("mini_x16", marks=LONG), pytest.param("full", marks=LONG)]
MODE = ForwardPassMode.TRAIN


def rows(size, count):
    """A batch of which the last row is padding; its rows are short at full size, too."""
    length = min(size.data.length, 64)
    tokens = np.random.default_rng(0).integers(size.data.vocabulary, size=(count, length + 1))
    tokens = tokens.astype(np.int32)
    weights = (np.arange(count) < count - 1).astype(np.float32)
    return {"inputs": tokens[:, :-1], "targets": tokens[:, 1:], "weights": weights}


def jax_tree(network, tensors):
    """Tensors of the torch network, one per parameter, as the tree that the JAX network has."""
    named = {
        name: tensor.numpy()
        for (name, _), tensor in zip(network.named_parameters(), tensors, strict=True)
    }
    blocks = range(len(network.layers))
    tree = {f"blocks_{number}": jax_block(named, f"layers.{number}.") for number in blocks}
    tree["embed"] = {"embedding": named["embed_tokens.weight"]}
    return {**tree, "out_ln": {"scale": named["out_norm.weight"]}}


def jax_block(named, prefix):
    width = len(named[f"{prefix}attn_norm.weight"])
    fused = named[f"{prefix}attn.w_qkv.weight"].reshape(3, width, width)
    heads = HEADS[width]
    query, key, value = (
        {"kernel": part.T.reshape(width, heads, width // heads)} for part in fused
    )
    return {
        "RMSNorm_0": {"scale": named[f"{prefix}attn_norm.weight"]},
        "RMSNorm_1": {"scale": named[f"{prefix}mlp_norm.weight"]},
        "CausalAttn_0": {
            "query": query, "key": key, "value": value,
            "attn_scale": named[f"{prefix}attn.attn_scale"],
            "attn_out_proj": {"kernel": named[f"{prefix}attn.w_out.weight"].T},
        },
        "Mlp_0": {
            "Dense_0": {"kernel": named[f"{prefix}mlp.fc1.weight"].T},
            "Dense_1": {"kernel": named[f"{prefix}mlp.fc2.weight"].T},
        },
    }


HEADS = {size.model.width: size.model.heads for size in WORKLOAD.sizes.values()}


def torch_results(size, batch):
    model = model_torch.Model(size)
    network, _ = model.init([5, 0])
    arrays = {name: torch.from_numpy(values.copy()) for name, values in batch.items()}
    logits, _ = model.apply(network, arrays, None, MODE, None, True, 0.0)
    loss = model.loss(arrays["targets"], logits, arrays["weights"], 0.1)
    gradients = torch.autograd.grad(loss["summed"], list(network.parameters()))
    params = jax_tree(network, [p.detach() for p in network.parameters()])
    return params, logits.detach().numpy(), loss, jax_tree(network, gradients)


@pytest.mark.parametrize("name", SIZES)
def test_torch_and_jax_compute_the_same(name):
    size = WORKLOAD.size(name)
    batch = rows(size, 3)
    params, torch_logits, torch_loss, torch_gradients = torch_results(size, batch)
    model = model_jax.Model(size)

    def summed(params):
        logits, _ = model.apply(params, batch, None, MODE, None, True, 0.0)
        loss = model.loss(batch["targets"], logits, batch["weights"], 0.1)
        return loss["summed"], (logits, loss)

    (_, (logits, loss)), gradients = jax.jit(jax.value_and_grad(summed, has_aux=True))(params)
    np.testing.assert_allclose(logits, torch_logits, rtol=1e-3, atol=1e-4)
    for key in ("summed", "n_valid_examples", "per_example"):
        np.testing.assert_allclose(loss[key], torch_loss[key].detach().numpy(), rtol=1e-5)
    jax.tree.map(assert_close, gradients, torch_gradients)


def assert_close(ours, theirs):
    """To a thousandth of the largest entry."""
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3 * np.abs(theirs).max())


def test_both_frameworks_have_the_same_tree():
    size = WORKLOAD.size("mini")
    network, _ = model_torch.Model(size).init([5, 0])
    params = jax_tree(network, [p.detach() for p in network.parameters()])
    initial, _ = jax.eval_shape(model_jax.Model(size).init, jax.random.PRNGKey(0))
    assert jax.tree.map(np.shape, params) == jax.tree.map(np.shape, initial)


def test_an_evaluation_of_both_frameworks_gives_the_same_perplexity():
    from mlgolf.backends import load_backend

    size = WORKLOAD.size("mini")
    batch = rows(size, 64)
    network, _ = model_torch.Model(size).init([5, 0])
    params = {
        "torch": network, "jax": jax_tree(network, [p.detach() for p in network.parameters()])
    }
    found = {}
    for framework, held in params.items():
        metrics = WORKLOAD.metrics(size)
        model = WORKLOAD.model(framework, size)
        metrics.update(load_backend(framework).evaluate(model, held, None, batch), batch)
        found[framework] = metrics.result()
    assert found["jax"] == pytest.approx(found["torch"], rel=1e-5)
