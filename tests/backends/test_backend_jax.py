import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from mlgolf.backends import load_backend
from mlgolf.core.errors import SubmissionError
from mlgolf.core.spec import LossType, ParameterType, ShapeTuple

BACKEND = load_backend("jax")
PARAMS = {
    "Dense_0": {"kernel": jnp.array([[1.0, 2.0]]), "bias": jnp.array([3.0, 4.0])},
    "BatchNorm_0": {"scale": jnp.array([5.0])},
}
STATE = {"batch_stats": {"BatchNorm_0": {"mean": jnp.array([6.0])}}}
NAMES = [
    "BatchNorm_0/scale",
    "Dense_0/bias",
    "Dense_0/kernel",
    "model_state/batch_stats/BatchNorm_0/mean",
]


class CountingModel:
    """Logits are inputs times a scale. Counts how often it is traced."""

    traces = 0

    def init(self, rng):
        return {"scale": jnp.ones(())}, None

    def apply(self, params, batch, model_state, mode, rng, update_batch_norm, dropout_rate):
        self.traces += 1
        return params["scale"] * batch["inputs"], None

    def loss(self, label_batch, logits_batch, mask_batch=None, label_smoothing=0.0):
        return {"per_example": (logits_batch - label_batch) ** 2}

    def is_output(self, key):
        return False


def test_keys_are_raw_and_those_of_jax():
    key = BACKEND.key(3)
    assert (key.dtype, key.shape) == (jnp.uint32, (2,))
    assert_array_equal(BACKEND.split(key, 3), jax.random.split(key, 3))
    of_step = jax.random.split(jax.random.fold_in(key, 7), 4)
    assert_array_equal(np.stack(BACKEND.step_keys(key, 4, ahead=5)(7)), of_step)


def test_leaves_are_named_by_path_in_order_and_those_of_the_state_apart():
    assert list(BACKEND.named_arrays(PARAMS, STATE)) == NAMES
    assert list(BACKEND.parameter_arrays(PARAMS)) == NAMES[:-1]
    assert list(BACKEND.named_arrays(jax.tree.map(lambda x: x, PARAMS), None)) == NAMES[:-1]


def test_arrays_come_back_into_trees_of_the_same_form():
    arrays = {name: array + 1 for name, array in BACKEND.named_arrays(PARAMS, STATE).items()}
    params, state = BACKEND.load_arrays(PARAMS, STATE, arrays)
    assert jax.tree.structure((params, state)) == jax.tree.structure((PARAMS, STATE))
    assert_array_equal(params["Dense_0"]["bias"], [4.0, 5.0])
    assert_array_equal(state["batch_stats"]["BatchNorm_0"]["mean"], [7.0])
    assert BACKEND.load_arrays(PARAMS, None, BACKEND.named_arrays(PARAMS, None))[1] is None


def test_loaded_arrays_do_not_follow_the_memory_they_came_from():
    arrays = {name: array.copy() for name, array in BACKEND.named_arrays(PARAMS, None).items()}
    params, _ = BACKEND.load_arrays(PARAMS, None, arrays)
    arrays["Dense_0/bias"][:] = 0.0
    assert_array_equal(params["Dense_0"]["bias"], [3.0, 4.0])


def test_arrays_of_another_model_are_refused():
    arrays = BACKEND.named_arrays(PARAMS, None)
    with pytest.raises(SubmissionError, match="every leaf"):
        BACKEND.load_arrays(PARAMS, STATE, arrays)
    with pytest.raises(SubmissionError, match=r"'Dense_0/bias' has shape \(3,\)"):
        BACKEND.load_arrays(PARAMS, None, {**arrays, "Dense_0/bias": np.zeros(3, np.float32)})


def test_shapes_are_leaves_of_a_like_tree_and_types_of_one_in_lower_case():
    assert BACKEND.param_shapes(PARAMS)["Dense_0"]["kernel"] == ShapeTuple((1, 2))
    types = BACKEND.param_types(PARAMS)
    assert types["batchnorm_0"]["scale"] is ParameterType.BATCH_NORM_SCALE
    assert types["dense_0"]["kernel"] is ParameterType.WEIGHT


def test_evaluation_is_compiled_once_per_model_and_shape():
    model = CountingModel()
    params, state = model.init(BACKEND.key(0))
    for value in (1.0, 2.0):
        batch = {"inputs": np.full(3, value, np.float32), "targets": np.zeros(3, np.float32)}
        logits, per_example = BACKEND.evaluate(model, params, state, batch)
        assert_array_equal(logits, np.full(3, value))
        assert_array_equal(per_example, np.full(3, value**2))
    assert model.traces == 1


def test_nested_batches_stay_nested_on_the_device():
    lengths = np.ones(2, np.int32)
    batch = {"inputs": {"audio": np.ones(2), "lengths": lengths}, "targets": (lengths, [lengths])}
    arrays = BACKEND.to_device(batch)
    assert jax.tree.structure(arrays) == jax.tree.structure(batch)
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(arrays))


class Deciding(CountingModel):
    """Decodes to the place of the largest logit, and shows what else it was given."""

    def decode(self, params, batch, model_state, logits):
        return {"places": logits.argmax(-1), "seen": (params["scale"], batch["targets"])}


def test_a_model_that_decodes_is_evaluated_by_what_it_decodes_to():
    model = Deciding()
    batch = {"inputs": np.eye(3, dtype=np.float32), "targets": np.full(3, 7, np.float32)}
    predictions, per_example = BACKEND.evaluate(model, {"scale": jnp.float32(2)}, None, batch)
    assert_array_equal(predictions["places"], [0, 1, 2])
    assert_array_equal(predictions["seen"][0], 2)
    assert_array_equal(predictions["seen"][1], [7, 7, 7])
    assert isinstance(predictions["places"], np.ndarray)
    assert per_example.shape == (3, 3)


def test_the_type_of_the_loss_says_what_makes_probabilities():
    logits = jnp.zeros(2)
    assert_array_equal(
        BACKEND.output_activation(logits, LossType.SOFTMAX_CROSS_ENTROPY), [0.5, 0.5]
    )
    assert BACKEND.output_activation(logits, LossType.MEAN_SQUARED_ERROR) is logits
