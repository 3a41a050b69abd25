import numpy as np
import pytest

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")

from mlgolf.core.spec import ForwardPassMode  # noqa: E402
from mlgolf.workloads.criteo1tb import WORKLOAD  # noqa: E402
from mlgolf.workloads.criteo1tb.model_jax import Model, dropout  # noqa: E402

MINI = WORKLOAD.size("mini")


@pytest.mark.parametrize(
    ("name", "parameters", "tensors"),
    [
        ("full", 539_267_457, 17),
        ("full_embed_init", 539_267_457, 17),
        ("full_layernorm", 539_275_137, 33),
    ],
)
def test_the_full_size_has_the_published_parameters(name, parameters, tensors):
    shapes, _ = jax.eval_shape(Model(WORKLOAD.size(name)).init, jax.random.PRNGKey(0))
    leaves = jax.tree.leaves(shapes)
    assert sum(leaf.size for leaf in leaves) == parameters
    assert len(leaves) == tensors


def test_the_full_size_has_the_published_names():
    shapes, _ = jax.eval_shape(Model(WORKLOAD.size("full_layernorm")).init, jax.random.PRNGKey(0))
    dense = {f"Dense_{i}" for i in range(8)}
    assert set(shapes) == dense | {f"LayerNorm_{i}" for i in range(8)} | {"embedding_table"}
    assert shapes["Dense_3"]["kernel"].shape == (506, 1024)


def test_the_readout_is_the_layer_with_one_output():
    model = Model(WORKLOAD.size("full"))
    shapes, _ = jax.eval_shape(model.init, jax.random.PRNGKey(0))
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
