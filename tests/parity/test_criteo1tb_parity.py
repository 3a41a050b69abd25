"""Same parameters, same batch: the frameworks give the same loss, gradients and evaluation."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")

from mlgolf.core.spec import ForwardPassMode  # noqa: E402
from mlgolf.core.workload import Outputs  # noqa: E402
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
    """Parameters and gradients as JAX names them, the loss, and metrics of an evaluation."""
    model = model_torch.Model(size)
    network, _ = model.init([5, 0])
    arrays = {name: torch.from_numpy(values) for name, values in batch().items()}
    logits, _ = model.apply(network, arrays, None, ForwardPassMode.TRAIN, None, True, 0.0)
    loss = model.loss(arrays["targets"], logits, arrays["weights"])
    gradients = torch.autograd.grad(loss["summed"], [*network.parameters()])
    gradients = with_few_rows(jax_names(network, gradients))
    with torch.no_grad():
        logits, _ = model.apply(network, arrays, None, ForwardPassMode.EVAL, None, False, 0.5)
        evaluated = model.loss(arrays["targets"], logits, arrays["weights"])
    params = jax_names(network, [p.detach() for p in network.parameters()])
    loss = {key: value.detach().numpy() for key, value in loss.items()}
    return params, loss, gradients, metrics(size, logits.numpy(), evaluated["per_example"].numpy())


def jax_results(size, params):
    """The same, of the same parameters."""
    model, arrays = model_jax.Model(size), batch()

    @jax.jit
    def gradients_of(params):
        def summed(params):
            mode = ForwardPassMode.TRAIN
            logits, _ = model.apply(params, arrays, None, mode, None, True, 0.0)
            loss = model.loss(arrays["targets"], logits, arrays["weights"])
            return loss["summed"], loss

        return jax.value_and_grad(summed, has_aux=True)(params)

    @jax.jit
    def evaluated(params):
        logits, _ = model.apply(params, arrays, None, ForwardPassMode.EVAL, None, False, 0.5)
        return logits, model.loss(arrays["targets"], logits, arrays["weights"])["per_example"]

    (_, loss), gradients = gradients_of(params)
    return loss, with_few_rows(gradients), metrics(size, *map(np.asarray, evaluated(params)))


def with_few_rows(gradients):
    """The gradient of the table where it is not zero, and where that is."""
    table = np.asarray(gradients["embedding_table"])
    rows = np.flatnonzero(table.any(axis=1))
    return {**gradients, "embedding_table": table[rows], "rows": rows}


def metrics(size, logits, per_example):
    gathered = WORKLOAD.metrics(size)
    gathered.update(Outputs(logits, per_example), batch())
    return gathered.result()


def assert_both_frameworks_agree(name):
    size = WORKLOAD.size(name)
    params, torch_loss, torch_gradients, torch_metrics = torch_results(size)
    loss, gradients, evaluated = jax_results(size, params)
    assert loss.keys() == torch_loss.keys()
    for key, values in torch_loss.items():
        np.testing.assert_allclose(loss[key], values, rtol=1e-4)
    jax.tree.map(
        lambda ours, theirs: np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4),
        gradients, torch_gradients,
    )
    assert evaluated == pytest.approx(torch_metrics, rel=1e-5)


@pytest.mark.parametrize("name", [n for n in WORKLOAD.sizes if n.startswith("mini")])
def test_torch_and_jax_compute_the_same(name):
    assert_both_frameworks_agree(name)


@pytest.mark.long
def test_torch_and_jax_compute_the_same_at_full_size():
    """In 7 GiB."""
    assert_both_frameworks_agree("full")


def test_both_frameworks_have_the_same_tree():
    size = WORKLOAD.size("mini_layernorm")
    params, *_ = torch_results(size)
    initial, _ = model_jax.Model(size).init(jax.random.PRNGKey(0))
    assert jax.tree.map(np.shape, params) == jax.tree.map(np.shape, initial)
