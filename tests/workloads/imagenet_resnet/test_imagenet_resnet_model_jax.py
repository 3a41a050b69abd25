import numpy as np
import pytest

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")

from mlgolf.core.spec import ForwardPassMode  # noqa: E402
from mlgolf.workloads.imagenet_resnet import WORKLOAD  # noqa: E402
from mlgolf.workloads.imagenet_resnet.model_jax import BatchNorm, Model  # noqa: E402

FULL, MINI = WORKLOAD.size("full"), WORKLOAD.size("mini")
KEY = jax.random.PRNGKey(7)
INPUTS = np.random.default_rng(0).standard_normal((8, 3, 20, 20), np.float32)


@pytest.fixture(scope="module")
def model():
    return Model(MINI)


@pytest.fixture(scope="module")
def started(model):
    return model.init(KEY)


@pytest.fixture(scope="module")
def forward(model):
    """Compiled once for all tests of this module."""

    def apply(params, state, inputs, mode, update_batch_norm):
        return model.apply(params, {"inputs": inputs}, state, mode, None, update_batch_norm, 0.0)

    compiled = jax.jit(apply, static_argnums=(3, 4))

    def run(variables, *, inputs=INPUTS, mode=ForwardPassMode.TRAIN, update_batch_norm=True):
        return compiled(*variables, inputs, mode, update_batch_norm)

    return run


@pytest.fixture(scope="module")
def trained(started, forward):
    """Parameters, and the state after a batch in training."""
    return started[0], forward(started)[1]


def shapes(name):
    return jax.eval_shape(Model(WORKLOAD.size(name)).init, KEY)


def same(one, other):
    return jax.tree.all(jax.tree.map(np.array_equal, one, other))


@pytest.mark.parametrize("name", [n for n in WORKLOAD.sizes if n.startswith("full")])
def test_the_full_size_has_the_published_parameters(name):
    leaves = jax.tree.leaves(shapes(name)[0])
    assert sum(leaf.size for leaf in leaves) == 25_557_032
    assert len(leaves) == 161


def test_the_full_size_has_the_published_names_and_shapes():
    params, state = shapes("full")
    blocks = {f"BottleneckResNetBlock_{number}" for number in range(16)}
    assert set(params) == blocks | {"Conv_init", "BatchNorm_init", "Dense_0"}
    assert params["Conv_init"]["kernel"].shape == (7, 7, 3, 64)
    block = params["BottleneckResNetBlock_3"]
    parts = {f"{kind}_{place}" for kind in ("Conv", "BatchNorm") for place in (0, 1, 2, "proj")}
    assert set(block) == parts
    assert block["Conv_1"]["kernel"].shape == (3, 3, 128, 128)
    assert block["Conv_proj"]["kernel"].shape == (1, 1, 256, 512)
    assert set(block["BatchNorm_2"]) == {"scale", "bias"}
    assert "Conv_proj" not in params["BottleneckResNetBlock_4"]
    assert params["Dense_0"]["kernel"].shape == (2048, 1000)
    assert state.keys() == {"batch_stats"}
    norm = state["batch_stats"]["BottleneckResNetBlock_15"]["BatchNorm_2"]
    assert {name: leaf.shape for name, leaf in norm.items()} == {"mean": (2048,), "var": (2048,)}


def test_the_full_size_gives_one_logit_per_class():
    params, state = shapes("full")
    batch = {"inputs": jax.ShapeDtypeStruct((2, 3, 224, 224), jnp.float32)}

    def logits(params, state, batch):
        return Model(FULL).apply(params, batch, state, ForwardPassMode.EVAL, None, False, 0.0)[0]

    assert jax.eval_shape(logits, params, state, batch).shape == (2, 1000)


def test_readout_and_norms_start_as_published(started):
    params, state = started
    assert params["Dense_0"]["kernel"].std() == pytest.approx(0.01, rel=0.1)
    assert not params["Dense_0"]["bias"].any()
    block = params["BottleneckResNetBlock_1"]
    assert not block["BatchNorm_2"]["scale"].any()
    assert (block["BatchNorm_1"]["scale"] == 1).all()
    norm = state["batch_stats"]["BatchNorm_init"]
    assert not norm["mean"].any()
    assert (norm["var"] == 1).all()


