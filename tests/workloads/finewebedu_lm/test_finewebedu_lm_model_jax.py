import math

import numpy as np
import pytest

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")

from mlgolf.core.spec import ForwardPassMode  # noqa: E402
from mlgolf.workloads.finewebedu_lm import WORKLOAD  # noqa: E402
from mlgolf.workloads.finewebedu_lm.model_jax import Model  # noqa: E402

MINI, FULL = WORKLOAD.size("mini"), WORKLOAD.size("full")


def test_the_full_size_has_the_parameters_of_its_formula():
    shapes, _ = jax.eval_shape(Model(FULL).init, jax.random.PRNGKey(0))
    leaves = jax.tree.leaves(shapes)
    assert sum(leaf.size for leaf in leaves) == FULL.model.parameters
    assert len(leaves) == 2 + 12 * 9  # queries, keys and values are apart


def test_the_full_size_has_the_published_names():
    shapes, _ = jax.eval_shape(Model(FULL).init, jax.random.PRNGKey(0))
    assert set(shapes) == {"embed", "out_ln"} | {f"blocks_{layer}" for layer in range(12)}
    assert set(shapes["blocks_3"]) == {"RMSNorm_0", "CausalAttn_0", "RMSNorm_1", "Mlp_0"}
    attention = shapes["blocks_3"]["CausalAttn_0"]
    assert set(attention) == {"query", "key", "value", "attn_scale", "attn_out_proj"}
    assert attention["query"]["kernel"].shape == (1024, 8, 128)


def test_initial_values_have_the_deviations_of_their_layers():
    params, _ = Model(MINI).init(jax.random.PRNGKey(0))
    mlp = params["blocks_0"]["Mlp_0"]
    assert float(mlp["Dense_0"]["kernel"].std()) == pytest.approx(0.02, rel=0.05)
    assert float(mlp["Dense_1"]["kernel"].std()) == pytest.approx(0.02 / math.sqrt(4), rel=0.05)
    query, key = (params["blocks_0"]["CausalAttn_0"][name]["kernel"] for name in ("query", "key"))
    assert not jnp.array_equal(query, key)


@pytest.mark.parametrize("mask", [[1.0, 0.0], [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]])
def test_a_mask_is_of_rows_or_of_tokens(mask):
    logits, labels = jnp.ones((2, 3, 5)), jnp.ones((2, 3), jnp.int32)
    loss = Model(MINI).loss(labels, logits, jnp.array(mask))
    assert float(loss["n_valid_examples"]) == 3
    assert float(loss["per_example"][1]) == 0
    assert float(loss["summed"]) == pytest.approx(3 * math.log(5))


def test_label_smoothing_mixes_in_all_tokens():
    logits, labels = np.array([[[0.5, -1.0, 2.0, 0.0]]], np.float32), np.array([[2]])
    logs = np.log(np.exp(logits) / np.exp(logits).sum())[0, 0]
    loss = Model(MINI).loss(labels, logits, label_smoothing=0.2)
    assert float(loss["summed"]) == pytest.approx(-(0.8 * logs[2] + 0.2 * logs.mean()), rel=1e-5)


@pytest.mark.full
def test_the_full_size_makes_a_training_step_that_changes_every_parameter():
    model = Model(FULL)
    params, _ = model.init(jax.random.PRNGKey(0))
    rows = np.random.default_rng(0).integers(50_257, size=(1, 1025)).astype(np.int32)

    def mean(params):
        batch, mode = {"inputs": rows[:, :-1]}, ForwardPassMode.TRAIN
        logits, _ = model.apply(params, batch, None, mode, None, False, 0.0)
        loss = model.loss(rows[:, 1:], logits)
        return loss["summed"] / loss["n_valid_examples"]

    loss, slopes = jax.jit(jax.value_and_grad(mean))(params)
    after = jax.tree.map(lambda value, slope: value - slope, params, slopes)
    assert float(loss) == pytest.approx(math.log(50_257), rel=0.05)
    assert not any(jax.tree.leaves(jax.tree.map(jnp.array_equal, params, after)))
