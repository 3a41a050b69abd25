import numpy as np
import pytest

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")

from mlgolf.core.spec import ForwardPassMode  # noqa: E402
from mlgolf.workloads.criteo1tb import WORKLOAD  # noqa: E402
from mlgolf.workloads.criteo1tb.model_jax import Model, dropout  # noqa: E402

MINI = WORKLOAD.size("mini")


def shapes_of(name):
    model = Model(WORKLOAD.size(name))
    return jax.eval_shape(model.init, jax.random.PRNGKey(0))[0]


INNER_PRODUCTS = [
    (13, 512), (512, 256), (256, 128),
    (506, 1024), (1024, 1024), (1024, 512), (512, 256), (256, 1),
]  # fmt: skip
RESIDUAL = [(13, 256), (256, 256), (256, 256), (3584, 256), *[(256, 256)] * 3, (256, 1)]
NORMS = [512, 256, 128, 128, 1024, 1024, 512, 256]  # the fourth is that of the embeddings
PUBLISHED = [  # parameters, tensors
    ("full", 539_267_457, 17),
    ("full_embed_init", 539_267_457, 17),
    ("full_layernorm", 539_275_137, 33),
    ("full_resnet", 538_121_473, 17),
    ("full_test", 10_785_153, 17),
]


def published_shapes(name):
    kernels = RESIDUAL if name == "full_resnet" else INNER_PRODUCTS
    norms = NORMS if name == "full_layernorm" else []
    rows = 65_536 if name == "full_test" else 4_194_304
    return {
        "embedding_table": (rows, 128),
        **{f"Dense_{n}": {"kernel": k, "bias": k[1:]} for n, k in enumerate(kernels)},
        **{f"LayerNorm_{n}": {"scale": (w,), "bias": (w,)} for n, w in enumerate(norms)},
    }


@pytest.mark.parametrize(("name", "parameters", "tensors"), PUBLISHED)
def test_the_full_size_has_the_published_parameters(name, parameters, tensors):
    leaves = jax.tree.leaves(shapes_of(name))
    assert sum(leaf.size for leaf in leaves) == parameters
    assert len(leaves) == tensors


@pytest.mark.parametrize("name", [name for name, *_ in PUBLISHED])
def test_every_tensor_of_the_full_size_has_its_published_name_and_shape(name):
    assert jax.tree.map(lambda leaf: leaf.shape, shapes_of(name)) == published_shapes(name)


@pytest.mark.full
@pytest.mark.parametrize("name", ["full", "full_resnet"])
def test_the_full_size_makes_a_training_step(name):
    """In 9 GiB."""
    model, rng = Model(WORKLOAD.size(name)), np.random.default_rng(0)
    params, _ = model.init(jax.random.PRNGKey(0))
    ids = rng.integers(4_194_304, size=(8, 26))
    batch = {
        "inputs": np.concatenate([rng.random((8, 13)), ids], axis=1).astype(np.float32),
        "targets": np.arange(8, dtype=np.float32)[:, None] % 2,
    }

    def mean_loss(params):
        mode = ForwardPassMode.TRAIN
        logits, _ = model.apply(params, batch, None, mode, None, True, 0.0)
        loss = model.loss(batch["targets"], logits)
        return loss["summed"] / loss["n_valid_examples"]

    def step(params):
        loss, gradients = jax.value_and_grad(mean_loss)(params)
        moved = {key: jax.tree.map(lambda g: g.any(), gradients[key]) for key in gradients}
        return loss, moved, jax.tree.map(lambda p, g: p - 1e-3 * g, params, gradients)

    before, moved, params = jax.jit(step, donate_argnums=0)(params)
    assert jax.tree.all(moved)
    assert float(jax.jit(mean_loss)(params)) < float(before)


@pytest.mark.parametrize("name", ["full", "full_layernorm", "full_resnet"])
def test_the_readout_is_the_layer_with_one_output(name):
    model, shapes = Model(WORKLOAD.size(name)), shapes_of(name)
    readout = [key for key in shapes if model.is_output(key)]
    assert [shapes[key]["kernel"].shape[1] for key in readout] == [1]


def test_equal_keys_give_equal_parameters():
    first, again = (Model(MINI).init(jax.random.PRNGKey(3))[0] for _ in range(2))
    assert jax.tree.all(jax.tree.map(np.array_equal, first, again))


def test_dropout_zeroes_a_share_and_scales_the_rest():
    kept = dropout(jnp.ones(10_000), 0.25, jax.random.PRNGKey(0))
    assert set(kept.tolist()) == {0.0, jnp.float32(1 / 0.75).item()}
    assert float((kept == 0).mean()) == pytest.approx(0.25, abs=0.02)


def test_changing_the_dropout_rate_does_not_compile_again():
    model, compiled = Model(MINI), []
    params, _ = model.init(jax.random.PRNGKey(0))

    @jax.jit
    def logits(inputs, rate):
        compiled.append(rate)
        mode = ForwardPassMode.TRAIN
        return model.apply(
            params, {"inputs": inputs}, None, mode, jax.random.PRNGKey(1), True, rate
        )[0]

    inputs = jnp.ones((4, 39))
    assert not jnp.array_equal(logits(inputs, 0.0), logits(inputs, 0.9))
    assert len(compiled) == 1


def test_dropout_without_a_key_says_so():
    with pytest.raises(ValueError, match="give model_fn an rng"):
        dropout(jnp.ones(3), 0.5, None)