def test_the_variant_starts_its_last_norms_at_eight():
    params, _ = Model(WORKLOAD.size("mini_large_bn_init")).init(KEY)
    assert (params["BottleneckResNetBlock_1"]["BatchNorm_2"]["scale"] == 8).all()


@pytest.mark.parametrize("name", ["mini_plain", "mini_no_batch_norm"])
def test_without_batch_norm_convolutions_have_biases_and_there_is_no_state(name):
    params, state = Model(WORKLOAD.size(name)).init(KEY)
    block = params["BottleneckResNetBlock_1"]
    assert not any(part.startswith("BatchNorm") for part in (*params, *block))
    assert not block["Conv_1"]["bias"].any()
    assert not jax.tree.leaves(state)


def test_without_batch_norm_the_last_scale_is_of_a_blocks_last_convolution():
    block = Model(WORKLOAD.size("mini_no_batch_norm")).init(KEY)[0]["BottleneckResNetBlock_1"]
    assert not block["Conv_2"]["kernel"].any()
    assert block["Conv_1"]["kernel"].any()


@pytest.mark.parametrize("name", ["mini_plain", "mini_no_residual"])
def test_without_residuals_no_block_has_a_shortcut(name):
    params = shapes(name)[0]
    assert "Conv_proj" not in params["BottleneckResNetBlock_1"]
    assert "Conv_proj" in shapes("mini")[0]["BottleneckResNetBlock_1"]


def test_the_readout_is_the_last_layer(model, started):
    assert [key for key in started[0] if model.is_output(key)] == ["Dense_0"]


def test_equal_keys_give_equal_parameters(started):
    again, other = (Model(MINI).init(jax.random.PRNGKey(seed)) for seed in (7, 8))
    assert same(started, again)
    assert not same(started, other)


def test_running_statistics_move_a_tenth_of_the_way_to_those_of_the_batch():
    x = np.random.default_rng(1).normal(3.0, 2.0, (4, 5, 5, 2)).astype(np.float32)
    _, state = BatchNorm().init_with_output(KEY, x, True)
    found = state["batch_stats"]
    rows = x.reshape(-1, 2)
    np.testing.assert_allclose(found["mean"], 0.1 * rows.mean(0), rtol=1e-5)
    np.testing.assert_allclose(found["var"], 0.9 + 0.1 * rows.var(0, ddof=1), rtol=1e-5)


def test_statistics_stay_when_they_are_not_to_be_updated(started, forward):
    assert same(forward(started, update_batch_norm=False)[1], started[1])
    assert not same(forward(started)[1], started[1])


def test_training_normalises_by_the_batch_whether_or_not_statistics_move(trained, forward):
    kept, _ = forward(trained, update_batch_norm=False)
    moved, _ = forward(trained, update_batch_norm=True)
    np.testing.assert_allclose(kept, moved, rtol=1e-5)


def test_evaluation_treats_each_example_alone_and_leaves_statistics(trained, forward):
    together, state = forward(trained, mode=ForwardPassMode.EVAL)
    alone, _ = forward(trained, mode=ForwardPassMode.EVAL, inputs=INPUTS[:1])
    np.testing.assert_allclose(together[:1], alone, rtol=1e-4, atol=1e-6)
    assert same(state, trained[1])


LOGITS = np.array([[2.0, 0.0, -1.0], [0.5, 0.5, 0.5]], np.float32)
LABELS = np.array([0, 2])
LOG_SHARES = np.log(np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("labels", [LABELS, np.eye(3, dtype=np.float32)[LABELS]])
def test_the_loss_is_softmax_cross_entropy_of_smoothed_labels(model, labels, smoothing):
    loss = model.loss(labels, LOGITS, label_smoothing=smoothing)
    smoothed = (1 - smoothing) * np.eye(3)[LABELS] + smoothing / 3
    expected = -(smoothed * LOG_SHARES).sum(1)
    np.testing.assert_allclose(loss["per_example"], expected, rtol=1e-5)
    assert loss["summed"] == pytest.approx(expected.sum(), rel=1e-5)
    assert loss["n_valid_examples"] == 2


def test_masked_examples_add_nothing(model):
    loss = model.loss(LABELS, LOGITS, np.array([1.0, 0.0], np.float32))
    assert loss["n_valid_examples"] == 1
    assert loss["per_example"][1] == 0
    assert loss["summed"] == loss["per_example"][0]
